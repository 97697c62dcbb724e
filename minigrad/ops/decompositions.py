"""Eigenvalues and singular values: eigh, svd.

A node has one result, so eigh and svd are recorded as NumPy's results packed into one array,
computed once and taken apart. eigh, cholesky and all that is ``hermitian`` read one triangle of a
symmetric matrix; their gradient is the symmetric one, right for every change that keeps the matrix
symmetric.

A function of eigenvalues or singular values alone has its gradient even where they are equal: the
values have a node of their own. Gradients of vectors, and second derivatives, divide by the gaps:
at 0 NumPy warns of the division and the gradient is inf or nan, never a plausible number.
Source: Giles 2008, "Collected matrix derivative results for forward and reverse mode".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

from .compositions import COMPOSED
from .linalg import mt, symmetric
from .table import defvjp, dispatched

ANY_MATRIX = np.eye(1)
EighResult = type(np.linalg.eigh(ANY_MATRIX))
SVDResult = type(np.linalg.svd(ANY_MATRIX))


# --- what both have in common ---------------------------------------------------------------------
def _row(w: Any) -> Any:
    """Shapes: w (..., n), result (..., 1, n)."""
    return w[..., None, :]


def _column(w: Any) -> Any:
    """Shapes: w (..., n), result (..., n, 1)."""
    return w[..., :, None]


def _gaps(w: Any) -> Any:
    """w_j - w_i. Shapes: w (..., n), result (..., n, n)."""
    return _row(w) - _column(w)


def _off_diagonal(x: Any, over: Any) -> Any:
    """x / over off the diagonal, 0 on it."""
    diagonal = np.eye(x.shape[-1], dtype=bool)
    numerator = np.where(diagonal, 0, x)
    return numerator / np.where(diagonal, 1, over)


def _product(u: Any, s: Any, v: Any) -> Any:
    """U S Vᵀ: the matrix with these singular values and vectors."""
    return (u * _row(s)) @ mt(v)


# --- eigenvalues of symmetric matrices ------------------------------------------------------------
@dispatched
def eigh(x: Any, UPLO: Any = "L") -> Any:
    """NumPy's eigenvalues, and under each its eigenvector.

    Shapes: x (..., n, n), result (..., 1 + n, n).
    """
    w, v = np.linalg.eigh(x, UPLO)
    parts = [_row(w), v]
    return np.concatenate(parts, axis=-2)


@dispatched
def eigenvalues(x: Any, packed: Any) -> Any:
    """The eigenvalues of x, taken from eigh(x)."""
    return packed[..., 0, :]


def _vectors(packed: Any) -> Any:
    """The eigenvectors, taken from eigh(x)."""
    return packed[..., 1:, :]


def _eigh(
    g: Any,
    y: Any,
    x: Any,
    UPLO: Any = "L",
) -> Any:
    """V (sym(Vᵀ g_V / gaps) + diag(g_w)) Vᵀ. Source: Giles 2008, section 3.1."""
    w = y[..., 0, :]
    v = _vectors(y)
    to_values = g[..., 0, :]
    to_vectors = _vectors(g)
    within = mt(v) @ to_vectors
    turned = _off_diagonal(within, _gaps(w))
    contribution = symmetric(v @ turned @ mt(v))
    return contribution + _product(v, to_values, v)


def _eigenvalues(g: Any, y: Any, x: Any, packed: Any) -> Any:
    return _product(_vectors(packed), g, _vectors(packed))


def _eigvalsh(
    g: Any,
    y: Any,
    x: Any,
    UPLO: Any = "L",
) -> Any:
    v = np.linalg.eigh(x, UPLO)[1]
    return _product(v, g, v)


def _eigh_parts(a: Any, UPLO: Any = "L") -> Any:
    y = eigh(a, UPLO=UPLO)
    return EighResult(eigenvalues(a, y), _vectors(y))


defvjp(
    eigh,
    _eigh,
    says="symmetric(V · (Vᵀ · {g}_V / (w_j - w_i)) · Vᵀ) + V ⊙ {g}_w · Vᵀ",
)
defvjp(eigenvalues, _eigenvalues, None, says=("V ⊙ {g} · Vᵀ", None))
defvjp(np.linalg.eigvalsh, _eigvalsh, says="V ⊙ {g} · Vᵀ")
COMPOSED[np.linalg.eigh] = _eigh_parts


# --- singular values ------------------------------------------------------------------------------
@dispatched
def svd(x: Any) -> Any:
    """NumPy's u, the singular values, and v, below each other.

    Shapes: x (..., m, n), result (..., m + 1 + n, k).
    """
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    parts = [u, _row(s), mt(vh)]
    return np.concatenate(parts, axis=-2)


@dispatched
def singular_values(x: Any, packed: Any) -> Any:
    """The singular values of x, taken from svd(x)."""
    return packed[..., x.shape[-2], :]


def _svd_unpacked(packed: Any, x: Any) -> tuple[Any, Any, Any]:
    """u, s and v of svd(x), or the cotangents of the three."""
    m = x.shape[-2]
    u = packed[..., :m, :]
    s = packed[..., m, :]
    v = packed[..., m + 1 :, :]
    return u, s, v


def _svd(g: Any, y: Any, x: Any) -> Any:
    """Source: Townsend 2016, "Differentiating the singular value decomposition".

    His s_j / (s_j² - s_i²) and s_i / (s_j² - s_i²) are split into 1 / (s_j - s_i) and
    1 / (s_j + s_i).
    """
    u, s, v = _svd_unpacked(y, x)
    to_u, to_s, to_v = _svd_unpacked(g, x)
    # How the cotangents turn u and v within what they span: together, and against each other.
    within_u = mt(u) @ to_u
    within_v = mt(v) @ to_v
    against = within_u - within_v
    sums = _row(s) + _column(s)
    inner = _off_diagonal(within_u + within_v, _gaps(s))
    skew = against - mt(against)
    inner = symmetric(inner) + _off_diagonal(skew, sums) / 2
    contribution = u @ inner @ mt(v)
    contribution = contribution + _product(u, to_s, v)
    # Where x is not square, one of the two can also turn out of the space that it spans.
    if _is_tall(u):
        outside_u = _orthogonal_to(u, to_u / _row(s))
        contribution = contribution + outside_u @ mt(v)
    if _is_tall(v):
        outside_v = _orthogonal_to(v, to_v / _row(s))
        contribution = contribution + u @ mt(outside_v)
    return contribution


def _is_tall(x: Any) -> bool:
    rows, columns = x.shape[-2:]
    return bool(rows > columns)


def _orthogonal_to(q: Any, x: Any) -> Any:
    """The part of x that is orthogonal to the columns of q."""
    within = q @ (mt(q) @ x)
    return x - within


def _singular_values(g: Any, y: Any, x: Any, packed: Any) -> Any:
    u, _, v = _svd_unpacked(packed, x)
    return _product(u, g, v)


def _svdvals(g: Any, y: Any, x: Any) -> Any:
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    return _product(u, g, mt(vh))


def _svd_parts(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    hermitian: bool = False,
) -> Any:
    """NumPy's svd in all its forms."""
    m, n = a.shape[-2:]
    if hermitian and compute_uv:
        return _hermitian_svd(a)
    if hermitian:
        magnitudes = np.absolute(np.linalg.eigvalsh(a))
        return np.sort(magnitudes)[..., ::-1]
    if not compute_uv:
        return np.linalg.svdvals(a)
    if full_matrices and m != n:
        got = f"full_matrices=True of matrices {m} by {n}, where u or vh is not determined"
        raise UnsupportedError("np.linalg.svd", got=got, remedy="Pass full_matrices=False")
    y = svd(a)
    u, _, v = _svd_unpacked(y, a)
    s = singular_values(a, y)
    return SVDResult(u, s, mt(v))


def _hermitian_svd(a: Any) -> Any:
    """The eigenvectors, by falling magnitude; the sign goes to vh."""
    w, v = np.linalg.eigh(a)
    rising = np.argsort(np.absolute(w))
    order = rising[..., ::-1]
    w = np.take_along_axis(w, order, axis=-1)
    u = np.take_along_axis(v, _row(order), axis=-1)
    negative = _row(np.signbit(w))
    signed = np.where(negative, -u, u)
    s = np.absolute(w)
    return SVDResult(u, s, mt(signed))


defvjp(svd, _svd, says="d(U S Vᵀ) along {g}: Townsend 2016")
defvjp(singular_values, _singular_values, None, says=("U ⊙ {g} · Vᵀ", None))
defvjp(np.linalg.svdvals, _svdvals, says="U ⊙ {g} · Vᵀ")
COMPOSED[np.linalg.svd] = _svd_parts
