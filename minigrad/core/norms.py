"""The norm of gradients, and what a threshold makes of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError


def norm(*gs: Any) -> Any:
    """The Euclidean norm of all elements of all arrays or Tensors together."""
    largest, root = norm_in_parts(*gs)
    return largest * root


def norm_in_parts(*gs: Any) -> tuple[Any, Any]:
    """The largest magnitude and how many times as long the norm is, at least 1.

    Neither overflows where all elements are finite; their product, the norm, may. float16 is
    widened: its sum of 65,505 ones is infinite.
    """
    elements = np.concatenate([np.reshape(g, -1) for g in gs])
    if elements.size == 0:
        elements = np.zeros(1, elements.dtype)
    if elements.dtype.itemsize < 4:
        elements = elements.astype(np.float32)
    largest = np.max(np.absolute(elements))
    unit = np.where(largest > 0, largest, 1)
    total = np.sum(np.square(elements / unit))
    # of zeros alone the total is 0, where a root has no slope; an extreme would halve that at 1
    return largest, np.sqrt(np.where(total == 0, 1, total))


def shrink(bound: float, largest: Any, root: Any) -> Any:
    """min(1, bound / norm), NaN where the norm is; an infinite bound shrinks nothing."""
    limits = np.finfo(largest.dtype)
    if bound > float(limits.max):
        return root * 0 + 1
    bound = max(bound, float(limits.tiny))
    unit = np.maximum(largest, bound)
    short = bound / unit
    return short / np.maximum(largest / unit * root, short)


def positive(name: str, value: float) -> float:
    """A threshold above zero, as a float: a negative one would turn the gradient around.

    Raises ArgumentError, which calls it by its name.
    """
    if not isinstance(value, (int, float, np.number)) or not value > 0:
        raise ArgumentError(name, got=f"{value!r}", expected="expected a number above 0")
    return float(value)
