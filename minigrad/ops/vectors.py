"""Vectors: norms, also those of matrices, and products (vecdot, vdot, matvec, cross)."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

from .compositions import COMPOSED
from .contractions import check_lengths
from .shapes import axes_of
from .table import Templates, defvjp


# --- norms of vectors -----------------------------------------------------------------------------
def _vector_norm(
    g: Any,
    y: Any,
    x: Any,
    axis: Any = (),
    keepdims: bool = False,
    ord: float = 2,
) -> Any:
    """Where all of a vector is 0 so is the gradient; elements that tie for the largest share it."""
    if not keepdims:
        g = np.expand_dims(g, axis)
        y = np.expand_dims(y, axis)
    if ord == 1:
        return g * np.sign(x)
    if ord in (np.inf, -np.inf):
        wins = np.absolute(x) == y
        winners = g * np.sign(x) * wins
        return winners / np.sum(wins, axis=axis, keepdims=True)
    if ord == 2:
        # Where all elements are 0, so is 0 / inf.
        return g * (x / np.where(y == 0, np.inf, y))
    # 0 where an element is, a kink or a cusp, and where the norm is: of a negative order it may be.
    steep = (x != 0) & (y != 0)
    share = np.absolute(x) / np.where(y == 0, 1, y)
    slope = np.power(np.where(steep, share, 1), ord - 1)
    return g * np.sign(x) * np.where(steep, slope, 0)


def _vector_norm_says(n: Any) -> Templates:
    ord = n.kwargs.get("ord", 2)
    if ord == 2:
        return ("spread({g}) ⊙ {x} / spread({y})",)
    if ord == 1:
        return ("spread({g}) ⊙ sign({x})",)
    if abs(ord) == np.inf:
        return ("spread({g}) ⊙ sign({x}) ⊙ [abs({x}) = spread({y})] / ties",)
    return (f"spread({{g}}) ⊙ sign({{x}}) ⊙ (abs({{x}}) / spread({{y}}))^({ord:g} - 1)",)


def _bind_vector_norm(
    x: Any,
    /,
    *,
    axis: Any = None,
    keepdims: bool = False,
    ord: Any = 2,
) -> Any:
    if isinstance(ord, str) or ord == 0:
        expected = "any other number, inf or -inf of vectors"
        raise UnsupportedError("np.linalg.norm", got=f"ord={ord!r}", expected=expected)
    axes = axes_of(x, axis)
    return (x,), {"axis": axes, "keepdims": keepdims, "ord": float(ord)}


defvjp(np.linalg.vector_norm, _vector_norm, bind=_bind_vector_norm, says=_vector_norm_says)


# --- norms of matrices ----------------------------------------------------------------------------
def _norm(
    x: Any,
    ord: Any = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Any:
    """One axis means vectors, two mean matrices; without axis and ord, all of x is one vector."""
    axes = axes_of(x, axis)
    if len(axes) == 1 or (ord is None and axis is None):
        ord = 2 if ord is None else ord
        return np.linalg.vector_norm(x, axis=axes, keepdims=keepdims, ord=ord)
    if len(axes) != 2:
        expected = "1 of vectors or 2 of matrices"
        raise UnsupportedError("np.linalg.norm", got=f"{len(axes)} axes", expected=expected)
    return _norm_of_matrices(x, axes, ord, keepdims)


def _norm_of_matrices(x: Any, axes: tuple[int, ...], ord: Any, keepdims: bool) -> Any:
    """The first axis counts the rows."""
    if ord in (None, "fro", "f"):
        return np.linalg.vector_norm(x, axis=axes, keepdims=keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        summed, compared = axes if abs(ord) == 1 else axes[::-1]
        norm = _extreme_sum(x, summed, compared, ord)
        return norm if keepdims else np.squeeze(norm, axes)
    if ord not in (2, -2, "nuc"):
        expected = "None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf of matrices"
        raise UnsupportedError("np.linalg.norm", got=f"ord={ord!r}", expected=expected)
    matrices = np.moveaxis(x, axes, (-2, -1))
    norm = _of_singular_values(matrices, ord)
    return np.expand_dims(norm, axes) if keepdims else norm


def _extreme_sum(x: Any, summed_axis: int, other_axis: int, ord: float) -> Any:
    """The largest of the sums of magnitudes along an axis; the smallest where ord is negative."""
    sums = np.sum(np.absolute(x), axis=summed_axis, keepdims=True)
    if ord > 0:
        return np.max(sums, axis=other_axis, keepdims=True)
    return np.min(sums, axis=other_axis, keepdims=True)


def _of_singular_values(x: Any, ord: Any) -> Any:
    """Their sum ("nuc"), the largest (2) or the smallest (-2)."""
    values = np.linalg.svdvals(x)
    if ord == "nuc":
        return np.sum(values, axis=-1)
    if ord == 2:
        return np.max(values, axis=-1)
    return np.min(values, axis=-1)


def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _norm(x, ord, (-2, -1), keepdims)


COMPOSED[np.linalg.norm] = _norm
COMPOSED[np.linalg.matrix_norm] = _matrix_norm


# --- products -----------------------------------------------------------------------------------
def _vecdot(
    a: Any,
    b: Any,
    axis: int = -1,
    keepdims: bool = False,
) -> Any:
    a = np.moveaxis(a, axis, -1)
    b = np.moveaxis(b, axis, -1)
    rows = a[..., None, :]
    y = np.matmul(rows, b[..., None])
    y = y[..., 0, 0]
    return np.expand_dims(y, axis) if keepdims else y


def _matvec(a: Any, x: Any) -> Any:
    column = np.expand_dims(x, -1)
    return np.matmul(a, column)[..., 0]


def _vecmat(x: Any, a: Any) -> Any:
    row = np.expand_dims(x, -2)
    return np.matmul(row, a)[..., 0, :]


def _vdot(a: Any, b: Any) -> Any:
    a = np.reshape(a, -1)
    b = np.reshape(b, -1)
    check_lengths(a, 0, b, 0)
    return np.sum(a * b)


def _linalg_vecdot(a: Any, b: Any, /, *, axis: int = -1) -> Any:
    return _vecdot(a, b, axis)


def _cross(
    a: Any,
    b: Any,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Any:
    if axis is not None:
        axisa = axis
        axisb = axis
        axisc = axis
    a = np.moveaxis(a, axisa, -1)
    b = np.moveaxis(b, axisb, -1)
    if not a.shape[-1] == b.shape[-1] == 3:
        got = f"vectors of {a.shape[-1]} and {b.shape[-1]} elements"
        remedy = "Of two: a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]"
        raise UnsupportedError("np.cross", got=got, expected="3 wanted", remedy=remedy)
    parts = []
    for i in range(3):
        # Counted in a circle: the two coordinates after i are i - 2 and i - 1.
        part = a[..., i - 2] * b[..., i - 1]
        part = part - a[..., i - 1] * b[..., i - 2]
        parts.append(part)
    y = np.stack(parts, axis=-1)
    return np.moveaxis(y, -1, axisc)


def _linalg_cross(a: Any, b: Any, /, *, axis: int = -1) -> Any:
    return np.cross(a, b, axis=axis)


COMPOSED |= {
    np.vdot: _vdot,
    np.vecdot: _vecdot,
    np.linalg.vecdot: _linalg_vecdot,
    np.cross: _cross,
    np.linalg.cross: _linalg_cross,
}
# NumPy 2.2 added these.
if hasattr(np, "matvec"):
    COMPOSED |= {np.matvec: _matvec, np.vecmat: _vecmat}
