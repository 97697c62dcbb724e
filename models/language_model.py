"""The book's character language model: one-hot characters -> recurrent cell -> a distribution over the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from minigrad.models.data.text import Vocabulary

import minigrad as mg
from minigrad import Tensor

from .cells import Cell, GRUCell, Init, LSTMCell, RNNCell, Stacked, as_tuple, unroll

CELLS: dict[str, Callable[..., Cell]] = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell}
Arrays = tuple[npt.NDArray[Any], ...]


class RNNLM:
    """O_t = H_t W_hq + b_q over the states of any cell. Shapes: tokens (B, T), O_t (B, V). Source: D2L 9.5."""

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
        """Layers of cells of that kind (rnn, gru, lstm) and a head; weights drawn from N(0, sigma^2), biases zero.

        While training, ``dropout`` is the chance of each hidden unit to read as zero throughout a chunk.
        """
        rng = np.random.default_rng(seed)
        self.kind, self.dropout = kind, dropout
        cells = [
            CELLS[kind](hidden if i else vocab, hidden, rng, sigma, dtype) for i in range(layers)
        ]
        self.cell = cells[0] if layers == 1 else Stacked(*cells)
        init = Init(rng, sigma, dtype)
        self.W_hq, self.b_q = init.weight("W_hq", hidden, vocab), init.bias("b_q", vocab)

    @property
    def layers(self) -> tuple[Cell, ...]:
        """The cells, from below."""
        return self.cell.cells if isinstance(self.cell, Stacked) else (self.cell,)

    def zero_state(self, batch: int) -> Arrays:
        """The state before the first step, as arrays (B, h), for every layer."""
        return tuple(s.data for s in as_tuple(self.cell.zero_state((batch, len(self.b_q)))))

    def masks(self, batch: int, rng: np.random.Generator) -> Arrays:
        """Dropout for one chunk: (B, h) of 0 and 1 / (1 - dropout) per layer; none without dropout."""
        keep, shape = 1 - self.dropout, (batch, len(self.W_hq))
        return tuple(
            (rng.random(shape) < keep) / self.W_hq.dtype.type(keep)
            for _ in self.layers
            if self.dropout
        )

    def logits(
        self, tokens: Tensor, state: Any = None, reset: Any = None, masks: Sequence[Any] = ()
    ) -> tuple[list[Any], Any]:
        """O_1, ..., O_T and the last state, for tokens (T, B)."""
        cell = Stacked(*self.layers, masks=masks) if masks else self.cell
        state = state[0] if isinstance(state, tuple) and len(state) == 1 else state
        hs, state = unroll(cell, mg.one_hot(tokens, len(self.b_q), self.b_q.dtype), state, reset)
        outputs = []
        for t, h in enumerate(hs, 1):
            with mg.timestep(t):
                outputs.append((h @ self.W_hq + self.b_q).named(f"o_{t}"))
        return outputs, state

    def record(
        self, X: Tensor, Y: Tensor, state: Any = None, reset: Any = None, masks: Sequence[Any] = ()
    ) -> tuple[Tensor, Any]:
        """Mean cross-entropy in nats of the targets Y (T, B) after the inputs X (T, B), and the last state."""
        outputs, state = self.logits(X, state, reset, masks)
        loss: Tensor = mg.cross_entropy(np.stack(outputs), Y)
        return loss.named("L"), state

    def loss(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Tensor:
        """The loss of the targets y (B, T) after the inputs x (B, T), from the zero state."""
        return self.record(
            mg.tensor(np.asarray(x).T, name="X"), mg.tensor(np.asarray(y).T, name="Y")
        )[0]

    def continue_text(
        self, prefix: str, length: int, vocab: Vocabulary, temperature: float = 0.0, seed: int = 0
    ) -> str:
        """The prefix and ``length`` next characters, drawn from softmax(O / temperature); at 0 always the likeliest.

        Source: D2L 9.5.4.
        """
        rng, state, made = np.random.default_rng(seed), None, vocab.encode(prefix)
        with mg.no_grad():
            given = made
            for _ in range(length):
                outputs, state = self.logits(mg.tensor(np.array(given)[:, None]), state)
                made.append(_choose(outputs[-1].data[0], temperature, rng))
                given = made[-1:]
        return vocab.decode(made)


def _choose(o: npt.NDArray[Any], temperature: float, rng: np.random.Generator) -> int:
    """An index drawn from softmax(o / temperature): the largest of o / temperature + Gumbel noise; at 0 of o.

    Never 0, the unknown character.
    """
    o = o[1:].astype(np.float64)
    return 1 + int(np.argmax(o + temperature * rng.gumbel(size=o.shape) if temperature else o))
