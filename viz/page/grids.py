"""Arrays for a page: a grid of numbers, in blocks where there are many, and a summary of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.internal import float_norm

from .numbers import MAX_COUNT, code_of


@dataclass(frozen=True)
class Form:
    """How an array of a shape is shown: so many rows and columns of blocks."""

    shape: tuple[int, ...]
    down: int
    across: int

    @property
    def size(self) -> tuple[int, int]:
        """How many numbers are shown, below and beside each other."""
        high, wide = _matrix_shape(self.shape)
        return -(-high // self.down), -(-wide // self.across)

    @property
    def is_whole(self) -> bool:
        """Whether each element is shown."""
        return self.down == self.across == 1

    @property
    def count(self) -> int:
        """How many numbers a page holds of it."""
        return math.prod(self.size) + (1 if self.is_whole else 4)

    def data(self) -> list[Any]:
        """What the page knows of it: shape, rows, columns, and the block where there is one."""
        shape = "×".join(map(str, self.shape))
        block = [] if self.is_whole else [f"{self.down}×{self.across}"]
        return [shape, *self.size, *block]


def form_of(shape: tuple[int, ...], most: int) -> Form:
    """The form of about ``most`` numbers."""
    return Form(shape, *_block_size(_matrix_shape(shape), most))


def codes(x: Any, form: Form) -> Iterator[int]:
    """The array's norm and its numbers, in codes; each number is the largest of its block.

    NaN and infinities win their blocks. Where there are blocks, the range of the finite elements
    and how many are not finite follow the norm.
    """
    yield code_of(float_norm(x))
    rows = x.reshape(_matrix_shape(x.shape))
    if not form.is_whole:
        finite = rows[np.isfinite(rows)]
        ends = (finite.min(), finite.max()) if finite.size else (np.nan, np.nan)
        yield from map(code_of, map(float, ends))
        yield min(rows.size - finite.size, MAX_COUNT)
        rows = _largest(rows, form.down, form.across)
    yield from map(code_of, rows.ravel().tolist())


def _matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """The array as a matrix: its last axis across, all others down."""
    if len(shape) < 2:
        return 1, math.prod(shape)
    if not math.prod(shape):
        return 1, 0
    return math.prod(shape[:-1]), shape[-1]


def _block_size(shape: tuple[int, int], most: int) -> tuple[int, int]:
    """Height and width of the smallest blocks, nearly square, that leave no more than ``most``."""
    down = across = 1
    while -(-shape[0] // down) * -(-shape[1] // across) > most:
        if shape[0] / down >= shape[1] / across:
            down += 1
        else:
            across += 1
    return down, across


def _largest(x: Any, down: int, across: int) -> Any:
    """The element of largest magnitude of each block, with its sign."""
    high = -(-x.shape[0] // down)
    wide = -(-x.shape[1] // across)
    padded = np.zeros((high * down, wide * across), x.dtype)
    padded[: x.shape[0], : x.shape[1]] = x
    blocks = padded.reshape(high, down, wide, across).swapaxes(1, 2).reshape(high, wide, -1)
    # NaN first, then infinities, then the finite elements by their magnitude
    size = np.absolute(blocks)
    size = np.where(np.isinf(size), np.finfo(np.float64).max, size)
    size = np.where(np.isnan(blocks), np.inf, size)
    chosen = np.argmax(size, axis=-1)[..., None]
    return np.take_along_axis(blocks, chosen, axis=-1)[..., 0]
