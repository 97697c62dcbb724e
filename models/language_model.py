"""The book's character language model.

One-hot characters -> recurrent cells -> a distribution over the next character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import minigrad as mg
from minigrad import Tensor
from minigrad.errors import ArgumentError
from minigrad.models.data.text import Vocabulary

from .cells import CELLS
from .initial import Init
from .one_hot_rows import Embedded, OneHotRows
from .sampling import sampler
from .stacked import Stacked
from .unrolling import Arrays, Cell, as_state, as_tuple, unroll

# Of a model of other parts than RNNLM makes: it is no key of CELLS.
OTHER_KIND = "other"


class RNNLM:
    """O_t = H_t W_hq + b_q over the states of any cell. Shapes: tokens (B, T), O_t (B, V).

    Source: D2L 9.5.

    >>> from minigrad import models
    >>> vocab = models.Vocabulary.of("it has")
    >>> lm = models.RNNLM("gru", hidden=8, vocab=len(vocab.tokens), layers=2)
    >>> tokens = np.array([vocab.encode("it has")])
    >>> round(lm.loss(tokens[:, :-1], tokens[:, 1:]).item(), 3)
    1.946
    >>> lm.continue_text("it", 4, vocab)[:2]
    'it'
    """

    cell: Any
    # An embedding (V, e) that the cell reads in place of one-hot characters.
    W_e: Tensor | None = None

    def __init__(
        self,
        kind: str,
        hidden: int,
        vocab: int,
        seed: int = 0,
        dtype: Any = np.float32,
        layers: int = 1,
        dropout: float = 0.0,
        sigma: float = 0.01,
    ) -> None:
        """Layers of cells of that kind, a key of CELLS, with ``hidden`` units each, and a head.

        ``vocab`` is the number of characters V. Weights are drawn from N(0, sigma^2) by ``seed``,
        biases are zero. While training, ``dropout`` is the chance of each hidden unit to read as
        zero throughout a chunk.

        Raises ArgumentError for a kind that there is not.
        """
        if kind not in CELLS:
            expected = f"expected one of {', '.join(CELLS)}"
            raise ArgumentError("RNNLM", got=f"kind={kind!r}", expected=expected)
        self.kind = kind
        self.dropout = dropout
        rng = np.random.default_rng(seed)
        make = CELLS[kind].make
        cells = []
        inputs = vocab
        for _ in range(layers):
            cells.append(make(inputs, hidden, rng, sigma, dtype))
            inputs = hidden
        self.cell = cells[0] if layers == 1 else Stacked(*cells)
        init = Init(rng, sigma, dtype)
        self.W_hq = init.weight("W_hq", hidden, vocab)
        self.b_q = init.bias("b_q", vocab)

    @classmethod
    def of(cls, cell: Any, W_hq: Tensor, b_q: Tensor, W_e: Tensor | None = None) -> RNNLM:
        """A language model of these parts: a cell, or what else ``unroll`` takes, and a head.

        Shapes: W_hq (h, V), b_q (V,). The cell reads one-hot characters, or the rows of ``W_e``
        (V, e), an embedding.

        >>> from minigrad import models
        >>> W_hq, b_q = mg.tensor(np.zeros((2, 5))), mg.tensor(np.zeros(5))
        >>> lm = models.RNNLM.of(models.RNNCell(3, 2), W_hq, b_q, W_e=mg.tensor(np.ones((5, 3))))
        >>> round(lm.loss([[0, 1]], [[1, 2]]).item(), 3)
        1.609
        """
        lm = cls.__new__(cls)
        lm.kind, lm.dropout = OTHER_KIND, 0.0
        lm.W_e, lm.cell, lm.W_hq, lm.b_q = W_e, cell, W_hq, b_q
        return lm

    @property
    def layers(self) -> tuple[Cell, ...]:
        """The cells, from below."""
        if isinstance(self.cell, Stacked):
            return self.cell.cells
        return (self.cell,)

    def zero_state(self, batch: int) -> Arrays:
        """The state before the first step, as arrays (B, h), for every layer."""
        state = self.cell.zero_state((batch, len(self.b_q)))
        return tuple(s.data for s in as_tuple(state))

    def masks(self, batch: int, rng: np.random.Generator) -> Arrays:
        """Dropout for one chunk: (B, h) of 0 and 1 / (1 - dropout) per layer.

        None without dropout.
        """
        if not self.dropout:
            return ()
        # Divided by the share that is kept: the mean of what is read stays the same.
        keep = 1 - self.dropout
        shape = (batch, len(self.W_hq))
        divisor = self.W_hq.dtype.type(keep)
        masks = []
        for _ in self.layers:
            kept = rng.random(shape) < keep
            masks.append(kept / divisor)
        return tuple(masks)

    def logits(
        self,
        tokens: Tensor,
        state: Any = None,
        reset: Any = None,
        masks: Sequence[Any] = (),
        lengths: Any = None,
    ) -> tuple[list[Any], Any]:
        """O_1, ..., O_T and the last state, for tokens (T, B).

        ``state``: before the first step, as Tensors or arrays (B, h); zeros by default. ``reset``
        (T, B) and ``lengths`` (B,) as in unroll. ``masks``: dropout, as ``masks()`` draws it.
        """
        cell = Stacked(*self.layers, masks=masks) if masks else self.cell
        # A cell with one tensor of state takes it as it is, not as a tuple of one.
        if isinstance(state, tuple):
            state = as_state(state)
        rows: Any = OneHotRows(tokens, len(self.b_q), self.b_q.dtype)
        if self.W_e is not None:
            rows = Embedded(tokens, self.W_e)
        hs, state = unroll(cell, rows, state, reset, lengths)
        outputs = []
        # The head belongs to the steps too.
        for t, h in enumerate(hs, 1):
            with mg.timestep(t):
                output = h @ self.W_hq + self.b_q
                outputs.append(output.named(f"o_{t}"))
        return outputs, state

    def record(
        self,
        X: Tensor,
        Y: Tensor,
        state: Any = None,
        reset: Any = None,
        masks: Sequence[Any] = (),
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, Any]:
        """Mean cross-entropy in nats of the targets Y after the inputs X, (T, B); the last state.

        ``state``, ``reset``, ``masks`` and ``lengths`` as in ``logits``; targets behind the end of
        a sequence do not count.
        """
        outputs, state = self.logits(X, state, reset, masks, lengths)
        on = None if lengths is None else mg.sequence_mask(lengths, len(outputs))
        loss: Tensor = mg.cross_entropy(np.stack(outputs), Y, sample_weight=on)
        return loss.named("L"), state

    def loss(self, x: npt.ArrayLike, y: npt.ArrayLike, lengths: Any = None) -> Tensor:
        """The loss of the targets y (B, T) after the inputs x (B, T), from the zero state.

        ``lengths`` (B,): of the sequences, where they are padded at their end.
        """
        X = mg.tensor(np.asarray(x).T, name="X")
        Y = mg.tensor(np.asarray(y).T, name="Y")
        ends = None
        if lengths is not None:
            array = np.asarray(lengths)
            ends = mg.tensor(array, name="lengths", dtype=array.dtype)
        loss, _ = self.record(X, Y, lengths=ends)
        return loss

    def continue_text(
        self,
        prefix: str,
        length: int,
        vocab: Vocabulary,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> str:
        """The prefix and ``length`` next characters, drawn from softmax(O / temperature).

        At temperature 0 it is always the likeliest; ``seed`` draws. Source: D2L 9.5.4. Raises
        ArgumentError for an empty prefix.
        """
        text = vocab.encode(prefix)
        if not text:
            expected = "expected a character or more to go on from"
            raise ArgumentError("continue_text: prefix", got=f"{prefix!r}", expected=expected)
        rng = np.random.default_rng(seed)
        sample = sampler(self)
        for token in text:
            logits = sample(token)
        for _ in range(length):
            text.append(_choose(logits, temperature, rng))
            logits = sample(text[-1])
        return vocab.decode(text)


def _choose(o: npt.NDArray[Any], temperature: float, rng: np.random.Generator) -> int:
    """An index drawn from softmax(o / temperature); at 0 that of the largest o.

    The largest of o / temperature + Gumbel noise is such a draw. Never 0, the unknown character.
    """
    # Without the unknown character, which no text has.
    scores = o[1:].astype(np.float64)
    if temperature:
        scores = scores + temperature * rng.gumbel(size=scores.shape)
    return 1 + int(np.argmax(scores))
