"""VJPs of indexing: x[index] in all of NumPy's forms, and take_along_axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from .table import defvjp, dispatched


class _Part:
    """Stands in a recorded index for an array, which is an input of the node."""

    def __repr__(self) -> str:
        return "[...]"


PART = _Part()


def _fill(index: tuple[Any, ...], parts: tuple[Any, ...]) -> tuple[Any, ...]:
    rest = iter(parts)
    return tuple(next(rest) if i is PART else i for i in index)


@dispatched
def getitem(x: Any, *parts: Any, index: tuple[Any, ...]) -> Any:
    """x[index], the arrays of the index given apart: ``x[:, k]`` is getitem(x, k, index=(slice(None), PART))."""
    return x[_fill(index, parts)]


@dispatched
def scatter(g: Any, *parts: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Zeros of the given shape with g added at index; repeated indices accumulate. The adjoint of getitem."""
    out = np.zeros(shape, g.dtype)
    if parts:
        np.add.at(out, _fill(index, parts), g)
    else:
        out[index] = g
    return out


@dispatched
def put_along(g: Any, indices: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """Zeros of the given shape with g added at indices along axis. The adjoint of take_along_axis."""
    grid = [i if n > 1 else i * 0 for i, n in zip(np.ogrid[tuple(map(slice, g.shape))], shape, strict=True)]
    grid[axis] = indices
    out = np.zeros(shape, g.dtype)
    np.add.at(out, tuple(grid), g)
    return out


_PLAIN = (int, np.integer, np.bool_, slice, type(None), type(Ellipsis))


def _array(index: Any) -> Any:
    found = np.asarray(index)
    return found if found.size else found.astype(int)


def split_index(index: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """An index as (template, arrays): sequences and arrays become inputs, the rest stays."""
    given = index if isinstance(index, tuple) else (index,)
    items = [i if isinstance(i, _PLAIN) or hasattr(i, "__array_function__") else _array(i) for i in given]
    is_array = [hasattr(i, "__array_function__") for i in items]
    template = tuple(PART if a else i for i, a in zip(items, is_array, strict=True))
    return template, tuple(i for i, a in zip(items, is_array, strict=True) if a)


defvjp(
    getitem,
    joint=lambda g, y, x, *parts, index=(): [scatter(g, *parts, index=index, shape=x.shape)] + [None] * len(parts),
)
defvjp(
    scatter,
    joint=lambda g, y, x, *parts, index=(), shape=(): [getitem(g, *parts, index=index)] + [None] * len(parts),
)
defvjp(
    np.take_along_axis,
    lambda g, y, x, indices, axis=-1: put_along(g, indices, axis=axis, shape=x.shape),
    None,
    bind=lambda x, indices, axis=-1: ((np.reshape(x, -1) if axis is None else x, indices), {"axis": axis or 0}),
)
defvjp(
    put_along,
    lambda g, y, x, indices, axis=-1, shape=(): np.take_along_axis(g, indices, axis=axis),
    None,
)
