"""Matrices: inverse, determinant, solve, pseudo-inverse, cholesky, powers, diagonals.

Matrices are the last two axes, batches the others.
Source: Giles 2008, "Collected matrix derivative results for forward and reverse mode".
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.errors import ShapeError, UnsupportedError

from .compositions import COMPOSED
from .shapes import moveaxis
from .table import Templates, defvjp, dispatched

SlogdetResult = type(np.linalg.slogdet(np.eye(1)))


def mt(x: Any, /) -> Any:
    """Each matrix transposed."""
    return np.swapaxes(x, -1, -2)


def symmetric(x: Any) -> Any:
    """The symmetric part of each matrix."""
    return (x + mt(x)) / 2


# --- inverse, determinant, solve ------------------------------------------------------------------
def _solve_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    back = _solve_b(g, y, a, b)
    if b.ndim == 1:
        return -back[..., None] * y[..., None, :]
    return -back @ mt(y)


def _solve_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        column = np.linalg.solve(mt(a), g[..., None])
        return column[..., 0]
    return np.linalg.solve(mt(a), g)


def _solve_says(n: Any) -> Templates:
    times_y = "⊗ {y}" if n.inputs[1].ndim == 1 else "· {y}ᵀ"
    return f"-solve({{a}}ᵀ, {{g}}) {times_y}", "solve({a}ᵀ, {g})"


@dispatched
def cofactors(x: Any) -> Any:
    """det(x) x⁻¹ᵀ, which singular matrices have too. Shapes: x and the result (..., n, n).

    By singular values where there is no inverse: each product of all others.

    >>> cofactors(np.array([[1.0, 2.0], [2.0, 4.0]])).round(12) + 0.0
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    try:
        return np.linalg.det(x)[..., None, None] * mt(np.linalg.inv(x))
    except np.linalg.LinAlgError:
        u, s, vh = np.linalg.svd(x)
    n = s.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :])
    products = np.prod(others, axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    scaled = u * (sign[..., None] * products)[..., None, :]
    return scaled @ vh


def _cofactors(g: Any, y: Any, x: Any) -> Any:
    """Jacobi's formula once more: of a singular matrix it is 0 / 0."""
    along = np.sum(g * y, axis=(-2, -1), keepdims=True)
    contribution = along * y - y @ mt(g) @ y
    return contribution / np.linalg.det(x)[..., None, None]


@dispatched
def slogdet(x: Any) -> Any:
    """NumPy's sign and log|det| as one array. Shapes: x (..., n, n), result (..., 2)."""
    return np.stack(np.linalg.slogdet(x), axis=-1)


def _slogdet_parts(a: Any) -> Any:
    y = slogdet(a)
    return SlogdetResult(y[..., 0], y[..., 1])


defvjp(
    np.linalg.inv,
    lambda g, y, x: -mt(y) @ g @ mt(y),
    says="-{y}ᵀ · {g} · {y}ᵀ",
)
defvjp(
    np.linalg.det,
    lambda g, y, x: g[..., None, None] * cofactors(x),
    says="{g} ⊙ {y} ⊙ {x}⁻¹ᵀ",
)
defvjp(
    cofactors,
    _cofactors,
    says="(sum({g} ⊙ {y}) ⊙ {y} - {y} · {g}ᵀ · {y}) / det({x})",
)
defvjp(np.linalg.solve, _solve_a, _solve_b, says=_solve_says)
defvjp(
    slogdet,
    lambda g, y, x: g[..., 1, None, None] * mt(np.linalg.inv(x)),
    says="{g}[1] ⊙ {x}⁻¹ᵀ",
)
COMPOSED[np.linalg.slogdet] = _slogdet_parts


# --- pseudo-inverse -------------------------------------------------------------------------------
def _pinv(
    g: Any,
    y: Any,
    x: Any,
    rtol: Any = None,
    hermitian: bool = False,
) -> Any:
    """At constant rank: singular values that NumPy cuts as rounding errors are zeros.

    Source: Golub and Pereyra 1973, "The differentiation of pseudo-inverses ...", equation 4.12.
    """
    yt = mt(y)
    gt = mt(g)
    left = gt @ y @ yt
    right = yt @ y @ gt
    # The parts that change what x leaves out, then what it keeps.
    contribution = left - x @ (y @ left)
    contribution = contribution + right - (right @ y) @ x
    contribution = contribution - yt @ g @ yt
    return symmetric(contribution) if hermitian else contribution


def _bind_pinv(a: Any, rcond: Any = None, hermitian: bool = False, **rtol: Any) -> Any:
    tolerance = rtol.get("rtol") if rcond is None else rcond
    if tolerance is not None:
        got = f"a tolerance of {tolerance}, which may cut more than rounding errors"
        remedy = "Pass rtol=None, or cut np.linalg.svd yourself"
        raise UnsupportedError("np.linalg.pinv", got=got, remedy=remedy)
    return (a,), {"hermitian": hermitian, **rtol}


defvjp(
    np.linalg.pinv,
    _pinv,
    bind=_bind_pinv,
    says=(
        "(I - {x} · {y}) · {g}ᵀ · {y} · {y}ᵀ + {y}ᵀ · {y} · {g}ᵀ · (I - {y} · {x})"
        " - {y}ᵀ · {g} · {y}ᵀ"
    ),
)


# --- triangular factor ----------------------------------------------------------------------------
def _cholesky(
    g: Any,
    y: Any,
    x: Any,
    upper: bool = False,
) -> Any:
    """L⁻ᵀ half(Lᵀ g) L⁻¹, made symmetric; half: the lower triangle, half of the diagonal.

    Only one triangle of x is read: this is right for every change that keeps x symmetric.
    Source: Murray 2016, "Differentiation of the Cholesky decomposition", arXiv:1602.07527, eq. 9.
    """
    L = mt(y) if upper else y
    g = mt(g) if upper else g
    inner = mt(L) @ g
    half = np.tril(inner) + np.tril(inner, -1)
    half = half / 2
    half_over_L = np.linalg.solve(mt(L), mt(half))
    contribution = np.linalg.solve(mt(L), mt(half_over_L))
    return symmetric(contribution)


defvjp(
    np.linalg.cholesky,
    _cholesky,
    says="symmetric({y}⁻¹ᵀ · half_lower({y}ᵀ · {g}) · {y}⁻¹)",
)


# --- powers ---------------------------------------------------------------------------------------
def _matrix_power(a: Any, n: int) -> Any:
    """By squaring: the powers of two in the exponent, multiplied."""
    if a.shape[-1:] != a.shape[-2:-1]:
        raise ShapeError("matrix_power", got=f"{a.shape}", expected="square matrices wanted")
    x = np.linalg.inv(a) if n < 0 else a
    n = abs(operator.index(n))
    if n == 0:
        identity = np.eye(x.shape[-1], dtype=x.dtype)
        return np.where(True, identity, x)
    power = None
    while True:
        if n % 2:
            power = x if power is None else power @ x
        n //= 2
        if n == 0:
            return power
        x = x @ x


COMPOSED[np.linalg.matrix_power] = _matrix_power


# --- diagonals and triangles ----------------------------------------------------------------------
def _diagonal(
    x: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
) -> Any:
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    first_row = -min(offset, 0)
    first_column = max(offset, 0)
    rows = x.shape[-2] - first_row
    columns = x.shape[-1] - first_column
    k = np.arange(max(min(rows, columns), 0))
    return x[..., k + first_row, k + first_column]


def _diag(x: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix of a diagonal."""
    if x.ndim == 2:
        return _diagonal(x, k)
    n = x.size + abs(k)
    places = np.arange(n) + min(k, 0)
    places = np.clip(places, 0, max(x.size - 1, 0))
    on_diagonal = np.eye(n, k=k, dtype=bool)
    column = np.reshape(x[places], (-1, 1))
    return np.where(on_diagonal, column, 0)


def _trace(
    x: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
) -> Any:
    return np.sum(_diagonal(x, offset, axis1, axis2), axis=-1)


def _triangle(keep: Callable[..., Any]) -> Callable[..., Any]:
    """np.tril or np.triu: 0 outside the triangle that ``keep`` keeps of ones."""

    def triangle(x: Any, k: int = 0) -> Any:
        kept = keep(np.ones(x.shape[-2:], bool), k)
        return np.where(kept, x, 0)

    return triangle


def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


def _linalg_trace(x: Any, /, *, offset: int = 0) -> Any:
    return np.trace(x, offset, -2, -1)


COMPOSED |= {
    np.diagonal: _diagonal,
    np.diag: _diag,
    np.trace: _trace,
    np.tril: _triangle(np.tril),
    np.triu: _triangle(np.triu),
    np.matrix_transpose: mt,
    np.linalg.matrix_transpose: mt,
    np.linalg.diagonal: _linalg_diagonal,
    np.linalg.trace: _linalg_trace,
}
