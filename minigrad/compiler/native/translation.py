"""From a call that was taken apart to native work, where its arrays allow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .c_expressions import C_TYPES, REALS, expression
from .normal import Normal
from .operands import Operand
from .work import Location, Lookup, Nest, Product, Reduction, Statement, Work

# products that are large in every direction BLAS multiplies as fast, and on several threads
MIN_BLAS_LENGTH = 64
MIN_BLAS_TERMS = 1 << 24

JOINED: dict[Any, tuple[str, str]] = {
    np.add: ("{0} + {1}", "0"),
    np.maximum: ("maximum_REAL({0}, {1})", "-INFINITY"),
    np.minimum: ("minimum_REAL({0}, {1})", "INFINITY"),
}
"""For each reduction two terms as one, and what it begins with."""


def translated(call: Normal, given: list[Operand], rounds: tuple[int, ...]) -> Work | None:
    """The work of a call within loops of so many rounds; None where it has no native form.

    given: where its arrays lie.
    """
    if not all(_is_even(x) for x in given):
        return None
    *read, out = given
    translate = NAMED.get(call.kind, _elementwise)
    work = translate(call, read, out)
    if work is None:
        return None
    in_place = isinstance(work, Nest)
    for x in read:
        same = in_place and x.is_view_of(out)
        if not same and not x.is_apart_from(out, rounds):
            return None
    return work


def _is_even(x: Operand) -> bool:
    """Whether the numbers are of a type of C, and lie a whole number of them apart."""
    array = x.array
    if array.dtype not in C_TYPES:
        return False
    return all(stride % array.itemsize == 0 for stride in array.strides)


def _elementwise(call: Normal, read: list[Operand], out: Operand) -> Nest | None:
    dtypes = [x.array.dtype for x in read]
    text = expression(call.kind, dtypes)
    if text is None:
        return None
    return _nest(out, text, read)


def _nest(out: Operand, text: str, read: list[Operand]) -> Nest:
    statement = Statement(out, text, tuple(read))
    return Nest(out.array.shape, (statement,))


def _copy(call: Normal, read: list[Operand], out: Operand) -> Nest | None:
    (x,) = read
    alike = x.array.dtype == out.array.dtype
    reals = x.array.dtype in REALS and out.array.dtype in REALS
    return _nest(out, "{0}", read) if alike or reals else None


def _sigmoid(call: Normal, read: list[Operand], out: Operand) -> Nest | None:
    (x,) = read
    if x.array.dtype not in REALS or out.array.dtype != x.array.dtype:
        return None
    return _nest(out, f"sigmoid_{C_TYPES[out.array.dtype]}({{0}})", read)


def _where(call: Normal, read: list[Operand], out: Operand) -> Nest | None:
    condition, *branches = read
    if condition.array.dtype != bool:
        return None
    if not all(x.array.dtype in REALS for x in branches):
        return None
    return _nest(out, "{0} ? {1} : {2}", read)


def _product(call: Normal, read: list[Operand], out: Operand) -> Work | None:
    a, b = read
    dtypes = {x.array.dtype for x in (a, b, out)}
    one_real = len(dtypes) == 1 and out.array.dtype in REALS
    if not one_real or not out.array.size or not a.array.size:
        return None
    if a.array.ndim == 2 and b.array.ndim == 1:
        return _matrix_times_vector(a, b, out)
    if min(a.array.ndim, b.array.ndim) < 2 or _is_for_blas(a, out):
        return None
    *_, across, along = out.array.strides
    if abs(along) > abs(across) and out.array.shape[-1] > 1:
        # C^T = B^T A^T: the numbers of a row of the result lie side by side
        return Product(_turned(b), _turned(a), _turned(out))
    return Product(a, b, out)


def _is_for_blas(a: Operand, out: Operand) -> bool:
    *_, m, n = out.array.shape
    k = a.array.shape[-1]
    terms: int = m * k * n
    return min(m, k, n) >= MIN_BLAS_LENGTH and terms >= MIN_BLAS_TERMS


def _turned(x: Operand) -> Operand:
    return Operand(x.array.swapaxes(-1, -2), x.steps)


def _matrix_times_vector(a: Operand, b: Operand, out: Operand) -> Reduction:
    shape = a.array.shape
    row = Operand(np.broadcast_to(b.array, shape), b.steps)
    column = np.broadcast_to(out.array[:, np.newaxis], shape)
    statement = Statement(Operand(column, out.steps), "{0} * {1}", (a, row))
    return Reduction(shape, statement, *JOINED[np.add])


def _reduction(call: Normal, read: list[Operand], out: Operand) -> Reduction | None:
    (x,) = read
    ufunc, axes, keepdims = call.rest
    if x.array.dtype not in REALS or out.array.dtype != x.array.dtype or not x.array.size:
        return None
    kept = out.array if keepdims else np.expand_dims(out.array, axes)
    repeated = np.broadcast_to(kept, x.array.shape)
    statement = Statement(Operand(repeated, out.steps), "{0}", (x,))
    joined, neutral = JOINED[ufunc]
    joined = joined.replace("REAL", C_TYPES[x.array.dtype])
    return Reduction(x.array.shape, statement, joined, neutral)


def _look_up(call: Normal, read: list[Operand], out: Operand) -> Lookup | None:
    x, places = read
    (operator,) = call.rest
    table, numbers = (x, out) if operator == "=" else (out, x)
    if x.array.dtype != out.array.dtype or table.array.ndim > 2 or not numbers.array.size:
        return None
    return Lookup(table, places, numbers, operator)


def _locate(call: Normal, read: list[Operand], out: Operand) -> Location:
    labels, starts = read
    return Location(labels, starts, out, *call.rest)


Translate = Callable[[Normal, list[Operand], Operand], Work | None]
NAMED: dict[Any, Translate] = {
    "copy": _copy,
    "where": _where,
    "sigmoid": _sigmoid,
    "product": _product,
    "reduce": _reduction,
    "look up": _look_up,
    "locate": _locate,
}
"""What is no ufunc."""
