"""Tasks of long memory, with the losses of knowing nothing, and a model that reads them.

Source: copying, Arjovsky 2016; adding, Hochreiter 1997.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tensor
from minigrad.models.initial import Init
from minigrad.models.unrolling import Cell, unroll

# The two symbols beside those to remember, which come after them.
BLANK = 0
RECALL = 1
FIRST_SYMBOL = 2

# Inputs and targets of so many examples.
Batch = tuple[Any, Any]

# The variance of a sum of two uniform numbers: the loss of always answering 1.
ADDING_BASELINE = 1 / 6


def copy_memory(
    batch: int,
    lag: int,
    rng: np.random.Generator,
    length: int = 10,
    symbols: int = 8,
) -> Batch:
    """Symbols to remember, lag blanks of which the last says recall, and room to recite them.

    Shapes: inputs and targets (lag + 2 length, B) of integers; symbols are 2..symbols+1, all other
    targets blank.

    >>> x, y = copy_memory(1, lag=3, rng=np.random.default_rng(0), length=2)
    >>> x[:, 0].tolist(), y[:, 0].tolist()
    ([8, 7, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 8, 7])
    """
    end = FIRST_SYMBOL + symbols
    remembered = rng.integers(FIRST_SYMBOL, end, (length, batch))
    steps = lag + 2 * length
    x = np.full((steps, batch), BLANK, np.int64)
    x[:length] = remembered
    x[length + lag - 1] = RECALL
    y = np.full_like(x, BLANK)
    y[-length:] = remembered
    return x, y


def copy_baseline(lag: int, length: int = 10, symbols: int = 8) -> float:
    """The cross-entropy of knowing when to recite, but not what.

    length ln(symbols) / (lag + 2 length).
    """
    steps = lag + 2 * length
    return float(length * np.log(symbols) / steps)


def recall(
    batch: int,
    steps: int,
    rng: np.random.Generator,
    symbols: int = 4,
) -> Batch:
    """One symbol at the first step, then blanks.

    The target after the last step is which symbol it was. Shapes: inputs (T, B) of integers, the
    symbols 2..symbols+1; targets (B,), 0..symbols-1.
    """
    x = np.full((steps, batch), BLANK, np.int64)
    symbol = rng.integers(0, symbols, batch)
    x[0] = symbol + FIRST_SYMBOL
    return x, symbol


def adding(batch: int, steps: int, rng: np.random.Generator) -> Batch:
    """Random numbers in [0, 1] of which two are marked, one in either half.

    The target is the sum of those two. Shapes: inputs (T, B, 2), the numbers and the marks; targets
    (B, 1).
    """
    values = rng.random((steps, batch))
    marks = np.zeros((steps, batch))
    half = steps // 2
    columns = np.arange(batch)
    # One in either half: whoever sees half of the steps cannot know the sum.
    marks[rng.integers(0, half, batch), columns] = 1
    marks[rng.integers(half, steps, batch), columns] = 1
    x = np.stack([values, marks], axis=-1)
    total = np.sum(values * marks, axis=0)
    return x, total[:, None]


class Reader:
    """A cell and a linear head.

    The head reads the last state, or with ``every`` the state of every step.
    """

    def __init__(
        self,
        cell: Cell,
        hidden: int,
        outputs: int,
        rng: Any,
        every: bool,
        classes: int = 0,
    ) -> None:
        """A head (hidden, outputs) whose weights ``rng`` draws.

        ``classes``: inputs are integers below it and are encoded one-hot.
        """
        sigma = 1 / np.sqrt(hidden)
        init = Init(rng, sigma, np.float64)
        self.cell = cell
        self.every = every
        self.classes = classes
        self.W_hq = init.weight("W_hq", hidden, outputs)
        self.b_q = init.bias("b_q", outputs)

    def outputs(self, x: Any) -> Any:
        """(T, B, q), or (B, q) of the last step."""
        xs = mg.tensor(x)
        if self.classes:
            xs = mg.one_hot(xs, self.classes)
        hs, _ = unroll(self.cell, xs)
        states = np.stack(hs) if self.every else hs[-1]
        return states @ self.W_hq + self.b_q

    def loss(self, x: Any, y: Any) -> Tensor:
        """Cross-entropy for classes, else the mean squared error."""
        outputs = self.outputs(x)
        error = mg.cross_entropy if self.classes else mg.mse
        loss: Tensor = error(outputs, y)
        return loss.named("L")
