"""The norm of gradients, and thresholds on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError


def positive(name: str, value: float) -> float:
    """Refuse a threshold that is not above zero: a negative one would turn the gradient around."""
    if not isinstance(value, (int, float, np.number)) or not value > 0:
        raise ArgumentError(name, got=f"{value!r}", expected="expected a number above 0")
    return float(value)


def norm(*gs: Any) -> Any:
    """The Euclidean norm of all elements together; dividing by the largest first keeps float32 from overflow."""
    elements = np.concatenate([np.reshape(g, -1) for g in gs])
    top = np.max(np.absolute(elements))
    unit = np.where(top > 0, top, 1)
    return unit * np.sqrt(np.sum(np.square(elements / unit)))


def shrink(length: Any, bound: float) -> Any:
    """min(1, bound / length), NaN where the length is; an infinite bound shrinks nothing."""
    bound = min(bound, float(np.finfo(length.dtype).max))
    return bound / np.maximum(length, bound)
