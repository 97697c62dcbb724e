"""VJPs of products and inverses: matmul, dot, einsum, multi_dot, inv, det, solve, and the array API's names."""

from __future__ import annotations

import math
import operator
import string
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.errors import ShapeError, UnsupportedError

from .table import COMPOSED, Rule, defvjp


def _matmul_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == b.ndim == 2:
        return g @ b.T
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        return (b @ g[..., None])[..., 0]
    return g @ np.swapaxes(b, -1, -2)


def _matmul_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == b.ndim == 2:
        return a.T @ g
    if a.ndim == 1:
        return a * g if b.ndim == 1 else a[:, None] * g[..., None, :]
    if b.ndim == 1:
        return np.sum(a * g[..., None], axis=tuple(range(a.ndim - 1)))
    if (
        a.ndim > b.ndim == 2
    ):  # one matrix for a whole batch: one product instead of a batch of them and a sum
        rows = math.prod(a.shape[:-1])
        return np.reshape(a, (rows, a.shape[-1])).T @ np.reshape(g, (rows, g.shape[-1]))
    return np.swapaxes(a, -1, -2) @ g


defvjp(np.matmul, _matmul_a, _matmul_b)


def mt(x: Any) -> Any:
    """Each matrix transposed."""
    return np.swapaxes(x, -1, -2)


def _solve_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    back = _solve_b(g, y, a, b)
    return -back[..., None] * y[..., None, :] if b.ndim == 1 else -back @ mt(y)


def _solve_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    return (
        np.linalg.solve(mt(a), g[..., None])[..., 0] if b.ndim == 1 else np.linalg.solve(mt(a), g)
    )


# Source: Giles 2008, "Collected matrix derivative results for forward and reverse mode".
defvjp(np.linalg.inv, lambda g, y, x: -mt(y) @ g @ mt(y))
defvjp(np.linalg.det, lambda g, y, x: (g * y)[..., None, None] * mt(np.linalg.inv(x)))
defvjp(np.linalg.solve, _solve_a, _solve_b)


def _matrix_power(a: Any, n: int) -> Any:
    """By squaring."""
    if a.shape[-1:] != a.shape[-2:-1]:
        raise ShapeError("matrix_power", got=f"{a.shape}", expected="square matrices wanted")
    x, n = (np.linalg.inv(a) if n < 0 else a), abs(operator.index(n))
    if n == 0:
        return np.where(True, np.eye(x.shape[-1], dtype=x.dtype), x)
    power = None
    while n:
        if n % 2:
            power = x if power is None else power @ x
        n //= 2
        x = x @ x if n else x
    return power


COMPOSED[np.linalg.matrix_power] = _matrix_power


def _multi_dot(g: Any, y: Any, *xs: Any) -> list[Any]:
    """The same product with the cotangent in each operand's place, the others transposed and in reverse."""
    first, last = (
        np.reshape(xs[0], (-1, xs[0].shape[-1])),
        np.reshape(xs[-1], (xs[-1].shape[0], -1)),
    )
    turned = [x.T for x in (first, *xs[1:-1], last)]
    g = np.reshape(g, (first.shape[0], last.shape[1]))
    return [
        np.reshape(np.linalg.multi_dot([*turned[:i][::-1], g, *turned[i + 1 :][::-1]]), x.shape)
        for i, x in enumerate(xs)
    ]


def _bind_multi_dot(arrays: Any, **keywords: Any) -> tuple[Any, dict[str, Any]]:
    if any(np.ndim(x) > 2 for x in arrays):
        raise UnsupportedError(
            "np.linalg.multi_dot", got="stacks of matrices", remedy="Write a @ b"
        )
    return arrays, keywords


defvjp(
    np.linalg.multi_dot,
    joint=_multi_dot,
    bind=_bind_multi_dot,
    call=lambda *xs: np.linalg.multi_dot(xs),
)


# --- the array API's names: matrices are the last two axes ------------------------------------------------------------
def _vecdot(a: Any, b: Any, axis: int = -1, keepdims: bool = False) -> Any:
    a, b = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
    y = np.matmul(a[..., None, :], b[..., None])[..., 0, 0]
    return np.expand_dims(y, axis) if keepdims else y


def _matvec(a: Any, x: Any) -> Any:
    return np.matmul(a, np.expand_dims(x, -1))[..., 0]


def _vecmat(x: Any, a: Any) -> Any:
    return np.matmul(np.expand_dims(x, -2), a)[..., 0, :]


_SINCE_2_2 = {"matvec": _matvec, "vecmat": _vecmat}
COMPOSED |= {getattr(np, name): fn for name, fn in _SINCE_2_2.items() if hasattr(np, name)}
COMPOSED |= {
    np.vecdot: _vecdot,
    np.matrix_transpose: lambda x, /: mt(x),
    np.linalg.matrix_transpose: lambda x, /: mt(x),
    np.linalg.cross: lambda a, b, /, *, axis=-1: np.cross(a, b, axis=axis),
    np.linalg.diagonal: lambda x, /, *, offset=0: np.diagonal(x, offset, -2, -1),
    np.linalg.trace: lambda x, /, *, offset=0: np.trace(x, offset, -2, -1),
    np.linalg.matmul: lambda a, b, /: np.matmul(a, b),
    np.linalg.outer: lambda a, b, /: np.einsum("i,j->ij", a, b),
    np.linalg.tensordot: lambda a, b, /, *, axes=2: np.tensordot(a, b, axes),
    np.linalg.vecdot: lambda a, b, /, *, axis=-1: _vecdot(a, b, axis),
}


# --- contractions ---------------------------------------------------------------------------------------------------
def agree(n: int, m: int) -> None:
    """Refuse to sum n products of m factors: einsum would broadcast a 1."""
    if n != m:
        raise ValueError(f"shapes not aligned: {n} != {m}")


def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    if np.ndim(b) <= 2:
        return a @ b
    agree(np.shape(a)[-1], np.shape(b)[-2])
    rows, columns = (
        string.ascii_lowercase[: np.ndim(a) - 1],
        string.ascii_uppercase[: np.ndim(b) - 2],
    )
    return np.einsum(f"{rows}z,{columns}zY->{rows}{columns}Y", a, b)


COMPOSED[np.dot] = _dot


def explicit(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """Spell an einsum out: one string of letters per operand and one for the result, ellipses replaced by letters.

    Source: the Einstein summation conventions of numpy.einsum's documentation.
    """
    left, arrow, out = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    spare = [c for c in string.ascii_letters if c not in subscripts]
    widest = max(
        (n - len(t) + 3 for t, n in zip(terms, ndims, strict=True) if "..." in t), default=0
    )
    dots = "".join(spare[:widest])
    letters = "".join(terms).replace(".", "")
    if not arrow:
        out = "..." * ("..." in left) + "".join(
            sorted(c for c in set(letters) if letters.count(c) == 1)
        )
    spelled = [
        t.replace("...", dots[widest - (n - len(t) + 3) :]) if "..." in t else t
        for t, n in zip(terms, ndims, strict=True)
    ]
    return spelled, out.replace("...", dots)


def long_letters(terms: list[str], xs: Sequence[Any]) -> set[str]:
    """The letters against which an operand's axis of 1 is broadcast: those of an axis of another length."""
    return {
        c
        for term, x in zip(terms, xs, strict=True)
        for c, n in zip(term, x.shape, strict=True)
        if n != 1
    }


def _einsum(i: int) -> Rule:
    """The VJP for operand i: the same contraction with the cotangent in that operand's place."""

    def rule(g: Any, y: Any, *xs: Any, subscripts: str, optimize: Any = False) -> Any:
        terms, out = explicit(subscripts, [x.ndim for x in xs])
        spare = (c for c in string.ascii_letters if c not in "".join(terms))
        others = [(t, x) for j, (t, x) in enumerate(zip(terms, xs, strict=True)) if j != i]
        target, eyes = _diagonals(terms[i], xs[i], spare)
        sources = [(out, g), *others, *eyes]
        letters = "".join(t for t, _ in sources)
        long = long_letters(terms, xs)
        # A letter of this operand alone has no source. An axis of 1 is summed over what it was broadcast against.
        lengths = zip(target, xs[i].shape, strict=True)
        kept = "".join(c for c, n in lengths if c in letters and (n != 1 or c not in long))
        contribution = np.einsum(
            ",".join(t for t, _ in sources) + "->" + kept, *(x for _, x in sources)
        )
        ones = tuple(k for k, c in enumerate(target) if c not in kept)
        return np.expand_dims(contribution, ones) if ones else contribution

    return rule


def _diagonals(term: str, x: Any, spare: Iterator[str]) -> tuple[str, list[tuple[str, Any]]]:
    """Rename a letter's repetitions and tie each to the first by an identity matrix: 'ii' -> 'ij' with eye 'ij'."""
    target, eyes = "", []
    for size, c in zip(x.shape, term, strict=True):
        fresh = next(spare) if c in target else c
        if fresh != c:
            eyes.append((c + fresh, np.eye(size, dtype=x.dtype)))
        target += fresh
    return target, eyes


def _bind_einsum(subscripts: Any, *xs: Any, **keywords: Any) -> tuple[Any, dict[str, Any]]:
    if not isinstance(subscripts, str):
        raise UnsupportedError(
            "einsum", got="operands with index lists", expected="write einsum('ij,jk->ik', a, b)"
        )
    return xs, {"subscripts": subscripts, **keywords}


defvjp(
    np.einsum,
    *(_einsum(i) for i in range(64)),  # NumPy's limit
    bind=_bind_einsum,
    call=lambda *xs, subscripts, **kw: np.einsum(subscripts, *xs, **kw),
)
