"""Decompositions (eigh, svd, cholesky, slogdet, pinv) and norms, some of which are made of singular values.

A node has one result, so eigh, svd and slogdet are recorded as NumPy's results packed into one array, computed once
and taken apart. eigh, cholesky and all that is ``hermitian`` read one triangle of a symmetric matrix; their gradient is
the symmetric one, right for every change that keeps the matrix symmetric.

A function of eigenvalues or singular values alone has its gradient even where they are equal: the values have a node of
their own. Gradients of vectors, and second derivatives, divide by the gaps: at 0 NumPy warns of the division and the
gradient is inf or nan, never a plausible number.
Source: Giles 2008, "Collected matrix derivative results for forward and reverse mode".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

from .linalg import mt
from .rearrange import axes_of
from .table import COMPOSED, defvjp, dispatched

_ONE = np.eye(1)
EighResult = type(np.linalg.eigh(_ONE))
SVDResult = type(np.linalg.svd(_ONE))
SlogdetResult = type(np.linalg.slogdet(_ONE))


def _symmetric(x: Any) -> Any:
    return (x + mt(x)) / 2


def _between(x: Any, over: Any) -> Any:
    """x / over off the diagonal, 0 on it."""
    eye = np.eye(x.shape[-1], dtype=bool)
    return np.where(eye, 0, x) / np.where(eye, 1, over)


def _gaps(w: Any) -> Any:
    """w_j - w_i."""
    return w[..., None, :] - w[..., :, None]


def _product(u: Any, s: Any, v: Any) -> Any:
    """The matrix with these singular values and vectors."""
    return (u * s[..., None, :]) @ mt(v)


# --- symmetric matrices ---------------------------------------------------------------------------------------------
@dispatched
def eigh(x: Any, UPLO: Any = "L") -> Any:
    """NumPy's eigenvalues, and under each its eigenvector. Shapes: x (..., n, n), result (..., 1 + n, n)."""
    w, v = np.linalg.eigh(x, UPLO)
    return np.concatenate([w[..., None, :], v], axis=-2)


@dispatched
def eigenvalues(x: Any, packed: Any) -> Any:
    """The eigenvalues of x, taken from eigh(x)."""
    return packed[..., 0, :]


def _eigh(g: Any, y: Any, x: Any, UPLO: Any = "L") -> Any:
    w, v, gw, gv = y[..., 0, :], y[..., 1:, :], g[..., 0, :], g[..., 1:, :]
    return _symmetric(v @ _between(mt(v) @ gv, _gaps(w)) @ mt(v)) + _product(v, gw, v)


def _eigvalsh(g: Any, y: Any, x: Any, UPLO: Any = "L") -> Any:
    v = np.linalg.eigh(x, UPLO)[1]
    return _product(v, g, v)


def _unpacked_eigh(a: Any, UPLO: Any = "L") -> Any:
    y = eigh(a, UPLO=UPLO)
    return EighResult(eigenvalues(a, y), y[..., 1:, :])


def _cholesky(g: Any, y: Any, x: Any, upper: bool = False) -> Any:
    """Source: Murray 2016, "Differentiation of the Cholesky decomposition", arXiv:1602.07527, equation 9."""
    L, g = (mt(y), mt(g)) if upper else (y, g)
    inner = mt(L) @ g
    half = (np.tril(inner) + np.tril(inner, -1)) / 2
    return _symmetric(np.linalg.solve(mt(L), mt(np.linalg.solve(mt(L), mt(half)))))


defvjp(eigh, _eigh)
defvjp(
    eigenvalues, lambda g, y, x, packed: _product(packed[..., 1:, :], g, packed[..., 1:, :]), None
)
defvjp(np.linalg.eigvalsh, _eigvalsh)
defvjp(np.linalg.cholesky, _cholesky)
COMPOSED[np.linalg.eigh] = _unpacked_eigh


# --- singular values ------------------------------------------------------------------------------------------------
@dispatched
def svd(x: Any) -> Any:
    """NumPy's u, the singular values, and v, below each other. Shapes: x (..., m, n), result (..., m + 1 + n, k)."""
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u, s[..., None, :], mt(vh)], axis=-2)


@dispatched
def singular_values(x: Any, packed: Any) -> Any:
    """The singular values of x, taken from svd(x)."""
    return packed[..., x.shape[-2], :]


def _parts(y: Any, x: Any) -> tuple[Any, Any, Any]:
    m = x.shape[-2]
    return y[..., :m, :], y[..., m, :], y[..., m + 1 :, :]


def _svd(g: Any, y: Any, x: Any) -> Any:
    """Source: Townsend 2016, "Differentiating the singular value decomposition".

    His s_j / (s_j^2 - s_i^2) and s_i / (s_j^2 - s_i^2) are split into 1 / (s_j - s_i) and 1 / (s_j + s_i).
    """
    (u, s, v), (gu, gs, gv) = _parts(y, x), _parts(g, x)
    in_u, in_v = mt(u) @ gu, mt(v) @ gv
    differ = in_u - in_v
    sums = s[..., None, :] + s[..., :, None]
    inner = _symmetric(_between(in_u + in_v, _gaps(s))) + _between(differ - mt(differ), sums) / 2
    found = u @ inner @ mt(v) + _product(u, gs, v)
    if u.shape[-2] > u.shape[-1]:
        found = found + _across(u, gu / s[..., None, :]) @ mt(v)
    if v.shape[-2] > v.shape[-1]:
        found = found + u @ mt(_across(v, gv / s[..., None, :]))
    return found


def _across(q: Any, x: Any) -> Any:
    """What of x is orthogonal to the columns of q."""
    return x - q @ (mt(q) @ x)


def _singular_values(g: Any, y: Any, x: Any, packed: Any) -> Any:
    u, _, v = _parts(packed, x)
    return _product(u, g, v)


def _svdvals(g: Any, y: Any, x: Any) -> Any:
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    return _product(u, g, mt(vh))


def _unpacked_svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    m, n = a.shape[-2:]
    if hermitian:
        return (
            _hermitian_svd(a)
            if compute_uv
            else np.sort(np.absolute(np.linalg.eigvalsh(a)))[..., ::-1]
        )
    if not compute_uv:
        return np.linalg.svdvals(a)
    if full_matrices and m != n:
        got = f"full_matrices=True of matrices {m} by {n}, where u or vh is not determined"
        raise UnsupportedError("np.linalg.svd", got=got, remedy="Pass full_matrices=False")
    y = svd(a)
    u, _, v = _parts(y, a)
    return SVDResult(u, singular_values(a, y), mt(v))


def _hermitian_svd(a: Any) -> Any:
    """The eigenvectors, by falling magnitude; the sign goes to vh."""
    w, v = np.linalg.eigh(a)
    order = np.argsort(np.absolute(w))[..., ::-1]
    w, u = (
        np.take_along_axis(w, order, axis=-1),
        np.take_along_axis(v, order[..., None, :], axis=-1),
    )
    return SVDResult(u, np.absolute(w), mt(np.where(np.signbit(w)[..., None, :], -u, u)))


defvjp(svd, _svd)
defvjp(singular_values, _singular_values, None)
defvjp(np.linalg.svdvals, _svdvals)
COMPOSED[np.linalg.svd] = _unpacked_svd


# --- determinant and pseudo-inverse ---------------------------------------------------------------------------------
@dispatched
def slogdet(x: Any) -> Any:
    """NumPy's sign and log|det| of each matrix. Shapes: x (..., n, n), result (..., 2)."""
    return np.stack(np.linalg.slogdet(x), axis=-1)


def _unpacked_slogdet(a: Any) -> Any:
    y = slogdet(a)
    return SlogdetResult(y[..., 0], y[..., 1])


def _pinv(g: Any, y: Any, x: Any, rtol: Any = None, hermitian: bool = False) -> Any:
    """At constant rank: singular values that NumPy cuts as rounding errors are zeros.

    Source: Golub and Pereyra 1973, "The differentiation of pseudo-inverses ...", equation 4.12.
    """
    yt, gt = mt(y), mt(g)
    left, right = gt @ y @ yt, yt @ y @ gt
    found = left - x @ (y @ left) + right - (right @ y) @ x - yt @ g @ yt
    return _symmetric(found) if hermitian else found


def _bind_pinv(
    a: Any, rcond: Any = None, hermitian: bool = False, **rtol: Any
) -> tuple[tuple[Any], dict[str, Any]]:
    if rcond is not None or rtol.get("rtol") is not None:
        got = f"a tolerance of {rcond if rcond is not None else rtol['rtol']}, which may cut more than rounding errors"
        raise UnsupportedError(
            "np.linalg.pinv", got=got, remedy="Pass rtol=None, or cut np.linalg.svd yourself"
        )
    return (a,), {"hermitian": hermitian, **rtol}


defvjp(slogdet, lambda g, y, x: g[..., 1, None, None] * mt(np.linalg.inv(x)))
defvjp(np.linalg.pinv, _pinv, bind=_bind_pinv)
COMPOSED[np.linalg.slogdet] = _unpacked_slogdet


# --- norms ----------------------------------------------------------------------------------------------------------
def _vector_norm(
    g: Any, y: Any, x: Any, axis: Any = (), keepdims: bool = False, ord: float = 2
) -> Any:
    """Where all of a vector is 0 so is the gradient; those that tie for the largest share it."""
    g, y = (g, y) if keepdims else (np.expand_dims(g, axis), np.expand_dims(y, axis))
    if ord == 1:
        return g * np.sign(x)
    if ord in (np.inf, -np.inf):
        won = np.absolute(x) == y
        return g * np.sign(x) * won / np.sum(won, axis=axis, keepdims=True)
    length = np.where(y == 0, np.inf, y) if ord > 0 else y
    return (
        g * x / length if ord == 2 else g * np.sign(x) * np.power(np.absolute(x) / length, ord - 1)
    )


def _bind_vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if isinstance(ord, str) or ord == 0:
        expected = "any other number, inf or -inf of vectors"
        raise UnsupportedError("np.linalg.norm", got=f"ord={ord!r}", expected=expected)
    return (x,), {"axis": axes_of(x, axis), "keepdims": keepdims, "ord": float(ord)}


def _matrix_norm(x: Any, axes: tuple[int, ...], ord: Any, keepdims: bool) -> Any:
    """The first axis counts the rows."""
    if ord in (None, "fro", "f"):
        return np.linalg.vector_norm(x, axis=axes, keepdims=keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        down, across = axes if ord in (1, -1) else axes[::-1]
        sums = np.sum(np.absolute(x), axis=down, keepdims=True)
        found = (np.max if ord > 0 else np.min)(sums, axis=across, keepdims=True)
        return found if keepdims else np.squeeze(found, axes)
    if ord not in (2, -2, "nuc"):
        expected = "None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf of matrices"
        raise UnsupportedError("np.linalg.norm", got=f"ord={ord!r}", expected=expected)
    fold = np.sum if ord == "nuc" else np.max if ord == 2 else np.min
    found = fold(np.linalg.svdvals(np.moveaxis(x, axes, (-2, -1))), axis=-1)
    return np.expand_dims(found, axes) if keepdims else found


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    axes = axes_of(x, axis)
    if len(axes) == 1 or (ord is None and axis is None):
        return np.linalg.vector_norm(x, axis=axes, keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) != 2:
        raise UnsupportedError(
            "np.linalg.norm", got=f"{len(axes)} axes", expected="1 of vectors or 2 of matrices"
        )
    return _matrix_norm(x, axes, ord, keepdims)


defvjp(np.linalg.vector_norm, _vector_norm, bind=_bind_vector_norm)
COMPOSED[np.linalg.norm] = _norm
COMPOSED[np.linalg.matrix_norm] = lambda x, /, *, keepdims=False, ord="fro": _norm(
    x, ord, (-2, -1), keepdims
)
