"""Statistics, products and differences along an axis, recorded as what they are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .rearrange import along, axes_of, flat_for, moveaxis
from .table import COMPOSED


def _var(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    n = math.prod(x.shape[a] for a in axes_of(x, axis))
    return np.sum(
        np.square(x - np.mean(x, axis=axis, keepdims=True)), axis=axis, keepdims=keepdims
    ) / max(n - ddof, 0)


def _std(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return np.sqrt(_var(x, axis, ddof, keepdims))


def _nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(np.where(np.isnan(x), 0, x), axis=axis, keepdims=keepdims)


def _widened(x: Any) -> Any:
    """Whole numbers in the width in which NumPy multiplies them."""
    if x.dtype.kind not in "iub":
        return x
    return x.astype(np.result_type(x.dtype, np.uint if x.dtype.kind == "u" else np.int_))


def _prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """A tree of products: right where elements are zero, as y / x would not be."""
    x = _widened(x)
    axes = axes_of(x, axis)
    kept = [n for a, n in enumerate(x.shape) if a not in axes]
    y = np.reshape(
        moveaxis(x, axes, tuple(range(-len(axes), 0))), (*kept, math.prod(x.shape[a] for a in axes))
    )
    if y.shape[-1] == 0:
        y = np.ones((*kept, 1), y.dtype)
    while y.shape[-1] > 1:
        even = y.shape[-1] // 2 * 2
        y = np.concatenate([y[..., 0:even:2] * y[..., 1:even:2], y[..., even:]], axis=-1)
    return np.reshape(
        y, tuple(1 if a in axes else n for a, n in enumerate(x.shape)) if keepdims else tuple(kept)
    )


def _cumprod(x: Any, axis: int | None = None) -> Any:
    """A scan that doubles its reach, for the same reason. Source: Hillis and Steele 1986."""
    x, axis = flat_for(_widened(x), axis)
    reach = 1
    while reach < x.shape[axis]:
        longer = along(x, axis, slice(reach, None)) * along(x, axis, slice(-reach))
        x = np.concatenate([along(x, axis, slice(reach)), longer], axis=axis)
        reach *= 2
    return x


def _average(x: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    if np.shape(weights) != x.shape:  # weights of these axes: put them where they belong
        if axis is None:
            raise TypeError("axis must be given where the shapes of a and weights differ")
        axes = axes_of(x, axis)
        weights = np.transpose(weights, np.argsort(axes))
        weights = np.reshape(weights, [n if a in axes else 1 for a, n in enumerate(x.shape)])
    total = np.sum(np.broadcast_to(weights, x.shape), axis=axis, keepdims=keepdims)
    return np.sum(x * weights, axis=axis, keepdims=keepdims) / total


def _nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _nansum(x, axis, keepdims) / np.sum(~np.isnan(x), axis=axis, keepdims=keepdims).astype(
        x.dtype
    )


def _ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


def _median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axes = axes_of(x, axis)
    kept = [n for a, n in enumerate(x.shape) if a not in axes]
    row = np.sort(np.reshape(moveaxis(x, axes, tuple(range(-len(axes), 0))), (*kept, -1)))
    n = row.shape[-1]
    y = np.mean(row[..., (n - 1) // 2 : n // 2 + 1], axis=-1)
    y = np.where(np.isnan(row[..., -1]), np.nan, y)  # sorted to the end
    return (
        np.reshape(y, tuple(1 if a in axes else n for a, n in enumerate(x.shape)))
        if keepdims
        else y
    )


def _cumulative(fn: Any, start: int) -> Any:
    def cumulative(x: Any, *, axis: int | None = None, include_initial: bool = False) -> Any:
        y, axis = fn(x, axis=axis), 0 if axis is None else axis
        return (
            np.concatenate([along(y, axis, slice(1)) * 0 + start, y], axis=axis)
            if include_initial
            else y
        )

    return cumulative


COMPOSED |= {
    np.var: _var,
    np.std: _std,
    np.nansum: _nansum,
    np.nanmean: _nanmean,
    np.average: _average,
    np.ptp: _ptp,
    np.median: _median,
    np.prod: _prod,
    np.cumprod: _cumprod,
    np.amax: lambda x, axis=None, keepdims=False: np.max(x, axis=axis, keepdims=keepdims),
    np.amin: lambda x, axis=None, keepdims=False: np.min(x, axis=axis, keepdims=keepdims),
}
if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    COMPOSED |= {
        np.cumulative_sum: _cumulative(np.cumsum, 0),
        np.cumulative_prod: _cumulative(np.cumprod, 1),
    }


# --- differences ----------------------------------------------------------------------------------------------------
def _diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n < 0:
        raise ValueError("order must be non-negative")
    ends = [
        None
        if e is None
        else e
        if np.ndim(e)
        else np.broadcast_to(e, along(x, axis, slice(1)).shape)
        for e in (prepend, append)
    ]
    if n and (prepend is not None or append is not None):
        x = np.concatenate([e for e in (ends[0], x, ends[1]) if e is not None], axis=axis)
    for _ in range(n):
        x = along(x, axis, slice(1, None)) - along(x, axis, slice(-1))
    return x


def _gradient(x: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    axes = axes_of(x, axis)
    steps = spacing * len(axes) if len(spacing) == 1 else spacing or (1.0,) * len(axes)
    found = [_slope(x, h, a, edge_order) for h, a in zip(steps, axes, strict=True)]
    found = [y.astype(x.dtype) if x.dtype.kind == "f" and y.dtype != x.dtype else y for y in found]
    return found[0] if len(axes) == 1 else tuple(found)


def _slope(x: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Central differences inside, one-sided at the ends. Source: the formulas in numpy.gradient's documentation."""

    def at(start: int, stop: int | None) -> Any:
        return along(x, axis, slice(start, stop))

    n = x.shape[axis]
    if n <= edge_order or edge_order not in (1, 2):
        raise ValueError(
            f"axis {axis} has {n} elements; edge_order {edge_order} needs {edge_order + 1}"
        )
    if np.ndim(h) == 0:
        inside = (at(2, None) - at(0, -2)) / (2 * h)
        first, last = (at(1, 2) - at(0, 1)) / h, (at(n - 1, n) - at(n - 2, n - 1)) / h
        if edge_order == 2:
            first = (-1.5 * at(0, 1) + 2.0 * at(1, 2) - 0.5 * at(2, 3)) / h
            last = (0.5 * at(n - 3, n - 2) - 2.0 * at(n - 2, n - 1) + 1.5 * at(n - 1, n)) / h
        return np.concatenate([first, inside, last], axis=axis)
    d = np.reshape(np.diff(h), [-1 if a == axis else 1 for a in range(x.ndim)])
    p, q = along(d, axis, slice(-1)), along(d, axis, slice(1, None))
    inside = (
        -q / (p * (p + q)) * at(0, -2)
        + (q - p) / (p * q) * at(1, -1)
        + p / (q * (p + q)) * at(2, None)
    )
    slopes = (at(1, None) - at(0, -1)) / d
    first, last = along(slopes, axis, slice(1)), along(slopes, axis, slice(n - 2, None))
    if edge_order == 2:  # the parabola through the outer three points
        bend = along(slopes, axis, slice(1, None)) - along(slopes, axis, slice(-1))
        first = first - along(bend * p / (p + q), axis, slice(1))
        last = last + along(bend * q / (p + q), axis, slice(n - 3, None))
    return np.concatenate([first, inside, last], axis=axis)


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    if x is not None:
        dx = np.diff(x) if np.ndim(x) == 1 else np.diff(x, axis=axis)
        dx = (
            np.reshape(dx, [-1 if a == axis % y.ndim else 1 for a in range(y.ndim)])
            if np.ndim(x) == 1
            else dx
        )
    return np.sum(
        dx * (along(y, axis, slice(1, None)) + along(y, axis, slice(-1))) / 2.0, axis=axis
    )


def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    shape = np.broadcast_shapes(np.shape(start), np.shape(stop))
    counted = np.reshape(
        np.arange(num, dtype=np.result_type(start, stop, 1.0)), (-1, *[1] * len(shape))
    )
    return moveaxis(start + counted * ((stop - start) / max(num - bool(endpoint), 1)), 0, axis)


COMPOSED |= {
    np.diff: _diff,
    np.gradient: _gradient,
    np.trapezoid: _trapezoid,
    np.linspace: _linspace,
}
