"""Differences along an axis, recorded as what they are made of: diff, gradient, trapezoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compositions import COMPOSED
from .shapes import along, axes_of, moveaxis

AFTER_FIRST = slice(1, None)
BEFORE_LAST = slice(None, -1)


def _diff(
    x: Any,
    n: int = 1,
    axis: int = -1,
    prepend: Any = None,
    append: Any = None,
) -> Any:
    if n < 0:
        raise ValueError("order must be non-negative")
    if n and (prepend is not None or append is not None):
        x = _with_ends(x, axis, prepend, append)
    for _ in range(n):
        later = along(x, axis, AFTER_FIRST)
        x = later - along(x, axis, BEFORE_LAST)
    return x


def _with_ends(x: Any, axis: int, prepend: Any, append: Any) -> Any:
    """x with what is joined to its ends, where something is."""
    before = _end_block(x, axis, prepend)
    behind = _end_block(x, axis, append)
    parts = (before, x, behind)
    blocks = [part for part in parts if part is not None]
    return np.concatenate(blocks, axis=axis)


def _end_block(x: Any, axis: int, end: Any) -> Any:
    """A number fills one place along the axis."""
    if end is None or np.ndim(end):
        return end
    one_place = along(x, axis, slice(1))
    return np.broadcast_to(end, one_place.shape)


# --- slopes ---------------------------------------------------------------------------------------
def _gradient(
    x: Any,
    *spacing: Any,
    axis: Any = None,
    edge_order: int = 1,
) -> Any:
    axes = axes_of(x, axis)
    steps = spacing or (1.0,)
    if len(steps) == 1:
        steps = steps * len(axes)
    slopes = []
    for h, a in zip(steps, axes, strict=True):
        slope = _slope(x, h, a, edge_order)
        # A spacing of another dtype widens the slope; NumPy keeps that of x.
        if x.dtype.kind == "f" and slope.dtype != x.dtype:
            slope = slope.astype(x.dtype)
        slopes.append(slope)
    return slopes[0] if len(axes) == 1 else tuple(slopes)


def _slope(x: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Central differences inside, one-sided at the ends; h is a step, or the places of all points.

    Source: the formulas in numpy.gradient's documentation.
    """
    n = x.shape[axis]
    if n <= edge_order or edge_order not in (1, 2):
        needs = f"edge_order {edge_order} needs {edge_order + 1}"
        raise ValueError(f"axis {axis} has {n} elements; {needs}")
    if np.ndim(h) == 0:
        parts = _even_slopes(x, h, axis, edge_order)
    else:
        steps = _laid_along(np.diff(h), axis, x.ndim)
        parts = _uneven_slopes(x, steps, axis, edge_order)
    return np.concatenate(parts, axis=axis)


def _laid_along(vector: Any, axis: int, ndim: int) -> Any:
    """A vector with axes of 1 around it, so that it broadcasts along the axis."""
    shape = [1] * ndim
    shape[axis] = -1
    return np.reshape(vector, shape)


def _even_slopes(x: Any, h: Any, axis: int, edge_order: int) -> list[Any]:
    """At the first point, inside, and at the last, where all steps are h."""

    def points(start: int, stop: int | None) -> Any:
        return along(x, axis, slice(start, stop))

    def point(i: int) -> Any:
        return points(i, i + 1)

    n = x.shape[axis]
    two_steps = points(2, None) - points(0, -2)
    inside = two_steps / (2 * h)
    if edge_order == 1:
        first = (point(1) - point(0)) / h
        last = (point(n - 1) - point(n - 2)) / h
        return [first, inside, last]
    first = -1.5 * point(0) + 2.0 * point(1)
    first = (first - 0.5 * point(2)) / h
    last = 0.5 * point(n - 3) - 2.0 * point(n - 2)
    last = (last + 1.5 * point(n - 1)) / h
    return [first, inside, last]


def _uneven_slopes(x: Any, steps: Any, axis: int, edge_order: int) -> list[Any]:
    """The same where each step has a length of its own: p before a point and q after it."""

    def part(array: Any, *bounds: int | None) -> Any:
        return along(array, axis, slice(*bounds))

    n = x.shape[axis]
    p = part(steps, None, -1)
    q = part(steps, 1, None)
    before = -q / (p * (p + q))
    inside = before * part(x, 0, -2)
    between = (q - p) / (p * q)
    inside = inside + between * part(x, 1, -1)
    after = p / (q * (p + q))
    inside = inside + after * part(x, 2, None)
    slopes = part(x, 1, None) - part(x, 0, -1)
    slopes = slopes / steps
    first = part(slopes, None, 1)
    last = part(slopes, n - 2, None)
    if edge_order == 2:
        # The parabola through the outer three points.
        bend = part(slopes, 1, None) - part(slopes, None, -1)
        at_first = bend * p / (p + q)
        first = first - part(at_first, None, 1)
        at_last = bend * q / (p + q)
        last = last + part(at_last, n - 3, None)
    return [first, inside, last]


# --- areas and grids ------------------------------------------------------------------------------
def _trapezoid(
    y: Any,
    x: Any = None,
    dx: Any = 1.0,
    axis: int = -1,
) -> Any:
    if x is not None:
        dx = _steps_between(x, y, axis)
    heights = along(y, axis, AFTER_FIRST)
    heights = heights + along(y, axis, BEFORE_LAST)
    areas = dx * heights / 2.0
    return np.sum(areas, axis=axis)


def _steps_between(x: Any, y: Any, axis: int) -> Any:
    """The differences of places x, which may be those of one axis of y alone, along that axis."""
    if np.ndim(x) != 1:
        return np.diff(x, axis=axis)
    own_axis = axis % y.ndim
    return _laid_along(np.diff(x), own_axis, y.ndim)


def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    axis: int = 0,
) -> Any:
    shapes = np.shape(start), np.shape(stop)
    shape = np.broadcast_shapes(*shapes)
    dtype = np.result_type(start, stop, 1.0)
    numbers = np.arange(num, dtype=dtype)
    numbers = _laid_along(numbers, 0, 1 + len(shape))
    step_count = num - bool(endpoint)
    step = (stop - start) / max(step_count, 1)
    return moveaxis(start + numbers * step, 0, axis)


COMPOSED |= {
    np.diff: _diff,
    np.gradient: _gradient,
    np.trapezoid: _trapezoid,
    np.linspace: _linspace,
}
