"""NumPy's rearrangements, recorded as the reshapes, transposes, slices and concatenations they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.errors import UnsupportedError

from .table import COMPOSED


def along(x: Any, axis: int, index: Any) -> Any:
    """x[index] on one axis."""
    return x[(slice(None),) * normalize_axis_index(axis, x.ndim) + (index,)]


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """The axes meant, as positive numbers; None means all."""
    return normalize_axis_tuple(tuple(range(x.ndim)) if axis is None else axis, x.ndim)


def flat_for(x: Any, axis: int | None) -> tuple[Any, int]:
    """x and the axis to work along: all of x in a row where axis is None."""
    return (np.reshape(x, -1), 0) if axis is None else (x, axis)


def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """np.moveaxis as a transpose."""
    from_, to = axes_of(x, source), axes_of(x, destination)
    order = [a for a in range(x.ndim) if a not in from_]
    for place, a in sorted(zip(to, from_, strict=True)):
        order.insert(place, a)
    return np.transpose(x, order)


def _flip(x: Any, axis: Any = None) -> Any:
    for a in axes_of(x, axis):
        x = along(x, a, slice(None, None, -1))
    return x


def _roll(x: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.reshape(_roll(np.reshape(x, -1), shift, 0), x.shape)
    for s, a in np.broadcast(shift, axis):
        cut = -s % max(x.shape[a], 1)
        x = np.concatenate([along(x, a, slice(cut, None)), along(x, a, slice(cut))], axis=a)
    return x


def _rot90(x: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    for _ in range(k % 4):
        x = _flip(np.swapaxes(x, *axes), axes[0])
    return x


def _array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    size = x.shape[axis]
    if np.ndim(indices_or_sections):
        cuts = [0, *(int(i) for i in indices_or_sections), size]
    else:
        each, more = divmod(size, indices_or_sections)
        cuts = [0, *np.cumsum([each + 1] * more + [each] * (indices_or_sections - more)).tolist()]
    return [along(x, axis, slice(a, b)) for a, b in pairwise(cuts)]


def _split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    if np.ndim(indices_or_sections) == 0 and x.shape[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return _array_split(x, indices_or_sections, axis)


def _vsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    if x.ndim < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return _split(x, indices_or_sections, 0)


def _repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    x, axis = flat_for(x, axis)
    return along(x, axis, np.repeat(np.arange(x.shape[axis]), repeats))


def _tile(x: Any, reps: Any) -> Any:
    reps = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    reps = (1,) * (x.ndim - len(reps)) + reps
    x = np.reshape(x, (1,) * (len(reps) - x.ndim) + x.shape)
    for a, n in enumerate(reps):
        x = along(x, a, np.tile(np.arange(x.shape[a]), n))
    return x


def _at_least(dims: int) -> Any:
    """The axes that NumPy adds: one in front of a vector, the third one behind."""

    def grow(x: Any) -> Any:
        x = x if hasattr(x, "ndim") else np.asarray(x)
        if x.ndim >= dims:
            return x
        return np.reshape(
            x, {1: (1,), 2: (1, -1), 3: (*x.shape, 1) if x.ndim == 2 else (1, -1, 1)}[dims]
        )

    def grown(*xs: Any) -> Any:
        return grow(xs[0]) if len(xs) == 1 else tuple(map(grow, xs))

    return grown


def _stacked(dims: int, axis: int) -> Any:
    def stack(arrays: Sequence[Any]) -> Any:
        tall = [_at_least(dims)(x) for x in arrays]
        return np.concatenate(tall, axis=0 if tall[0].ndim == 1 else axis)

    return stack


def _column_stack(arrays: Sequence[Any]) -> Any:
    return np.concatenate([x if np.ndim(x) > 1 else np.reshape(x, (-1, 1)) for x in arrays], axis=1)


def _append(x: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate(
        [x, values if hasattr(values, "dtype") else np.asarray(values)], axis=axis
    )


def _sort(x: Any, axis: int | None = -1) -> Any:
    x, axis = flat_for(x, axis)
    return np.take_along_axis(x, np.argsort(x, axis=axis), axis=axis)


def _partition(x: Any, kth: Any, axis: int | None = -1) -> Any:
    x, axis = flat_for(x, axis)
    return np.take_along_axis(x, np.argpartition(x, kth, axis=axis), axis=axis)


def _take(x: Any, indices: Any, axis: int | None = None) -> Any:
    x, axis = flat_for(x, axis)
    indices = indices if hasattr(indices, "dtype") else np.asarray(indices)
    return along(x, axis, indices.astype(int) if indices.dtype == bool else indices)


def _delete(x: Any, obj: Any, axis: int | None = None) -> Any:
    x, axis = flat_for(x, axis)
    return along(
        x,
        axis,
        np.delete(np.arange(x.shape[axis]), obj if isinstance(obj, slice) else np.asarray(obj)),
    )


def _broadcast_arrays(*xs: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*map(np.shape, xs))
    return tuple(np.broadcast_to(x, shape) for x in xs)


def _meshgrid(*xs: Any, indexing: str = "xy", sparse: bool = False) -> tuple[Any, ...]:
    n = len(xs)
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing must be 'xy' or 'ij'")
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else range(n)
    thin = [
        np.reshape(x, [-1 if a == own else 1 for a in range(n)])
        for x, own in zip(xs, order, strict=True)
    ]
    return tuple(thin) if sparse else _broadcast_arrays(*thin)


def _rollaxis(x: Any, axis: int, start: int = 0) -> Any:
    axis, start = normalize_axis_index(axis, x.ndim), start + x.ndim if start < 0 else start
    return moveaxis(x, axis, start - (axis < start))


def _unstack(x: Any, *, axis: int = 0) -> tuple[Any, ...]:
    return tuple(along(x, axis, i) for i in range(x.shape[axis]))


def _pad(x: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Any:
    """Constants are joined to each end, one axis after another; the other modes repeat elements."""
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(a, pad_width.get(a - x.ndim, 0)) for a in range(x.ndim)]
        pad_width = [(w, w) if np.ndim(w) == 0 else w for w in pad_width]
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    values = np.broadcast_to(np.asarray(constant_values, x.dtype), (x.ndim, 2))
    for a, ends in enumerate(widths):
        if mode == "constant":
            blocks = [
                np.full((*x.shape[:a], n, *x.shape[a + 1 :]), v)
                for n, v in zip(ends, values[a], strict=True)
            ]
            x = np.concatenate([blocks[0], x, blocks[1]], axis=a)
        elif mode in ("edge", "reflect", "symmetric", "wrap"):
            x = along(x, a, np.pad(np.arange(x.shape[a]), ends, mode))
        else:
            raise UnsupportedError(
                "pad", got=f"mode={mode!r}", expected="constant, edge, reflect, symmetric or wrap"
            )
    return x


def _same(x: Any) -> Any:
    return np.reshape(x, x.shape)


COMPOSED |= {
    np.ravel: lambda x: np.reshape(x, -1),
    np.moveaxis: moveaxis,
    np.rollaxis: _rollaxis,
    np.roll: _roll,
    np.rot90: _rot90,
    np.flip: _flip,
    np.flipud: lambda x: _flip(x, 0),
    np.fliplr: lambda x: _flip(x, 1),
    np.repeat: _repeat,
    np.tile: _tile,
    np.split: _split,
    np.array_split: _array_split,
    np.vsplit: _vsplit,
    np.hsplit: lambda x, n: _split(x, n, min(1, x.ndim - 1)),
    np.dsplit: lambda x, n: _split(x, n, 2),
    np.atleast_1d: _at_least(1),
    np.atleast_2d: _at_least(2),
    np.atleast_3d: _at_least(3),
    np.vstack: _stacked(2, 0),
    np.hstack: _stacked(1, 1),
    np.dstack: _stacked(3, 2),
    np.column_stack: _column_stack,
    np.append: _append,
    np.delete: _delete,
    np.sort: _sort,
    np.partition: _partition,
    np.take: _take,
    np.pad: _pad,
    np.broadcast_arrays: _broadcast_arrays,
    np.meshgrid: _meshgrid,
    np.copy: _same,
    np.real: _same,
    np.real_if_close: _same,
    np.conjugate: _same,
    np.imag: lambda x: np.where(False, x, 0),
}
if hasattr(np, "unstack"):  # NumPy 2.1
    COMPOSED[np.unstack] = _unstack
