"""The book's character language model: one-hot characters -> recurrent cell -> a distribution over the next one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import minigrad as mg
from minigrad import Tensor

from .cells import Cell, GRUCell, Init, LSTMCell, RNNCell, unroll
from .text import Vocabulary

CELLS: dict[str, Callable[..., Cell]] = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell}


class RNNLM:
    """O_t = H_t W_hq + b_q over the states of any cell. Shapes: tokens (B, T), O_t (B, V). Source: D2L 9.5."""

    def __init__(self, kind: str, hidden: int, vocab: int, seed: int = 0, dtype: Any = np.float32) -> None:
        """A cell of that kind (rnn, gru, lstm) and its head; weights drawn from N(0, 0.01^2), biases zero."""
        rng = np.random.default_rng(seed)
        self.kind = kind
        self.cell = CELLS[kind](vocab, hidden, rng, dtype=dtype)
        init = Init(rng, 0.01, dtype)
        self.W_hq, self.b_q = init.weight("W_hq", hidden, vocab), init.bias("b_q", vocab)

    def logits(self, tokens: Tensor, state: Any = None) -> tuple[list[Any], Any]:
        """O_1, ..., O_T and the last state, for tokens (T, B)."""
        hs, state = unroll(self.cell, mg.one_hot(tokens, len(self.b_q), self.b_q.dtype), state)
        outputs = []
        for t, h in enumerate(hs, 1):
            with mg.timestep(t):
                outputs.append((h @ self.W_hq + self.b_q).named(f"o_{t}"))
        return outputs, state

    def loss(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Tensor:
        """Mean cross-entropy in nats of the targets y (B, T) after the inputs x (B, T), from the zero state."""
        outputs, _ = self.logits(mg.tensor(np.asarray(x).T, name="X"))
        loss: Tensor = mg.cross_entropy(np.stack(outputs), mg.tensor(np.asarray(y).T, name="Y"))
        return loss.named("L")

    def continue_text(self, prefix: str, length: int, vocab: Vocabulary) -> str:
        """The prefix and the ``length`` most likely next characters, one at a time. Source: D2L 9.5.4."""
        with mg.no_grad():
            tokens, state = vocab.encode(prefix), None
            given, made = len(tokens), list(tokens[:1])
            while len(made) < given + length:
                outputs, state = self.logits(mg.tensor(np.array([made[-1:]])), state)
                made.append(tokens[len(made)] if len(made) < given else int(outputs[-1].argmax()))
        return vocab.decode(made)
