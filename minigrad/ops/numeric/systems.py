"""Systems of equations: least squares, tensors on both sides, and how well they are conditioned."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.ops.compositions import COMPOSED, bare


def _lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, Any, Any]:
    """The shortest of the best x, by the pseudo-inverse; its squared residuals, rank of a, values.

    Residuals are there, as NumPy has it, where a has full rank and more rows than columns.
    """
    rows, columns = a.shape
    x = np.matmul(np.linalg.pinv(a, rcond), b)
    values = np.linalg.svdvals(a)
    rounding = np.finfo(a.dtype).eps * max(rows, columns)
    rank = np.sum(values > rounding * values[0])
    residuals = np.sum(np.square(b - np.matmul(a, x)), axis=0)
    has_residuals = rows > columns == int(bare(rank))
    residuals = np.reshape(residuals, -1)
    return x, residuals if has_residuals else residuals[:0], rank, values


def _cond(x: Any, p: Any = None) -> Any:
    """The norm times that of the inverse; by default the ratio of the singular values."""
    if p in (None, 2, -2):
        values = np.linalg.svdvals(x)
        largest = values[..., 0]
        smallest = values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    norm = np.linalg.norm(x, p, axis=(-2, -1))
    return norm * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """tensordot(a, x, x.ndim) = b: the first axes of a are those of b, the others those of x."""
    a, b = (x if hasattr(x, "dtype") else np.asarray(x) for x in (a, b))
    if axes is not None:
        moved = [i % a.ndim for i in axes]
        order = [i for i in range(a.ndim) if i not in moved]
        a = np.transpose(a, [*order, *moved])
    matrix = np.reshape(a, (b.size, -1))
    x = np.linalg.solve(matrix, np.reshape(b, -1))
    return np.reshape(x, a.shape[b.ndim :])


def _tensorinv(a: Any, ind: int = 2) -> Any:
    if ind < 1:
        raise ValueError("Invalid ind argument.")
    rows = a.shape[:ind]
    columns = a.shape[ind:]
    matrix = np.reshape(a, (math.prod(rows), -1))
    return np.reshape(np.linalg.inv(matrix), columns + rows)


COMPOSED |= {
    np.linalg.lstsq: _lstsq,
    np.linalg.cond: _cond,
    np.linalg.tensorsolve: _tensorsolve,
    np.linalg.tensorinv: _tensorinv,
}
