"""Products and diagonals, recorded as the contractions, multiplications and slices they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

from .linalg import agree
from .rearrange import moveaxis
from .table import COMPOSED

_ROWS, _COLUMNS = "abcdefghijklm", "nopqrstuvwxy"


def _outer(a: Any, b: Any) -> Any:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


def _vdot(a: Any, b: Any) -> Any:
    agree(np.size(a), np.size(b))
    return np.sum(np.reshape(a, -1) * np.reshape(b, -1))


def _inner(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    agree(np.shape(a)[-1], np.shape(b)[-1])
    rows, columns = _ROWS[: np.ndim(a) - 1], _COLUMNS[: np.ndim(b) - 1]
    return np.einsum(f"{rows}z,{columns}z->{rows}{columns}", a, b)


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    n, m = np.ndim(a), np.ndim(b)
    left, right = (
        (list(range(n - axes, n)), list(range(axes)))
        if np.ndim(axes) == 0
        else map(np.atleast_1d, axes)
    )
    columns = list(_COLUMNS[:m])
    for i, j in zip(left, right, strict=True):
        agree(np.shape(a)[int(i)], np.shape(b)[int(j)])
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


def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if not a.shape[-1] == b.shape[-1] == 3:
        remedy = "Of two: a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]"
        got = f"vectors of {a.shape[-1]} and {b.shape[-1]} elements"
        raise UnsupportedError("np.cross", got=got, expected="3 wanted", remedy=remedy)
    parts = [a[..., i - 2] * b[..., i - 1] - a[..., i - 1] * b[..., i - 2] for i in range(3)]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


def _diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    x = moveaxis(x, (axis1, axis2), (-2, -1))
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
    np.outer: _outer,
    np.inner: _inner,
    np.vdot: _vdot,
    np.tensordot: _tensordot,
    np.diagonal: _diagonal,
    np.diag: _diag,
    np.trace: lambda x, offset=0, axis1=0, axis2=1: np.sum(
        _diagonal(x, offset, axis1, axis2), axis=-1
    ),
    np.tril: _triangle(np.tril),
    np.triu: _triangle(np.triu),
    np.kron: _kron,
    np.cross: _cross,
}
