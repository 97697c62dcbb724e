"""NumPy functions that are recorded as what they are made of: rearrangements, statistics, products by einsum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .table import COMPOSED


def _along(x: Any, axis: int, index: Any) -> Any:
    """x[index] on one axis."""
    return x[(slice(None),) * (axis % x.ndim) + (index,)]


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    """The axes meant, as positive numbers; None means all."""
    given = range(x.ndim) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    return tuple(a % x.ndim for a in given)


# --- rearrangements -------------------------------------------------------------------------------------------------
def _moveaxis(x: Any, source: Any, destination: Any) -> Any:
    from_, to = _axes(x, source), _axes(x, destination)
    order = [a for a in range(x.ndim) if a not in from_]
    for place, a in sorted(zip(to, from_, strict=True)):
        order.insert(place, a)
    return np.transpose(x, order)


def _flip(x: Any, axis: Any = None) -> Any:
    for a in _axes(x, axis):
        x = _along(x, a, slice(None, None, -1))
    return x


def _roll(x: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.reshape(_roll(np.reshape(x, -1), shift, 0), x.shape)
    axes = axis if isinstance(axis, tuple) else (axis,)
    for a, s in zip(axes, shift if isinstance(shift, tuple) else (shift,) * len(axes), strict=True):
        cut = -s % max(x.shape[a], 1)
        x = np.concatenate([_along(x, a, slice(cut, None)), _along(x, a, slice(cut))], axis=a)
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
    return [_along(x, axis, slice(a, b)) for a, b in pairwise(cuts)]


def _split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    if np.ndim(indices_or_sections) == 0 and x.shape[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return _array_split(x, indices_or_sections, axis)


def _repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    x, axis = (np.reshape(x, -1), 0) if axis is None else (x, axis)
    return _along(x, axis, np.repeat(np.arange(x.shape[axis]), repeats))


def _tile(x: Any, reps: Any) -> Any:
    reps = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    reps = (1,) * (x.ndim - len(reps)) + reps
    x = np.reshape(x, (1,) * (len(reps) - x.ndim) + x.shape)
    for a, n in enumerate(reps):
        x = _along(x, a, np.tile(np.arange(x.shape[a]), n))
    return x


def _at_least(dims: int, x: Any) -> Any:
    """The axes that NumPy adds: one in front of a vector, the third one behind."""
    if x.ndim >= dims:
        return x
    return np.reshape(x, {1: (1,), 2: (1, -1), 3: (*x.shape, 1) if x.ndim == 2 else (1, -1, 1)}[dims])


def _stacked(dims: int, axis: int) -> Any:
    def stack(arrays: Sequence[Any]) -> Any:
        tall = [_at_least(dims, x) for x in arrays]
        return np.concatenate(tall, axis=0 if tall[0].ndim == 1 else axis)

    return stack


def _append(x: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate([x, values], axis=axis)


def _sort(x: Any, axis: int | None = -1) -> Any:
    x, axis = (np.reshape(x, -1), 0) if axis is None else (x, axis)
    return np.take_along_axis(x, np.argsort(x, axis=axis), axis=axis)


def _take(x: Any, indices: Any, axis: int | None = None) -> Any:
    return np.reshape(x, -1)[indices] if axis is None else _along(x, axis, indices)


def _diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    for _ in range(n):
        x = _along(x, axis, slice(1, None)) - _along(x, axis, slice(-1))
    return x


def _broadcast_arrays(*xs: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(x.shape for x in xs))
    return tuple(np.broadcast_to(x, shape) for x in xs)


COMPOSED |= {
    np.ravel: lambda x: np.reshape(x, -1), np.moveaxis: _moveaxis, np.roll: _roll, np.rot90: _rot90, np.flip: _flip,
    np.flipud: lambda x: _flip(x, 0), np.fliplr: lambda x: _flip(x, 1), np.repeat: _repeat, np.tile: _tile,
    np.split: _split, np.array_split: _array_split, np.vsplit: lambda x, n: _split(x, n, 0),
    np.hsplit: lambda x, n: _split(x, n, min(1, x.ndim - 1)), np.dsplit: lambda x, n: _split(x, n, 2),
    np.atleast_1d: lambda x: _at_least(1, x), np.atleast_2d: lambda x: _at_least(2, x),
    np.atleast_3d: lambda x: _at_least(3, x), np.vstack: _stacked(2, 0), np.hstack: _stacked(1, 1),
    np.dstack: _stacked(3, 2), np.append: _append, np.sort: _sort, np.take: _take, np.diff: _diff,
    np.column_stack: lambda xs: np.concatenate([x if x.ndim > 1 else np.reshape(x, (-1, 1)) for x in xs], axis=1),
    np.broadcast_arrays: _broadcast_arrays,
}  # fmt: skip


# --- statistics -----------------------------------------------------------------------------------------------------
def _var(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    n = math.prod(x.shape[a] for a in _axes(x, axis))
    return np.sum(np.square(x - np.mean(x, axis=axis, keepdims=True)), axis=axis, keepdims=keepdims) / (n - ddof)


def _std(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return np.sqrt(_var(x, axis, ddof, keepdims))


def _nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(np.where(np.isnan(x), 0, x), axis=axis, keepdims=keepdims)


def _prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """A tree of products: right where elements are zero, as y / x would not be."""
    axes = _axes(x, axis)
    kept = [n for a, n in enumerate(x.shape) if a not in axes]
    y = np.reshape(_moveaxis(x, axes, tuple(range(-len(axes), 0))), (*kept, math.prod(x.shape[a] for a in axes)))
    if y.shape[-1] == 0:
        y = np.ones((*kept, 1), y.dtype)
    while y.shape[-1] > 1:
        half = y.shape[-1] // 2
        y = np.concatenate([y[..., :half] * y[..., half : 2 * half], y[..., 2 * half :]], axis=-1)
    return np.reshape(y, tuple(1 if a in axes else n for a, n in enumerate(x.shape)) if keepdims else tuple(kept))


def _cumprod(x: Any, axis: int | None = None) -> Any:
    """A scan that doubles its reach, for the same reason. Source: Hillis and Steele 1986."""
    x, axis = (np.reshape(x, -1), 0) if axis is None else (x, axis)
    reach = 1
    while reach < x.shape[axis]:
        longer = _along(x, axis, slice(reach, None)) * _along(x, axis, slice(-reach))
        x = np.concatenate([_along(x, axis, slice(reach)), longer], axis=axis)
        reach *= 2
    return x


COMPOSED |= {np.var: _var, np.std: _std, np.nansum: _nansum, np.prod: _prod, np.cumprod: _cumprod}


# --- products and diagonals -----------------------------------------------------------------------------------------
_ROWS, _COLUMNS = "abcdefghijklm", "nopqrstuvwxy"


def _outer(a: Any, b: Any) -> Any:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


def _inner(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    rows, columns = _ROWS[: np.ndim(a) - 1], _COLUMNS[: np.ndim(b) - 1]
    return np.einsum(f"{rows}z,{columns}z->{rows}{columns}", a, b)


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    n, m = np.ndim(a), np.ndim(b)
    left, right = (list(range(n - axes, n)), list(range(axes))) if np.ndim(axes) == 0 else map(np.atleast_1d, axes)
    columns = list(_COLUMNS[:m])
    for i, j in zip(left, right, strict=True):
        columns[int(j)] = _ROWS[int(i) % n]
    paired = {_ROWS[int(i) % n] for i in left}
    kept = "".join(c for c in [*_ROWS[:n], *columns] if c not in paired)
    return np.einsum(f"{_ROWS[:n]},{''.join(columns)}->{kept}", a, b, optimize=True)


def _kron(a: Any, b: Any) -> Any:
    n = max(np.ndim(a), np.ndim(b))
    rows, columns = ((1,) * (n - np.ndim(x)) + np.shape(x) for x in (a, b))
    a = np.reshape(a, [k for size in rows for k in (size, 1)])
    b = np.reshape(b, [k for size in columns for k in (1, size)])
    return np.reshape(a * b, [i * j for i, j in zip(rows, columns, strict=True)])


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if not a.shape[-1] == b.shape[-1] == 3:
        remedy = "Of two: a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]"
        got = f"vectors of {a.shape[-1]} and {b.shape[-1]} elements"
        raise UnsupportedError("np.cross", got=got, expected="3 wanted", remedy=remedy)
    parts = [a[..., i - 2] * b[..., i - 1] - a[..., i - 1] * b[..., i - 2] for i in range(3)]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


def _diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    x = _moveaxis(x, (axis1, axis2), (-2, -1))
    n = max(min(x.shape[-2] + min(offset, 0), x.shape[-1] - max(offset, 0)), 0)
    k = np.arange(n)
    return x[..., k - min(offset, 0), k + max(offset, 0)]


def _diag(x: Any, k: int = 0) -> Any:
    if x.ndim == 2:
        return _diagonal(x, k)
    n = x.size + abs(k)
    row = np.clip(np.arange(n) + min(k, 0), 0, max(x.size - 1, 0))
    return np.where(np.eye(n, k=k, dtype=bool), np.reshape(x[row], (-1, 1)), 0)


def _triangle(keep: Any) -> Any:
    return lambda x, k=0: np.where(keep(np.ones(x.shape[-2:], bool), k), x, 0)


COMPOSED |= {
    np.outer: _outer, np.inner: _inner, np.vdot: lambda a, b: np.sum(np.reshape(a, -1) * np.reshape(b, -1)),
    np.tensordot: _tensordot, np.diagonal: _diagonal, np.diag: _diag,
    np.trace: lambda x, offset=0, axis1=0, axis2=1: np.sum(_diagonal(x, offset, axis1, axis2), axis=-1),
    np.tril: _triangle(np.tril), np.triu: _triangle(np.triu), np.kron: _kron, np.cross: _cross,
}  # fmt: skip
