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
        return _blocks(high, self.down), _blocks(wide, self.across)

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
        data = [shape, *self.size]
        if not self.is_whole:
            data.append(f"{self.down}×{self.across}")
        return data


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
        least = most = math.nan
        if finite.size:
            least = float(finite.min())
            most = float(finite.max())
        yield code_of(least)
        yield code_of(most)
        yield min(rows.size - finite.size, MAX_COUNT)
        rows = _largest(rows, form.down, form.across)
    yield from map(code_of, rows.ravel().tolist())


def _matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """The array as a matrix: its last axis across, all others down."""
    size = math.prod(shape)
    if len(shape) < 2 or not size:
        return 1, size
    wide = shape[-1]
    return size // wide, wide


def _block_size(shape: tuple[int, int], most: int) -> tuple[int, int]:
    """Height and width of the smallest blocks, nearly square, that leave no more than ``most``."""
    high, wide = shape
    down = across = 1
    while _blocks(high, down) * _blocks(wide, across) > most:
        if high / down >= wide / across:
            down += 1
        else:
            across += 1
    return down, across


def _blocks(length: int, size: int) -> int:
    """How many blocks of a size cover a length."""
    return -(-length // size)


def _largest(x: Any, down: int, across: int) -> Any:
    """The element of largest magnitude of each block, with its sign."""
    rows, columns = x.shape
    high = _blocks(rows, down)
    wide = _blocks(columns, across)
    padded = np.zeros((high * down, wide * across), x.dtype)
    padded[:rows, :columns] = x
    apart = padded.reshape(high, down, wide, across)
    blocks = apart.swapaxes(1, 2).reshape(high, wide, -1)
    # NaN first, then infinities, then the finite elements by their magnitude
    size = np.absolute(blocks)
    size = np.where(np.isinf(size), np.finfo(np.float64).max, size)
    size = np.where(np.isnan(blocks), np.inf, size)
    chosen = np.argmax(size, axis=-1)[..., None]
    return np.take_along_axis(blocks, chosen, axis=-1)[..., 0]
