"""Streams of chunks to train on: shuffled windows, or one long text in rows side by side, read where it lies."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from minigrad.errors import ArgumentError

Reset = Literal["document", "epoch", "never"]


@dataclass(frozen=True, eq=False)
class Chunk:
    """One piece of every row: inputs x and targets y, (B, T, ...), and the rows that start anew.

    ``reset``: (B,) before the first step, (B, T) before each step; None: every row goes on from the chunk before.
    ``place``: the epoch, from 1, and the number of the chunk in it, from 0.
    """

    x: npt.NDArray[Any]
    y: npt.NDArray[Any]
    reset: npt.NDArray[np.bool_] | None = None
    place: tuple[int, int] = (1, 0)

    @property
    def tokens(self) -> int:
        """How many there are to predict: B T."""
        return math.prod(self.y.shape[:2])


class Source(Protocol):
    """What can be read again for every epoch, from any place in it."""

    def __len__(self) -> int:
        """Chunks of an epoch."""
        ...

    def chunks(self, epoch: int, start: int = 0) -> Iterator[Chunk]:
        """The chunks of an epoch, from number ``start`` on."""
        ...


@dataclass(frozen=True, eq=False)
class Shuffled:
    """Windows (N, T+1) in batches, in a new order every epoch (none: ``seed`` None); every row starts from zero."""

    windows: npt.NDArray[np.int64]
    batch: int
    seed: int | None = None

    def __len__(self) -> int:
        return (len(self.windows) + self.batch - 1) // self.batch

    def chunks(self, epoch: int, start: int = 0) -> Iterator[Chunk]:
        """The last batch of an epoch is what is left. The order depends on seed and epoch alone."""
        order = np.arange(len(self.windows))
        if self.seed is not None:
            order = np.random.default_rng((self.seed, epoch)).permutation(order)
        for number in range(start, len(self)):
            rows = self.windows[order[number * self.batch :][: self.batch]]
            yield Chunk(rows[:, :-1], rows[:, 1:], np.ones(len(rows), bool), (epoch, number))


def drawn(
    windows: npt.NDArray[np.int64], batch: int, count: int, rng: np.random.Generator
) -> Iterator[Chunk]:
    """``count`` batches of windows (N, T+1), each drawn with replacement; every row starts from zero."""
    for _ in range(count):
        rows = windows[rng.integers(len(windows), size=batch)]
        yield Chunk(rows[:, :-1], rows[:, 1:], np.ones(batch, bool))


@dataclass(frozen=True, eq=False)
class Rows:
    """One text as B rows side by side, read in chunks of T steps: row i goes on in row i of the next chunk.

    ``tokens``: integers (N,), an array or an ``np.memmap`` of a file larger than memory. Each of the N - 1 pairs of a
    token and the next occurs once an epoch: the last chunks are shorter, and the very last may have fewer rows.
    ``reset``: "epoch", all rows start anew with each epoch; "document", and also wherever the input is the token
    ``separator``; "never": the state is carried on. Source: D2L 9.3.4, sequential partitioning.
    """

    tokens: npt.NDArray[Any]
    batch: int
    steps: int
    reset: Reset = "epoch"
    separator: int | None = None

    def __post_init__(self) -> None:
        if self.batch < 1 or self.steps < 1 or len(self.tokens) <= self.batch:
            got = f"{self.batch} rows of {self.steps} steps from {len(self.tokens)} tokens"
            expected, remedy = (
                "expected at least one step in each of at least one row",
                "Take more text or fewer rows",
            )
            raise ArgumentError("Rows", got=got, expected=expected, remedy=remedy)
        if self.reset not in ("document", "epoch", "never") or (self.reset == "document") == (
            self.separator is None
        ):
            got = f"reset={self.reset!r} and separator={self.separator}"
            expected = 'expected "epoch", "never", or "document" with the separator\'s index'
            raise ArgumentError("Rows", got=got, expected=expected)

    def __len__(self) -> int:
        length, longer = divmod(len(self.tokens) - 1, self.batch)
        return (length + self.steps - 1) // self.steps + bool(longer)

    def chunks(self, epoch: int, start: int = 0) -> Iterator[Chunk]:
        """Reads B x (T + 1) tokens a chunk, and nothing else, into memory."""
        length, longer = divmod(len(self.tokens) - 1, self.batch)
        for number in range(start, len(self)):
            offset = min(number * self.steps, length)
            rows, steps = (
                (self.batch, min(self.steps, length - offset)) if offset < length else (longer, 1)
            )
            firsts = (i * length + min(i, longer) + offset for i in range(rows))
            pairs = np.stack([self.tokens[f : f + steps + 1] for f in firsts]).astype(np.int64)
            x, y = pairs[:, :-1], pairs[:, 1:]
            reset = None
            if self.reset == "document":
                reset = x == self.separator
                reset[:, 0] |= number == 0
            elif self.reset == "epoch":
                reset = np.full(rows, number == 0)
            yield Chunk(x, y, reset, (epoch, number))


def epochs(source: Source, last: int, at: tuple[int, int] = (1, 0)) -> Iterator[Chunk]:
    """The chunks of a source from the place ``at`` to the end of epoch ``last``."""
    first, start = at
    for epoch in range(first, last + 1):
        yield from source.chunks(epoch, start if epoch == first else 0)
