"""Tasks of long memory: copying (Arjovsky 2016) and adding (Hochreiter 1997), with the losses of knowing nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from minigrad.models.cells import Cell, Init, unroll

import minigrad as mg
from minigrad import Tensor

BLANK, RECALL = 0, 1  # two symbols beside those to remember


def copy_memory(
    batch: int, lag: int, rng: np.random.Generator, length: int = 10, symbols: int = 8
) -> tuple[Any, Any]:
    """Symbols to remember, lag blanks of which the last says recall, and room to recite them.

    Shapes: inputs and targets (lag + 2 length, B) of integers; symbols are 2..symbols+1, all other targets blank.
    """
    remembered = rng.integers(2, symbols + 2, (length, batch))
    x = np.zeros((lag + 2 * length, batch), np.int64)
    x[:length], x[length + lag - 1] = remembered, RECALL
    y = np.zeros_like(x)
    y[-length:] = remembered
    return x, y


def copy_baseline(lag: int, length: int = 10, symbols: int = 8) -> float:
    """The cross-entropy of knowing when to recite, and nothing of what: length ln(symbols) / (lag + 2 length)."""
    return float(length * np.log(symbols) / (lag + 2 * length))


def recall(batch: int, steps: int, rng: np.random.Generator, symbols: int = 4) -> tuple[Any, Any]:
    """One symbol at the first step, then blanks; the target after the last step is which symbol it was.

    Shapes: inputs (T, B) of integers, the symbols 2..symbols+1; targets (B,), 0..symbols-1.
    """
    x = np.zeros((steps, batch), np.int64)
    which = rng.integers(0, symbols, batch)
    x[0] = which + 2
    return x, which


def adding(batch: int, steps: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Random numbers in [0, 1] of which two are marked, one in either half; the target is the sum of those two.

    Shapes: inputs (T, B, 2), the numbers and the marks; targets (B, 1).
    """
    values, marks = rng.random((steps, batch)), np.zeros((steps, batch))
    half, columns = steps // 2, np.arange(batch)
    marks[rng.integers(0, half, batch), columns] = 1
    marks[rng.integers(half, steps, batch), columns] = 1
    return np.stack([values, marks], axis=-1), np.sum(values * marks, axis=0)[:, None]


ADDING_BASELINE = (
    1 / 6
)  # the variance of a sum of two uniform numbers: the loss of always answering 1


class Reader:
    """A cell and a linear head; the head reads the last state, or with ``every`` the state of every step."""

    def __init__(
        self, cell: Cell, hidden: int, outputs: int, rng: Any, every: bool, classes: int = 0
    ) -> None:
        """``classes``: inputs are integers below it and are encoded one-hot."""
        init = Init(rng, 1 / np.sqrt(hidden), np.float64)
        self.cell, self.every, self.classes = cell, every, classes
        self.W_hq, self.b_q = init.weight("W_hq", hidden, outputs), init.bias("b_q", outputs)

    def outputs(self, x: Any) -> Any:
        """(T, B, q), or (B, q) of the last step."""
        given = mg.tensor(x)
        hs, _ = unroll(self.cell, mg.one_hot(given, self.classes) if self.classes else given)
        states = np.stack(hs) if self.every else hs[-1]
        return states @ self.W_hq + self.b_q

    def loss(self, x: Any, y: Any) -> Tensor:
        """Cross-entropy for classes, else the mean squared error."""
        out = self.outputs(x)
        found: Tensor = mg.cross_entropy(out, y) if self.classes else mg.mse(out, y)
        return found.named("L")
