"""Products: of matrices (matmul), of all pairs (outer, kron), of vectors (cross)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

# A ufunc's outer product needs the rows of all ufuncs.
from . import elementwise, transcendental  # noqa: F401
from .compositions import COMPOSED
from .linalg import mt
from .table import OPS, Fn, Op, Templates, defvjp, letter


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
        return a * g if b.ndim == 1 else a[:, None] * g[..., None, :]
    if b.ndim == 1:
        return np.sum(a * g[..., None], axis=tuple(range(a.ndim - 1)))
    if a.ndim > b.ndim == 2:
        # One matrix for a whole batch: one product instead of a batch of them and a sum.
        rows = math.prod(a.shape[:-1])
        all_a = np.reshape(a, (rows, a.shape[-1]))
        all_g = np.reshape(g, (rows, g.shape[-1]))
        return all_a.T @ all_g
    return mt(a) @ g


def _matmul_says(n: Any) -> Templates:
    a_is_vector, b_is_vector = [x.ndim == 1 for x in n.inputs]
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
    first = np.reshape(xs[0], (-1, xs[0].shape[-1]))
    last = np.reshape(xs[-1], (xs[-1].shape[0], -1))
    transposed = [x.T for x in (first, *xs[1:-1], last)]
    g = np.reshape(g, (first.shape[0], last.shape[1]))
    contributions = []
    for i, x in enumerate(xs):
        factors = [*transposed[:i][::-1], g, *transposed[i + 1 :][::-1]]
        contributions.append(np.reshape(np.linalg.multi_dot(factors), x.shape))
    return contributions


def _multi_dot_says(n: Any) -> Templates:
    count = len(n.inputs)
    names = [f"{{{letter(i, count)}}}ᵀ" for i in range(count)]
    sentences = []
    for i in range(count):
        factors = [*names[:i][::-1], "{g}", *names[i + 1 :][::-1]]
        sentences.append(" · ".join(factors))
    return tuple(sentences)


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
COMPOSED[np.linalg.matmul] = lambda a, b, /: np.matmul(a, b)


# --- of all pairs ---------------------------------------------------------------------------------
def _outer(a: Any, b: Any) -> Any:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


def _outer_of(fn: np.ufunc) -> Fn:
    """A ufunc's ``outer``: every element of a with every element of b."""

    def outer(a: Any, b: Any) -> Any:
        axes_for_b = (1,) * np.ndim(b)
        return fn(np.reshape(a, np.shape(a) + axes_for_b), b)

    return outer


def _is_elementwise_of_two(fn: Fn, op: Op) -> bool:
    if not isinstance(fn, np.ufunc) or fn.signature is not None:
        return False
    return fn.nin == 2 and any(op.rules)


def _kron(a: Any, b: Any) -> Any:
    """Every element of a times all of b: an axis of a and one of b side by side, then as one."""
    ndim = max(np.ndim(a), np.ndim(b))
    shape_a = (1,) * (ndim - np.ndim(a)) + np.shape(a)
    shape_b = (1,) * (ndim - np.ndim(b)) + np.shape(b)
    blocks = np.reshape(a, [k for n in shape_a for k in (n, 1)])
    entries = np.reshape(b, [k for n in shape_b for k in (1, n)])
    return np.reshape(blocks * entries, [n * m for n, m in zip(shape_a, shape_b, strict=True)])


COMPOSED[np.outer] = _outer
COMPOSED[np.kron] = _kron
COMPOSED |= {fn.outer: _outer_of(fn) for fn, op in OPS.items() if _is_elementwise_of_two(fn, op)}


# --- of vectors -----------------------------------------------------------------------------------
def _vecdot(a: Any, b: Any, axis: int = -1, keepdims: bool = False) -> Any:
    a = np.moveaxis(a, axis, -1)
    b = np.moveaxis(b, axis, -1)
    y = np.matmul(a[..., None, :], b[..., None])[..., 0, 0]
    return np.expand_dims(y, axis) if keepdims else y


def _matvec(a: Any, x: Any) -> Any:
    return np.matmul(a, np.expand_dims(x, -1))[..., 0]


def _vecmat(x: Any, a: Any) -> Any:
    return np.matmul(np.expand_dims(x, -2), a)[..., 0, :]


def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a = np.moveaxis(a, axisa, -1)
    b = np.moveaxis(b, axisb, -1)
    if not a.shape[-1] == b.shape[-1] == 3:
        got = f"vectors of {a.shape[-1]} and {b.shape[-1]} elements"
        remedy = "Of two: a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]"
        raise UnsupportedError("np.cross", got=got, expected="3 wanted", remedy=remedy)
    parts = []
    for i in range(3):
        # Counted in a circle: the two coordinates after i are i - 2 and i - 1.
        part = a[..., i - 2] * b[..., i - 1] - a[..., i - 1] * b[..., i - 2]
        parts.append(part)
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


COMPOSED |= {
    np.vecdot: _vecdot,
    np.linalg.vecdot: lambda a, b, /, *, axis=-1: _vecdot(a, b, axis),
    np.cross: _cross,
    np.linalg.cross: lambda a, b, /, *, axis=-1: np.cross(a, b, axis=axis),
}
# NumPy 2.2 added these.
if hasattr(np, "matvec"):
    COMPOSED |= {np.matvec: _matvec, np.vecmat: _vecmat}
