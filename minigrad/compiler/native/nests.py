"""Calls of NumPy as nests of loops over numbers; what has no such form stays a call."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.compiler.emit.kernels import copy_result
from minigrad.compiler.emit.labels import locate_labels, subtract_at
from minigrad.core.array import Array

from .expressions import C_TYPES, REALS, expression
from .operands import Operand

# products that are large in every direction BLAS multiplies as fast, and on several threads
MIN_BLAS_LENGTH = 64
MIN_BLAS_TERMS = 1 << 24


@dataclass(frozen=True, slots=True)
class Statement:
    """out = text, where ``{0}`` in the text stands for the first operand's number."""

    out: Operand
    text: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Nest:
    """Statements for each index of a shape; operands of fewer axes are repeated, as NumPy does.

    reduction: how a result that is read again is joined with what is there; empty for none.
    """

    shape: tuple[int, ...]
    statements: tuple[Statement, ...]
    reduction: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """out = a b, of matrices or stacks of them."""

    a: Operand
    b: Operand
    out: Operand


@dataclass(frozen=True, slots=True)
class Located:
    """locate_labels: the only native work that may refuse what it reads."""

    labels: Operand
    starts: Operand
    out: Operand
    classes: int
    step: int


@dataclass(frozen=True, slots=True)
class Taken:
    """out[i] = flat[places[i]], or flat[places[i]] -= numbers[i]."""

    flat: Operand
    places: Operand
    other: Operand
    adding: bool


Work = Nest | Product | Located | Taken


@dataclass(frozen=True, slots=True)
class Normal:
    """A call with its arrays apart from all else.

    kind: the function, or a name. arrays: the result last. rest: what else it is called with.
    """

    kind: Any
    arrays: tuple[Array, ...]
    rest: tuple[Any, ...] = ()


def normal(call: tuple[Any, tuple[Any, ...]]) -> Normal | None:
    """A call taken apart; None for what has no native form whatever its operands."""
    fn, args = call
    if isinstance(fn, functools.partial):
        return Normal(fn.func, (*args, fn.keywords["out"]))
    if isinstance(fn, np.ufunc) and fn is not np.matmul:
        return Normal(fn, args) if all(isinstance(x, np.ndarray) for x in args) else None
    if fn is np.dot or fn is np.matmul:
        return Normal("product", args)
    if fn is np.copyto:
        out, x, *_ = args
        return Normal("copy", (x, out)) if isinstance(x, np.ndarray) else None
    if fn is copy_result:
        out, function, kwargs, *operands = args
        if function is np.where and not kwargs:
            return Normal("where", (*operands, out))
        return None
    if fn is np.take:
        flat, places, _, out, _ = args
        return Normal("take", (flat, places, out))
    if fn is locate_labels:
        labels, classes, starts, step, out = args
        return Normal("locate", (labels, starts, out), (classes, step))
    if fn is subtract_at:
        return Normal("subtract at", args)
    of = getattr(fn, "__self__", None)
    if isinstance(of, np.ufunc) and fn.__name__ == "reduce" and of in SUMMED:
        x, axes, _, out, keepdims = (*args, False)[:5]
        if axes is None:
            axes = tuple(range(x.ndim))
        if isinstance(axes, int):
            axes = (axes,)
        return Normal("reduce", (x, out), (of, tuple(axes), bool(keepdims)))
    return None


SUMMED = {np.add: "{0} + {1}", np.maximum: "maximum_{real}({0}, {1})", np.minimum: "minimum_{real}({0}, {1})"}


def translated(call: Normal, given: list[Operand], rounds: tuple[int, ...]) -> Work | None:
    """The work of a call in loops of so many rounds; None where it has no native form.

    given: where its arrays lie.
    """
    for x in given:
        if not _is_even(x.array):
            return None
    *read, out = given
    work = _work(call, read, out)
    if work is None:
        return None
    for x in read:
        same = isinstance(work, Nest) and not work.reduction and x.is_view_of(out)
        if not same and not x.is_apart_from(out, rounds) and call.kind != "subtract at":
            return None
    return work


def _is_even(array: Array) -> bool:
    if array.dtype not in C_TYPES:
        return False
    return all(stride % array.itemsize == 0 for stride in array.strides)


def _work(call: Normal, read: list[Operand], out: Operand) -> Work | None:
    kind = call.kind
    if kind == "product":
        return _product(read, out)
    if kind == "reduce":
        return _reduction(read[0], out, *call.rest)
    if kind == "take":
        return Taken(*read, out, adding=False)
    if kind == "subtract at":
        flat, places = read
        return Taken(flat, places, out, adding=True)
    if kind == "locate":
        return Located(*read, out, *call.rest)
    text = _text(kind, read, out)
    if text is None:
        return None
    return Nest(out.array.shape, (Statement(out, text, tuple(read)),))


def _text(kind: Any, read: list[Operand], out: Operand) -> str | None:
    dtypes = [x.array.dtype for x in read]
    if kind == "copy":
        (dtype,) = dtypes
        floats = dtype in REALS and out.array.dtype in REALS
        return "{0}" if floats or dtype == out.array.dtype else None
    if kind == "where":
        condition, *branches = dtypes
        return "{0} ? {1} : {2}" if condition == bool and all(dtype in REALS for dtype in branches) else None
    return expression(kind, dtypes)


def _product(read: list[Operand], out: Operand) -> Work | None:
    a, b = read
    dtype = out.array.dtype
    if dtype not in REALS or a.array.dtype != dtype or b.array.dtype != dtype:
        return None
    if a.array.ndim == 2 and b.array.ndim == 1:
        return _matrix_times_vector(a, b, out)
    if min(a.array.ndim, b.array.ndim) < 2 or not out.array.size or not a.array.size:
        return None
    *_, m, n = out.array.shape
    k = a.array.shape[-1]
    if min(m, k, n) >= MIN_BLAS_LENGTH and m * k * n >= MIN_BLAS_TERMS:
        return None
    across, along = out.array.strides[-2:]
    if abs(along) > abs(across) and n > 1:
        # C^T = B^T A^T: the numbers of a row of the result lie side by side
        return Product(_turned(b), _turned(a), _turned(out))
    return Product(a, b, out)


def _turned(x: Operand) -> Operand:
    return Operand(x.array.swapaxes(-1, -2), x.steps)


def _matrix_times_vector(a: Operand, b: Operand, out: Operand) -> Nest | None:
    m, k = a.array.shape
    row = Operand(np.broadcast_to(b.array, (m, k)), b.steps)
    to = Operand(np.broadcast_to(out.array[:, np.newaxis], (m, k)), out.steps)
    real = C_TYPES[out.array.dtype]
    return Nest((m, k), (Statement(to, "{0} * {1}", (a, row)),), "{0} + {1}")


def _reduction(
    x: Operand, out: Operand, fn: Any, axes: tuple[int, ...], keepdims: bool
) -> Nest | None:
    dtype = x.array.dtype
    if dtype not in REALS or out.array.dtype != dtype or not x.array.size:
        return None
    kept = out.array
    axes = tuple([axis % x.array.ndim for axis in axes])
    if not keepdims:
        kept = np.expand_dims(kept, axes)
    to = Operand(np.broadcast_to(kept, x.array.shape), out.steps)
    joined = SUMMED[fn].replace("{real}", C_TYPES[dtype])
    return Nest(x.array.shape, (Statement(to, "{0}", (x,)),), joined)
