"""One element of an input moved a little: what central differences are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigrad.core.tensor import Array, Tensor

Value = Callable[[Mapping[Tensor, Array]], Array]
"""The output of a program with other values in some of its leaves."""
Index = tuple[int, ...]


def step_size(x: Tensor, i: Index, eps: float) -> float:
    """A power of 2 near eps, or near eps times the element where that is above 1.

    x + h and x - h are then as far apart as they claim: no rounding in the denominator.
    """
    element = abs(float(x.data[i]))
    exponent = np.log2(eps * max(1.0, element))
    return float(2.0 ** np.round(exponent))


def moved(
    value: Callable[[Any], Any],
    x: Tensor,
    i: Index,
    h: float,
) -> Any:
    """The value with x[i] moved by h."""
    array = x.numpy()
    array[i] += h
    return value({x: array})


def central_difference(
    value: Value,
    x: Tensor,
    i: Index,
    h: float,
) -> Any:
    """The slope of the sum of the output in x[i]."""
    above = moved(value, x, i, h)
    below = moved(value, x, i, -h)
    return np.sum(above - below) / (2 * h)
