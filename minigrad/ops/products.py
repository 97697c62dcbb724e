"""Products: of matrices (matmul, multi_dot, dot, inner), and of all pairs (outer, kron)."""

from __future__ import annotations

import math
import string
from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

# A ufunc's outer product needs the rows of all ufuncs.
from . import elementwise, transcendental  # noqa: F401
from .compositions import COMPOSED
from .contractions import LETTERS_OF_A, LETTERS_OF_B, check_lengths
from .linalg import mt
from .table import OPS, Fn, Templates, defvjp, letter


# --- of matrices ----------------------------------------------------------------------------------
def _in_memory(g: Any) -> Any:
    """g, or a copy where it is a look at fewer elements, as a sum sends it.

    Before 2.3 NumPy keeps such an operand away from BLAS, and the product takes many times as long.
    """
    if type(g) is np.ndarray and 0 in g.strides:
        return np.ascontiguousarray(g)
    return g


def _matmul_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    """g bᵀ; a vector for b or a leaves out the axis that NumPy left out."""
    g = _in_memory(g)
    if a.ndim == b.ndim == 2:
        return g @ b.T
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        return (b @ g[..., None])[..., 0]
    return g @ mt(b)


def _matmul_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    """aᵀ g, likewise."""
    g = _in_memory(g)
    if a.ndim == b.ndim == 2:
        return a.T @ g
    if a.ndim == 1:
        if b.ndim == 1:
            return a * g
        return a[:, None] * g[..., None, :]
    if b.ndim == 1:
        batch_axes = tuple(range(a.ndim - 1))
        return np.sum(a * g[..., None], axis=batch_axes)
    if a.ndim > b.ndim == 2:
        # One matrix for a whole batch: one product instead of a batch of them and a sum.
        return _as_matrix(a).T @ _as_matrix(g)
    return mt(a) @ g


def _as_matrix(batch: Any) -> Any:
    """All rows of a batch below each other."""
    *batch_shape, columns = batch.shape
    rows = math.prod(batch_shape)
    return np.reshape(batch, (rows, columns))


def _matmul_says(n: Any) -> Templates:
    a, b = n.inputs
    a_is_vector = a.ndim == 1
    b_is_vector = b.ndim == 1
    if a_is_vector and b_is_vector:
        return "{g} ⊙ {b}", "{g} ⊙ {a}"
    if a_is_vector:
        return "{b} · {g}", "{a} ⊗ {g}"
    if b_is_vector:
        return "{g} ⊗ {b}", "{a}ᵀ · {g}"
    return "{g} · {b}ᵀ", "{a}ᵀ · {g}"


def _multi_dot(g: Any, y: Any, *xs: Any) -> list[Any]:
    """The product with g in each operand's place, the others transposed and in reverse."""
    # A vector in front is a row, one at the end a column.
    first, *middle, last = xs
    first = first if first.ndim == 2 else first[None]
    last = last if last.ndim == 2 else last[:, None]
    matrices = (first, *middle, last)
    transposed = [x.T for x in matrices]
    matrix_shape = first.shape[0], last.shape[1]
    g = np.reshape(g, matrix_shape)
    contributions = []
    for i, x in enumerate(xs):
        factors = _around(g, transposed, i)
        back = np.linalg.multi_dot(factors)
        contributions.append(np.reshape(back, x.shape))
    return contributions


def _around(middle: Any, factors: list[Any], i: int) -> list[Any]:
    """Those before factor i in reverse, what takes its place, those behind it in reverse."""
    before = reversed(factors[:i])
    behind = reversed(factors[i + 1 :])
    return [*before, middle, *behind]


def _multi_dot_says(n: Any) -> Templates:
    count = len(n.inputs)
    names = [f"{{{letter(i, count)}}}ᵀ" for i in range(count)]
    products = [_around("{g}", names, i) for i in range(count)]
    return tuple(map(" · ".join, products))


def _bind_multi_dot(arrays: Any, **keywords: Any) -> Any:
    if any(np.ndim(x) > 2 for x in arrays):
        got = "stacks of matrices"
        raise UnsupportedError("np.linalg.multi_dot", got=got, remedy="Write a @ b")
    return arrays, keywords


defvjp(np.matmul, _matmul_a, _matmul_b, says=_matmul_says)
defvjp(
    np.linalg.multi_dot,
    joint=_multi_dot,
    bind=_bind_multi_dot,
    call=lambda *xs: np.linalg.multi_dot(xs),
    says=_multi_dot_says,
)


def _linalg_matmul(a: Any, b: Any, /) -> Any:
    return np.matmul(a, b)


def _dot(a: Any, b: Any) -> Any:
    if 0 in (np.ndim(a), np.ndim(b)):
        return a * b
    if np.ndim(b) <= 2:
        return a @ b
    check_lengths(a, -1, b, -2)
    rows = string.ascii_lowercase[: np.ndim(a) - 1]
    columns = string.ascii_uppercase[: np.ndim(b) - 2]
    return np.einsum(f"{rows}z,{columns}zY->{rows}{columns}Y", a, b)


def _inner(a: Any, b: Any) -> Any:
    if 0 in (np.ndim(a), np.ndim(b)):
        return a * b
    check_lengths(a, -1, b, -1)
    rows = LETTERS_OF_A[: np.ndim(a) - 1]
    columns = LETTERS_OF_B[: np.ndim(b) - 1]
    return np.einsum(f"{rows}z,{columns}z->{rows}{columns}", a, b)


COMPOSED |= {
    np.dot: _dot,
    np.inner: _inner,
    np.linalg.matmul: _linalg_matmul,
}


# --- of all pairs ---------------------------------------------------------------------------------
def _outer(a: Any, b: Any) -> Any:
    column = np.reshape(a, (-1, 1))
    row = np.reshape(b, (1, -1))
    return column * row


def _outer_of(fn: np.ufunc) -> Fn:
    """A ufunc's ``outer``: every element of a with every element of b."""

    def outer(a: Any, b: Any) -> Any:
        axes_for_b = (1,) * np.ndim(b)
        a = np.reshape(a, np.shape(a) + axes_for_b)
        return fn(a, b)

    return outer


def _kron(a: Any, b: Any) -> Any:
    """Every element of a times all of b: an axis of a and one of b side by side, then as one."""
    ndim = max(np.ndim(a), np.ndim(b))
    shape_of_blocks = []
    shape_of_entries = []
    shape = []
    shape_a = _padded_shape(a, ndim)
    shape_b = _padded_shape(b, ndim)
    for n, m in zip(shape_a, shape_b, strict=True):
        shape_of_blocks += [n, 1]
        shape_of_entries += [1, m]
        shape.append(n * m)
    blocks = np.reshape(a, shape_of_blocks)
    entries = np.reshape(b, shape_of_entries)
    return np.reshape(blocks * entries, shape)


def _padded_shape(x: Any, ndim: int) -> tuple[int, ...]:
    """The shape with axes of 1 in front."""
    shape: tuple[int, ...] = np.shape(x)
    return (1,) * (ndim - len(shape)) + shape


def _linalg_outer(a: Any, b: Any, /) -> Any:
    return np.einsum("i,j->ij", a, b)


COMPOSED[np.outer] = _outer
COMPOSED[np.linalg.outer] = _linalg_outer
COMPOSED[np.kron] = _kron
UFUNCS = [fn for fn in OPS if isinstance(fn, np.ufunc)]
for ufunc in UFUNCS:
    has_rule = any(OPS[ufunc].rules)
    if has_rule and ufunc.nin == 2 and ufunc.signature is None:
        COMPOSED[ufunc.outer] = _outer_of(ufunc)
