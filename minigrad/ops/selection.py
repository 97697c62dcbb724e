"""Elements picked along an axis: take_along_axis, sort, take, delete, repeat, tile, flip.

take_along_axis has a rule: its adjoint adds at the same places. The others are made of it, or of
one index on one axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compositions import COMPOSED
from .shapes import along, axes_of, flat_for, row_for
from .table import Templates, defvjp, dispatched


# --- the rule --------------------------------------------------------------------------------
@dispatched
def put_along(g: Any, indices: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """Zeros of this shape with g added at indices along axis. The adjoint of take_along_axis.

    >>> put_along(np.array([[5, 7]]), np.array([[2, 2]]), axis=1, shape=(1, 3))
    array([[ 0,  0, 12]])
    """
    own_places = np.ogrid[tuple(map(slice, g.shape))]
    grid = []
    for places, length in zip(own_places, shape, strict=True):
        # An axis of 1 was broadcast against the indices: everything is added at its one place.
        grid.append(places if length > 1 else places * 0)
    grid[axis] = indices
    out = np.zeros(shape, g.dtype)
    np.add.at(out, tuple(grid), g)
    return out


def _bind_take_along(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        return (np.reshape(arr, -1), indices), {"axis": 0}
    return (arr, indices), {"axis": axis}


def _take_along(
    g: Any,
    y: Any,
    x: Any,
    indices: Any,
    axis: int = -1,
) -> Any:
    return put_along(g, indices, axis=axis, shape=x.shape)


def _take_along_says(n: Any) -> Templates:
    shape = n.inputs[0].shape
    return f"put_along({{g}}, {{indices}}, {{axis}}, {shape})", None


def _put_along(
    g: Any,
    y: Any,
    x: Any,
    indices: Any,
    axis: int = -1,
    shape: Any = (),
) -> Any:
    return np.take_along_axis(g, indices, axis=axis)


defvjp(
    np.take_along_axis,
    _take_along,
    None,
    bind=_bind_take_along,
    says=_take_along_says,
)
defvjp(
    put_along,
    _put_along,
    None,
    says=("take_along_axis({g}, {indices}, {axis})", None),
)


# --- another order --------------------------------------------------------------------------------
def _flip(x: Any, axis: Any = None) -> Any:
    for a in axes_of(x, axis):
        x = along(x, a, slice(None, None, -1))
    return x


def _flipud(x: Any) -> Any:
    return _flip(x, 0)


def _fliplr(x: Any) -> Any:
    return _flip(x, 1)


def _rot90(x: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    for _ in range(k % 4):
        x = _flip(np.swapaxes(x, *axes), axes[0])
    return x


def _sort(x: Any, axis: int | None = -1) -> Any:
    x, axis = flat_for(x, axis)
    order = np.argsort(x, axis=axis)
    return np.take_along_axis(x, order, axis=axis)


def _partition(x: Any, kth: Any, axis: int | None = -1) -> Any:
    x, axis = flat_for(x, axis)
    order = np.argpartition(x, kth, axis=axis)
    return np.take_along_axis(x, order, axis=axis)


# --- more or fewer --------------------------------------------------------------------------------
def _repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    x, axis = row_for(x, axis)
    places = np.arange(x.shape[axis])
    return along(x, axis, np.repeat(places, repeats))


def _tile(x: Any, reps: Any) -> Any:
    """As many axes as the longer of x and reps has, filled up with 1 in front."""
    reps = tuple(np.atleast_1d(reps).tolist())
    missing = len(reps) - x.ndim
    reps = (1,) * -missing + reps
    x = np.reshape(x, (1,) * missing + x.shape)
    for axis, n in enumerate(reps):
        places = np.arange(x.shape[axis])
        x = along(x, axis, np.tile(places, n))
    return x


def _take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """np.take counts True as 1, which as an index would be a mask."""
    x, axis = row_for(x, axis)
    if not hasattr(indices, "dtype"):
        indices = np.asarray(indices)
    if indices.dtype == bool:
        indices = indices.astype(int)
    return along(x, axis, indices)


def _delete(x: Any, obj: Any, axis: int | None = None) -> Any:
    x, axis = flat_for(x, axis)
    places = np.arange(x.shape[axis])
    if not isinstance(obj, slice):
        obj = np.asarray(obj)
    return along(x, axis, np.delete(places, obj))


COMPOSED |= {
    np.flip: _flip,
    np.flipud: _flipud,
    np.fliplr: _fliplr,
    np.rot90: _rot90,
    np.sort: _sort,
    np.partition: _partition,
    np.repeat: _repeat,
    np.tile: _tile,
    np.take: _take,
    np.delete: _delete,
}
