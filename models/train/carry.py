"""What a model carries from chunk to chunk: its state, row by row, as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from minigrad import Tensor
from minigrad.errors import ArgumentError
from minigrad.models.data.stream import Chunk
from minigrad.models.unrolling import Arrays, masked


class Model(Protocol):
    """What can be trained: a loss over a chunk, the state before it, and the state after it."""

    def zero_state(self, batch: int) -> Arrays:
        """The state of so many rows before their first step: arrays (B, ...).

        () for a model without one.
        """
        ...

    def masks(self, batch: int, rng: np.random.Generator) -> Arrays:
        """What is drawn anew for every chunk, such as dropout; () for nothing."""
        ...

    def record(
        self, X: Tensor, Y: Tensor, state: Any, reset: Any, masks: Sequence[Any]
    ) -> tuple[Tensor, Any]:
        """The mean loss per token of X, Y (T, B, ...), and the last state.

        ``reset`` (T, B) or None as in unroll. Of chunks with lengths, they follow as a Tensor (B,).
        """
        ...


def entering(model: Model, state: Arrays | None, chunk: Chunk) -> Arrays:
    """The state of the chunk's rows before it: row i goes on with row i, or starts anew.

    ``state``: after the chunk before, None before the first. Plain arrays: no gradient.

    Raises ArgumentError where a row that does not start anew was not there before.

    >>> from minigrad import models
    >>> lm = models.RNNLM("rnn", hidden=2, vocab=3)
    >>> tokens = np.array([[1, 2], [2, 1]])
    >>> chunk = models.stream.Chunk(tokens, tokens, reset=np.array([True, False]))
    >>> models.train.entering(lm, (np.ones((2, 2)),), chunk)[0].tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    rows = len(chunk.x)
    rows_before = len(state[0]) if state else rows
    anew = _rows_that_start_anew(chunk)
    if not anew[rows_before:].all():
        got = f"{rows} rows after a chunk of {rows_before}"
        expected = "a row that goes on needs a state"
        remedy = "Reset the new rows, or leave out the smaller batch"
        raise ArgumentError("chunk", got=got, expected=expected, remedy=remedy)
    # Rows that are new have zeros behind the others; those that start anew get theirs at the end.
    zero = model.zero_state(rows)
    if state is None:
        return zero
    carried = tuple(
        np.concatenate([s[:rows], z[rows_before:]]) for s, z in zip(state, zero, strict=True)
    )
    return tuple(masked(anew, carried))


def _rows_that_start_anew(chunk: Chunk) -> npt.NDArray[np.bool_]:
    """The rows (B,) that start from zero before the first step."""
    if chunk.reset is None:
        return np.zeros(len(chunk.x), bool)
    if chunk.reset.ndim == 1:
        return chunk.reset
    return chunk.reset[:, 0]


def waiting(after: Arrays, before: Arrays | None) -> Arrays:
    """The state after a chunk: the rows that it did not have keep theirs."""
    pairs = zip(after, before or after, strict=True)
    return tuple(np.concatenate([new, old[len(new) :]]) for new, old in pairs)
