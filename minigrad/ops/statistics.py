"""Means, deviations and medians along axes, recorded as what they are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .compositions import COMPOSED
from .reductions import nansum
from .shapes import axes_of, folded_shape, rows_over


def _nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    total = nansum(x, axis, keepdims)
    count = np.sum(~np.isnan(x), axis=axis, keepdims=keepdims)
    return total / count.astype(x.dtype)


def _average(
    x: Any,
    axis: Any = None,
    weights: Any = None,
    *,
    keepdims: bool = False,
) -> Any:
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    if np.shape(weights) != x.shape:
        weights = _weights_in_place(x, axis, weights)
    every_weight = np.broadcast_to(weights, x.shape)
    total_weight = np.sum(every_weight, axis=axis, keepdims=keepdims)
    total = np.sum(x * weights, axis=axis, keepdims=keepdims)
    return total / total_weight


def _weights_in_place(x: Any, axis: Any, weights: Any) -> Any:
    """Weights of these axes alone, with axes of 1 for the others of x."""
    if axis is None:
        raise TypeError("axis must be given where the shapes of a and weights differ")
    axes = axes_of(x, axis)
    weights = np.transpose(weights, np.argsort(axes))
    shape = [1] * x.ndim
    for a in axes:
        shape[a] = x.shape[a]
    return np.reshape(weights, shape)


def _var(
    x: Any,
    axis: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
) -> Any:
    squares = np.square(_deviations(x, axis))
    total = np.sum(squares, axis=axis, keepdims=keepdims)
    return total / _freedom(x, axis, ddof)


def _std(
    x: Any,
    axis: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
) -> Any:
    """A length, and not the root of the variance: where all elements are equal its slope is 0."""
    axes = axes_of(x, axis)
    deviations = _deviations(x, axis)
    length = np.linalg.vector_norm(deviations, axis=axes, keepdims=keepdims)
    return length / math.sqrt(_freedom(x, axis, ddof))


def _deviations(x: Any, axis: Any) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


def _freedom(x: Any, axis: Any, ddof: float) -> float:
    """How many elements there are beyond ddof."""
    count = math.prod(x.shape[a] for a in axes_of(x, axis))
    return float(max(count - ddof, 0))


def _median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean of the one or two in the middle; nan, which is sorted to the end, makes it nan."""
    axes = axes_of(x, axis)
    row = np.sort(rows_over(x, axes))
    n = row.shape[-1]
    first = (n - 1) // 2
    last = n // 2
    middle = row[..., first : last + 1]
    y = np.mean(middle, axis=-1)
    largest = row[..., -1]
    y = np.where(np.isnan(largest), np.nan, y)
    if not keepdims:
        return y
    return np.reshape(y, folded_shape(x, axes, keepdims))


COMPOSED |= {
    np.nanmean: _nanmean,
    np.average: _average,
    np.var: _var,
    np.std: _std,
    np.median: _median,
}
