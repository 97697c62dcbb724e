"""Streams of chunks to train on: shuffled windows, or one long text in rows side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
import numpy.typing as npt

from minigrad.errors import ArgumentError

from .text import Tokens

Reset = Literal["document", "epoch", "never"]
Booleans = npt.NDArray[np.bool_]


class Place(NamedTuple):
    """The epoch, from 1, and the number of a chunk in it, from 0."""

    epoch: int
    number: int


START = Place(1, 0)


@dataclass(frozen=True, eq=False)
class Chunk:
    """One piece of every row: inputs x and targets y, (B, T, ...), and the rows that start anew.

    ``reset``: (B,) before the first step, (B, T) before each step; None: every row goes on from the
    chunk before. ``lengths``: integers (B,) in 1..T, the steps of each row that count, where rows
    are padded at their end.

    >>> tokens = np.arange(8).reshape(2, 4)
    >>> Chunk(tokens[:, :-1], tokens[:, 1:]).tokens
    6
    """

    x: npt.NDArray[Any]
    y: npt.NDArray[Any]
    reset: Booleans | None = None
    place: Place = START
    lengths: npt.NDArray[np.integer[Any]] | None = None

    @property
    def tokens(self) -> int:
        """How many there are to predict: B T, or the sum of the lengths."""
        if self.lengths is not None:
            return int(np.sum(self.lengths))
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
    """Windows (N, T+1) in batches, in a new order every epoch (none: ``seed`` None).

    Every row starts from zero.

    >>> source = Shuffled(np.arange(30).reshape(10, 3), batch=4, seed=0)
    >>> [chunk.x.shape for chunk in source.chunks(epoch=1)]
    [(4, 2), (4, 2), (2, 2)]
    """

    windows: Tokens
    batch: int
    seed: int | None = None

    def __len__(self) -> int:
        return (len(self.windows) + self.batch - 1) // self.batch

    def chunks(self, epoch: int, start: int = 0) -> Iterator[Chunk]:
        """The last batch of an epoch is what is left. The order depends on seed and epoch alone."""
        order = np.arange(len(self.windows))
        # By the epoch, not by what was drawn before it: a run may go on in any epoch.
        if self.seed is not None:
            rng = np.random.default_rng((self.seed, epoch))
            order = rng.permutation(order)
        for number in range(start, len(self)):
            first = number * self.batch
            rows = self.windows[order[first : first + self.batch]]
            yield _from_zero(rows, Place(epoch, number))


def drawn(windows: Tokens, batch: int, count: int, rng: np.random.Generator) -> Iterator[Chunk]:
    """``count`` batches of windows (N, T+1), each drawn with replacement.

    Every row starts from zero.

    >>> windows = np.arange(30).reshape(10, 3)
    >>> [chunk.x.shape for chunk in drawn(windows, 4, 2, np.random.default_rng(0))]
    [(4, 2), (4, 2)]
    """
    for _ in range(count):
        numbers = rng.integers(len(windows), size=batch)
        yield _from_zero(windows[numbers], START)


def _from_zero(windows: Tokens, place: Place) -> Chunk:
    """Windows (B, T+1) as a chunk whose rows all start from zero."""
    x = windows[:, :-1]
    y = windows[:, 1:]
    reset = np.ones(len(windows), bool)
    return Chunk(x, y, reset, place)


@dataclass(frozen=True, eq=False)
class Rows:
    """One text as B rows side by side, in chunks of T steps: row i goes on in row i of the next.

    ``tokens``: integers (N,), an array or an ``np.memmap`` of a file larger than memory. Each of
    the N - 1 pairs of a token and the next occurs once an epoch: the last chunks are shorter, and
    the very last may have fewer rows.

    ``reset``: "epoch", all rows start anew with each epoch; "document", and also wherever the input
    is the token ``separator``; "never": the state is carried on. Source: D2L 9.3.4, sequential
    partitioning.

    Raises ArgumentError for a text without a step for each row, and for another ``reset``.

    >>> for chunk in Rows(np.arange(10), batch=2, steps=3).chunks(epoch=1):
    ...     print(chunk.x.tolist(), chunk.reset)
    ...
    [[0, 1, 2], [5, 6, 7]] [ True  True]
    [[3], [8]] [False False]
    [[4]] [False]
    """

    tokens: npt.NDArray[Any]
    batch: int
    steps: int
    reset: Reset = "epoch"
    separator: int | None = None

    def __post_init__(self) -> None:
        if self.batch < 1 or self.steps < 1 or len(self.tokens) <= self.batch:
            got = f"{self.batch} rows of {self.steps} steps from {len(self.tokens)} tokens"
            expected = "expected at least one step in each of at least one row"
            remedy = "Take more text or fewer rows"
            raise ArgumentError("Rows", got=got, expected=expected, remedy=remedy)
        has_separator = self.separator is not None
        if self.reset not in get_args(Reset) or has_separator != (self.reset == "document"):
            got = f"reset={self.reset!r} and separator={self.separator}"
            expected = 'expected "epoch", "never", or "document" with the separator\'s index'
            raise ArgumentError("Rows", got=got, expected=expected)

    def __len__(self) -> int:
        length, longer = self._lengths()
        return (length + self.steps - 1) // self.steps + bool(longer)

    def _lengths(self) -> tuple[int, int]:
        """The pairs of every row, and how many of the rows, the first ones, have one more."""
        return divmod(len(self.tokens) - 1, self.batch)

    def chunks(self, epoch: int, start: int = 0) -> Iterator[Chunk]:
        """Reads B x (T + 1) tokens a chunk, and nothing else, into memory."""
        for number in range(start, len(self)):
            pairs = self._read(number)
            x = pairs[:, :-1]
            y = pairs[:, 1:]
            reset = self._resets(x, number)
            yield Chunk(x, y, reset, Place(epoch, number))

    def _read(self, number: int) -> Tokens:
        """The tokens (B, T + 1) of a chunk."""
        length, longer = self._lengths()
        offset = min(number * self.steps, length)
        rows = self.batch
        steps = min(self.steps, length - offset)
        if offset == length:
            # What is left: one step of the longer rows.
            rows = longer
            steps = 1
        pieces = []
        # Before row i lie i rows, of which up to ``longer`` have one token more.
        for row in range(rows):
            first = row * length + min(row, longer) + offset
            pieces.append(self.tokens[first : first + steps + 1])
        return np.stack(pieces).astype(np.int64)

    def _resets(self, x: Tokens, number: int) -> Booleans | None:
        """Which rows of the chunk with inputs x start anew, and where."""
        if self.reset == "never":
            return None
        if self.reset == "epoch":
            return np.full(len(x), number == 0)
        resets: Booleans = x == self.separator
        resets[:, 0] |= number == 0
        return resets


def epochs(source: Source, last: int, start: tuple[int, int] = START) -> Iterator[Chunk]:
    """The chunks of a source from ``start``, (epoch, number), to the end of epoch ``last``.

    >>> [chunk.place.epoch for chunk in epochs(Rows(np.arange(9), 2, 2), 2)]
    [1, 1, 2, 2]
    """
    first, number = start
    for epoch in range(first, last + 1):
        yield from source.chunks(epoch, number)
        number = 0
