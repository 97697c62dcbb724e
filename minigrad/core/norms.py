"""The norm of gradients, and what a threshold makes of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError


def norm(*gs: Any) -> Any:
    """The Euclidean norm of all elements of all arrays or Tensors together.

    Dividing by the largest first keeps float32 from overflow.
    """
    flat = [np.reshape(g, -1) for g in gs]
    elements = np.concatenate(flat)
    largest = np.max(np.absolute(elements))
    unit = np.where(largest > 0, largest, 1)
    squares = np.square(elements / unit)
    total = np.sum(squares)
    return unit * np.sqrt(total)


def shrink(length: Any, bound: float) -> Any:
    """min(1, bound / length), NaN where the length is; an infinite bound shrinks nothing."""
    limits = np.finfo(length.dtype)
    bound = min(bound, float(limits.max))
    longest = np.maximum(length, bound)
    return bound / longest


def positive(name: str, value: float) -> float:
    """A threshold above zero, as a float: a negative one would turn the gradient around.

    Raises ArgumentError, which calls it by its name.
    """
    if not isinstance(value, (int, float, np.number)) or not value > 0:
        raise ArgumentError(name, got=f"{value!r}", expected="expected a number above 0")
    return float(value)
