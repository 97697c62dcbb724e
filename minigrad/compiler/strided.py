"""Arrays as looks at memory: where one begins, whose it is, in which shapes it can be read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.core.array import Array

from .graph import Shape


def address(array: Array) -> int:
    """Where the array begins, in bytes."""
    return int(array.__array_interface__["data"][0])


def owner(array: Array) -> Any:
    """The array whose memory this one looks at."""
    base = array.base
    while base is not None:
        if not isinstance(base, np.ndarray):
            # as_strided puts an object of its own between its result and the array
            base = getattr(base, "base", None)
            if not isinstance(base, np.ndarray):
                break
        array = base
        base = array.base
    return array


def same_view(a: Array, b: Array) -> bool:
    """Whether both are the same look at the same memory."""
    if a is b:
        return True
    # most are of different memory, and an address takes five times as long to ask for
    if a.shape != b.shape or not np.may_share_memory(a, b):
        return False
    if address(a) != address(b):
        return False
    axes = zip(a.shape, a.strides, b.strides, strict=True)
    # along an axis of length 1 a stride has no meaning
    return all(n == 1 or s == t for n, s, t in axes)


def viewed(array: Array, shape: Shape) -> Array | None:
    """The array in another shape where that takes no copy, else None."""
    try:
        return np.reshape(array, shape, copy=False)
    except ValueError:
        return None


def stacked(first: Array, length: int, stride: int) -> Array:
    """The arrays that begin at first and then every stride bytes, as one with an axis in front.

    first: the array of the first step. length: how many steps. stride: bytes from one step to the
    next, which may be negative.
    """
    shape = (length, *first.shape)
    strides = (stride, *first.strides)
    return as_strided(first, shape, strides)
