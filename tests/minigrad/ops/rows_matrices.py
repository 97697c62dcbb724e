"""The rows of inverses, decompositions, norms and diagonals of matrices."""

import numpy as np

from minigrad.ops import decompositions, linalg
from tests.minigrad.ops.strategies import of_shape, together


def solved(a, b):
    """A system that is far from singular."""
    return np.linalg.solve(a + 6 * np.eye(a.shape[-1], dtype=a.dtype), b)


def apart(x):
    """Matrices whose columns and singular values are far from each other and from 0."""
    m, n = x.shape[-2:]
    return x / 8 + np.eye(m, n, dtype=x.dtype) * np.arange(2, 2 * n + 1, 2, dtype=x.dtype)


def definite(x):
    """Symmetric matrices whose eigenvalues are far from each other and above 0."""
    return (apart(x) + np.swapaxes(apart(x), -1, -2)) / 2


def mixed(x):
    """The same with eigenvalues of both signs."""
    return definite(x) * np.array([[1, 1, -1], [1, 1, 1], [-1, 1, -1]], x.dtype)


def deficient(x):
    """Matrices of rank 2, whatever x is."""
    return apart(x)[..., :2] @ (x[..., :2, :] / 4 + np.eye(2, x.shape[-1], dtype=x.dtype))


def packed(u, s, *vh):
    """The results of a decomposition as one array, the vectors with signs that do not depend on the algorithm."""
    vectors = [u, *(np.swapaxes(v, -1, -2) for v in vh)]
    return np.concatenate(
        [s[..., None, :], *(v * np.sign(np.sum(v, -2, keepdims=True)) for v in vectors)], axis=-2
    )


MATRICES = [
    (np.linalg.slogdet, "", lambda x: np.linalg.slogdet(apart(x))[1], (2, 3, 3)),
    (
        np.linalg.slogdet,
        "negative",
        lambda x: np.prod(np.stack(np.linalg.slogdet(-apart(x))), axis=0),
        (3, 3),
    ),
    (linalg.slogdet, "", lambda x: linalg.slogdet(apart(x)), (2, 2)),
    (linalg.cofactors, "", lambda x: linalg.cofactors(apart(x) / 4), (2, 3, 3)),
    (np.linalg.pinv, "tall", lambda x: np.linalg.pinv(apart(x)), (2, 3, 2)),
    (np.linalg.pinv, "wide", lambda x: np.linalg.pinv(apart(x)), (2, 3)),
    (np.linalg.pinv, "square", lambda x: np.linalg.pinv(apart(x), rcond=None), (3, 3)),
    (np.linalg.pinv, "rank 2", lambda x: np.linalg.pinv(deficient(x), rtol=None), (4, 3)),
    (np.linalg.pinv, "hermitian", lambda x: np.linalg.pinv(definite(x), hermitian=True), (2, 3, 3)),
    (np.linalg.cholesky, "", lambda x: np.linalg.cholesky(definite(x)), (2, 3, 3)),
    (np.linalg.cholesky, "upper", lambda x: np.linalg.cholesky(definite(x), upper=True), (3, 3)),
    *(
        (fn, "", lambda x: packed(*np.linalg.eigh(mixed(x))[::-1]), (2, 3, 3))
        for fn in (decompositions.eigh, decompositions.eigenvalues, np.linalg.eigh)
    ),
    (np.linalg.eigh, "U", lambda x: packed(*np.linalg.eigh(mixed(x), UPLO="U")[::-1]), (3, 3)),
    (np.linalg.eigh, "values", lambda x: np.linalg.eigh(mixed(x)).eigenvalues, (3, 3)),
    (np.linalg.eigvalsh, "", lambda x: np.linalg.eigvalsh(mixed(x)), (2, 3, 3)),
    (np.linalg.eigvalsh, "U", lambda x: np.linalg.eigvalsh(mixed(x), "U"), (3, 3)),
    *(
        (fn, "", lambda x: packed(*np.linalg.svd(apart(x))), (2, 3, 3))
        for fn in (decompositions.svd, decompositions.singular_values, np.linalg.svd)
    ),
    (
        np.linalg.svd,
        "tall",
        lambda x: packed(*np.linalg.svd(apart(x), full_matrices=False)),
        (2, 3, 2),
    ),
    (np.linalg.svd, "wide", lambda x: packed(*np.linalg.svd(apart(x), False)), (2, 4)),
    (np.linalg.svd, "values", lambda x: np.linalg.svd(apart(x), compute_uv=False), (2, 3)),
    (
        np.linalg.svd,
        "hermitian",
        lambda x: packed(*np.linalg.svd(mixed(x), hermitian=True)),
        (2, 3, 3),
    ),
    (
        np.linalg.svd,
        "hermitian values",
        lambda x: np.linalg.svd(mixed(x), True, False, True),
        (3, 3),
    ),
    (np.linalg.svdvals, "", lambda x: np.linalg.svdvals(apart(x)), (2, 2, 3)),
    *(
        (
            np.linalg.matrix_power,
            str(n),
            lambda x, n=n: np.linalg.matrix_power(apart(x) / 4, n),
            (2, 2, 2),
        )
        for n in (-2, -1, 0, 1, 2, 3, 6)
    ),
    (np.linalg.norm, "", np.linalg.norm, (2, 3, 2)),
    (np.linalg.norm, "keepdims", lambda x: np.linalg.norm(x, keepdims=True), (2, 3)),
    (np.linalg.norm, "number", np.linalg.norm, ()),
    *(
        (np.linalg.norm, f"vector {p}", lambda x, p=p: np.linalg.norm(x, p), (4,))
        for p in (None, 1, 2, 3, 2.5, 0.5, -1, -2, -0.5, np.inf, -np.inf)
    ),
    *(
        (
            np.linalg.norm,
            f"vectors {p}",
            lambda x, p=p: np.linalg.norm(x, p, axis=0, keepdims=True),
            (3, 2),
        )
        for p in (None, 1, 2, 3, np.inf)
    ),
    *(
        (np.linalg.norm, f"matrix {p}", lambda x, p=p: np.linalg.norm(apart(x), p), (2, 3))
        for p in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    ),
    *(
        (
            np.linalg.norm,
            f"matrices {p}",
            lambda x, p=p: np.linalg.norm(np.moveaxis(apart(x), -1, 0), p, axis=(2, 0)),
            (2, 3, 2),
        )
        for p in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    ),
    *(
        (
            np.linalg.norm,
            f"matrices {p}, keepdims",
            lambda x, p=p: np.linalg.norm(apart(x), p, (-2, -1), True),
            (2, 2, 3),
        )
        for p in (None, "nuc", 1, np.inf)
    ),
    (np.linalg.vector_norm, "", np.linalg.vector_norm, (2, 3)),
    (
        np.linalg.vector_norm,
        "axes",
        lambda x: np.linalg.vector_norm(x, axis=(2, 0), keepdims=True, ord=3),
        (2, 3, 2),
    ),
    (np.linalg.vector_norm, "inf", lambda x: np.linalg.vector_norm(x, axis=1, ord=np.inf), (2, 3)),
    (np.linalg.matrix_norm, "", np.linalg.matrix_norm, (2, 3, 2)),
    (
        np.linalg.matrix_norm,
        "2",
        lambda x: np.linalg.matrix_norm(apart(x), ord=2, keepdims=True),
        (2, 3, 2),
    ),
    (np.matrix_transpose, "", np.matrix_transpose, (2, 3, 2)),
    (np.linalg.matrix_transpose, "", np.linalg.matrix_transpose, (2, 3, 2)),
    (np.linalg.diagonal, "", lambda x: np.linalg.diagonal(x, offset=1), (2, 3, 4)),
    (np.linalg.trace, "", lambda x: np.linalg.trace(x, offset=-1), (2, 3, 3)),
]


OF_ONE_ARRAY = [
    (np.diagonal, "", lambda x: np.diagonal(x, 1, 0, 2), (2, 3, 4)),
    (np.diagonal, "below", lambda x: np.diagonal(x, -1), (3, 3)),
    (np.trace, "", np.trace, (3, 3)),
    (np.trace, "offset", lambda x: np.trace(x, 1, 1, 2), (2, 3, 3)),
    (np.diag, "take", lambda x: np.diag(x, -1), (3, 3)),
    (np.diag, "make", np.diag, (3,)),
    (np.diag, "above", lambda x: np.diag(x, 2), (3,)),
    (np.diag, "below", lambda x: np.diag(x, -1), (3,)),
    (np.tril, "", np.tril, (3, 3)),
    (np.triu, "", lambda x: np.triu(x, -1), (2, 3, 4)),
]
LINEAR_ALGEBRA = [
    (
        np.linalg.inv,
        "",
        of_shape(lambda x: np.linalg.inv(x + 6 * np.eye(3, dtype=x.dtype)), (2, 3, 3)),
    ),
    (
        np.linalg.det,
        "",
        of_shape(lambda x: np.linalg.det(x / 4 + 1.5 * np.eye(3, dtype=x.dtype)), (2, 3, 3)),
    ),
    (np.linalg.solve, "", together(solved, (3, 3), (2, 3, 2))),
    (np.linalg.solve, "vector", together(solved, (3, 3), (3,))),
    (np.linalg.solve, "vector, batch", together(solved, (2, 2, 2), (2,))),
    *((fn, name, of_shape(call, shape)) for fn, name, call, shape in OF_ONE_ARRAY),
    *((fn, name, of_shape(call, shape)) for fn, name, call, shape in MATRICES),
]
