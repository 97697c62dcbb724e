"""Other shapes and orders of axes: reshape, transpose, squeeze; how axes are named and moved."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from .compositions import COMPOSED
from .table import Fn, Templates, defvjp


# --- axes -----------------------------------------------------------------------------------------
def along(x: Any, axis: int, index: Any) -> Any:
    """x[index] on one axis."""
    axes_before = (slice(None),) * normalize_axis_index(axis, x.ndim)
    return x[(*axes_before, index)]


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """The axes meant, as positive numbers; None means all."""
    if axis is None:
        axis = tuple(range(x.ndim))
    return normalize_axis_tuple(axis, x.ndim)


def flat_for(x: Any, axis: int | None) -> tuple[Any, int]:
    """x and the axis to work along: all of x in a row where axis is None."""
    if axis is None:
        return np.reshape(x, -1), 0
    return x, axis


def row_for(x: Any, axis: int | None) -> tuple[Any, int]:
    """The same where NumPy takes the first or last axis of a number, too."""
    if x.ndim == 0 and axis in (0, -1):
        axis = None
    return flat_for(x, axis)


def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """np.moveaxis as a transpose."""
    sources = axes_of(x, source)
    destinations = axes_of(x, destination)
    order = [a for a in range(x.ndim) if a not in sources]
    for place, a in sorted(zip(destinations, sources, strict=True)):
        order.insert(place, a)
    return np.transpose(x, order)


def rows_over(x: Any, axes: tuple[int, ...]) -> Any:
    """x with these axes behind the others, as one. Shapes: result (*others, their product)."""
    last = tuple(range(-len(axes), 0))
    moved = moveaxis(x, axes, last)
    others = folded_shape(x, axes, keepdims=False)
    length = math.prod(x.shape[a] for a in axes)
    return np.reshape(moved, (*others, length))


def folded_shape(x: Any, axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """The shape of x without these axes, or with 1 in their places."""
    shape = []
    for a, n in enumerate(x.shape):
        if a not in axes:
            shape.append(n)
        elif keepdims:
            shape.append(1)
    return tuple(shape)


# --- rules ----------------------------------------------------------------------------------------
def _reshaped_says(n: Any) -> Templates:
    return (f"reshape({{g}}, {n.inputs[0].shape})",)


def _transpose(
    g: Any,
    y: Any,
    x: Any,
    axes: Any = None,
) -> Any:
    return np.transpose(g, _inverse(axes, x.ndim))


def _inverse(axes: Any, ndim: int) -> tuple[int, ...] | None:
    """The order of axes that undoes this one; None, the reverse, undoes itself."""
    if axes is None:
        return None
    order = np.argsort(normalize_axis_tuple(axes, ndim))
    return tuple(order.tolist())


def _transpose_says(n: Any) -> Templates:
    """For a matrix gᵀ, or g where the axes were left in their order."""
    order = _inverse(n.kwargs.get("axes"), n.ndim)
    if order is None:
        order = tuple(reversed(range(n.ndim)))
    if n.ndim != 2:
        return (f"transpose({{g}}, {order})",)
    return ("{g}ᵀ" if order == (1, 0) else "{g}",)


defvjp(
    np.reshape,
    lambda g, y, x, shape=None: np.reshape(g, x.shape),
    says=_reshaped_says,
)
defvjp(
    np.expand_dims,
    lambda g, y, x, axis=0: np.reshape(g, x.shape),
    says=_reshaped_says,
)
defvjp(
    np.squeeze,
    lambda g, y, x, axis=None: np.reshape(g, x.shape),
    says=_reshaped_says,
)
defvjp(np.transpose, _transpose, says=_transpose_says)
defvjp(
    np.swapaxes,
    lambda g, y, x, axis1=0, axis2=0: np.swapaxes(g, axis1, axis2),
    says="swapaxes({g}, {axis1}, {axis2})",
)
# The sweep sums over the axes that were broadcast.
defvjp(
    np.broadcast_to,
    lambda g, y, x, shape=(): g,
    says="{g}",
)


# --- compositions ---------------------------------------------------------------------------------
def _rollaxis(x: Any, axis: int, start: int = 0) -> Any:
    axis = normalize_axis_index(axis, x.ndim)
    if start < 0:
        start += x.ndim
    return moveaxis(x, axis, start - (axis < start))


def at_least(dims: int, x: Any) -> Any:
    """x with the axes that NumPy adds: one in front of a vector, the third behind a matrix."""
    x = x if hasattr(x, "ndim") else np.asarray(x)
    if x.ndim >= dims:
        return x
    if x.ndim == 2:
        return np.reshape(x, (*x.shape, 1))
    vector_shape = (1, -1, 1)
    return np.reshape(x, vector_shape[:dims])


def _at_least(dims: int) -> Fn:
    """np.atleast_1d, 2d or 3d: one array gives an array, several give a tuple."""

    def grown(*xs: Any) -> Any:
        if len(xs) == 1:
            return at_least(dims, xs[0])
        return tuple(at_least(dims, x) for x in xs)

    return grown


def _broadcast_arrays(*xs: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*map(np.shape, xs))
    return tuple(np.broadcast_to(x, shape) for x in xs)


def _meshgrid(*xs: Any, indexing: str = "xy", sparse: bool = False) -> tuple[Any, ...]:
    """Each vector along an axis of its own; "xy" exchanges the first two."""
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing must be 'xy' or 'ij'")
    own_axes = list(range(len(xs)))
    if indexing == "xy":
        own_axes[:2] = own_axes[:2][::-1]
    grids = []
    for x, own_axis in zip(xs, own_axes, strict=True):
        shape = [1] * len(xs)
        shape[own_axis] = -1
        grids.append(np.reshape(x, shape))
    return tuple(grids) if sparse else _broadcast_arrays(*grids)


def _ravel(x: Any) -> Any:
    return np.reshape(x, -1)


def _same(x: Any) -> Any:
    return np.reshape(x, x.shape)


def _imaginary(x: Any) -> Any:
    """Zeros that depend on x, as far as a tape is concerned."""
    return np.where(False, x, 0)


COMPOSED |= {
    np.ravel: _ravel,
    np.moveaxis: moveaxis,
    np.rollaxis: _rollaxis,
    np.atleast_1d: _at_least(1),
    np.atleast_2d: _at_least(2),
    np.atleast_3d: _at_least(3),
    np.broadcast_arrays: _broadcast_arrays,
    np.meshgrid: _meshgrid,
    np.copy: _same,
    np.real: _same,
    np.real_if_close: _same,
    np.conjugate: _same,
    np.imag: _imaginary,
}
