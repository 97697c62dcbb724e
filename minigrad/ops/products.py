"""Products: of matrices (matmul), of all pairs (outer, kron), of vectors (cross)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

# A ufunc's outer product needs the rows of all ufuncs.
from . import elementwise, transcendental  # noqa: F401
from .compositions import COMPOSED
from .contractions import check_lengths
from .linalg import mt
from .table import OPS, Fn, Templates, defvjp, letter


# --- of matrices ----------------------------------------------------------------------------------
def _matmul_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    """g bᵀ; a vector for b or a leaves out the axis that NumPy left out."""
    if a.ndim == b.ndim == 2:
        return g @ b.T
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        return (b @ g[..., None])[..., 0]
    return g @ mt(b)


def _matmul_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    """aᵀ g, likewise."""
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
    rows = math.prod(batch.shape[:-1])
    return np.reshape(batch, (rows, batch.shape[-1]))


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
    first = np.reshape(first, (-1, first.shape[-1]))
    last = np.reshape(last, (last.shape[0], -1))
    transposed = [x.T for x in (first, *middle, last)]
    g = np.reshape(g, (first.shape[0], last.shape[1]))
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
    factors = [_around("{g}", names, i) for i in range(count)]
    return tuple(map(" · ".join, factors))


def _bind_multi_dot(arrays: Any, **keywords: Any) -> tuple[Any, dict[str, Any]]:
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


COMPOSED[np.linalg.matmul] = _linalg_matmul


# --- of all pairs ---------------------------------------------------------------------------------
def _outer(a: Any, b: Any) -> Any:
    column = np.reshape(a, (-1, 1))
    return column * np.reshape(b, (1, -1))


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
    for n, m in zip(_padded_shape(a, ndim), _padded_shape(b, ndim), strict=True):
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
UFUNCS = [fn for fn, op in OPS.items() if isinstance(fn, np.ufunc) and any(op.rules)]
for ufunc in UFUNCS:
    if ufunc.nin == 2 and ufunc.signature is None:
        COMPOSED[ufunc.outer] = _outer_of(ufunc)


# --- of vectors -----------------------------------------------------------------------------------
def _vecdot(
    a: Any,
    b: Any,
    axis: int = -1,
    keepdims: bool = False,
) -> Any:
    a = np.moveaxis(a, axis, -1)
    b = np.moveaxis(b, axis, -1)
    y = np.matmul(a[..., None, :], b[..., None])
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
