"""Elements picked along an axis: flip, repeat, tile, sort, partition, take, delete.

All are one index on one axis, so their rule is that of indexing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compositions import COMPOSED
from .shapes import along, axes_of, flat_for


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
    x, axis = flat_for(x, axis)
    places = np.arange(x.shape[axis])
    return along(x, axis, np.repeat(places, repeats))


def _tile(x: Any, reps: Any) -> Any:
    """As many axes as the longer of x and reps has, filled up with 1 in front."""
    reps = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    missing = len(reps) - x.ndim
    reps = (1,) * -missing + reps
    x = np.reshape(x, (1,) * missing + x.shape)
    for axis, n in enumerate(reps):
        places = np.arange(x.shape[axis])
        x = along(x, axis, np.tile(places, n))
    return x


def _take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """np.take counts True as 1, which as an index would be a mask."""
    x, axis = flat_for(x, axis)
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
