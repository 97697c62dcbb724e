"""From an operation on arrays that lie still to the NumPy calls, with ``out=``, that carry it out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.compiler.capabilities import REDUCTIONS, reduced_axes
from minigrad.compiler.graph import kept
from minigrad.compiler.rewrite.chains import STEP
from minigrad.compiler.rewrite.expand import pick, softmax_minus_one_hot
from minigrad.compiler.strided import same_view, viewed
from minigrad.core.array import Array
from minigrad.errors import ShapeError
from minigrad.ops import OPS, op_name
from minigrad.ops.elementwise import cast

from .labels import pick_calls, softmax_minus_one_hot_calls
from .program import Call

# a sum of fewer terms is no faster as a product with ones
MIN_TERMS_FOR_BLAS = 5


def calls(fn: Any, kwargs: dict[str, Any], args: list[Array], out: Array) -> list[Call]:
    """The calls that write ``fn(*args, **kwargs)`` into out.

    fn: the function of a node. kwargs: its keywords. args: its operands' arrays, read anew by every run of the calls.
    """
    if not out.size:
        return []
    if fn in KERNELS:
        written = KERNELS[fn](args, out)
        if written is not None:
            return written
    if isinstance(fn, np.ufunc) and not kwargs:
        return [_ufunc(fn, args, out)]
    if fn in REDUCTIONS and kwargs.keys() <= {"axis", "keepdims"} and out.dtype == args[0].dtype:
        axes = reduced_axes(kwargs.get("axis"), args[0].ndim)
        return [_reduction(REDUCTIONS[fn], args[0], axes, kwargs.get("keepdims", False), out)]
    if fn in (np.stack, np.concatenate) and kwargs.get("axis", 0) is not None:
        return _joined(fn, kwargs.get("axis", 0), args, out)
    return [call_into(fn, kwargs, args, out)]


def call_into(fn: Any, kwargs: dict[str, Any], args: list[Array], out: Array) -> Call:
    """The call of a function that has no ``out=``: its result is copied."""
    call = OPS[fn].call if fn in OPS else fn
    return copy_result, (out, call, kwargs, *args)


def copy_result(out: Array, fn: Any, kwargs: dict[str, Any], *args: Array) -> None:
    """Copy ``fn(*args, **kwargs)`` into out; refuse a result of another shape than the recorded one."""
    result = np.asarray(fn(*args, **kwargs))
    if result.shape != out.shape:
        got = f"the result was {out.shape} and would be {result.shape}"
        remedy = "Record and compile it anew"
        raise ShapeError(f"plan: {op_name(fn)}", got=got, remedy=remedy)
    out[...] = result


def gemm(a: Array, b: Array, out: Array) -> Call:
    """One matrix product, by BLAS into out or its transpose where it can be."""
    matrices = a.ndim == b.ndim == 2
    if matrices and a.dtype == b.dtype == out.dtype and out.dtype.kind == "f":
        if out.flags.c_contiguous:
            return np.dot, (a, b, out)
        if out.T.flags.c_contiguous:
            return np.dot, (b.T, a.T, out.T)
    return np.matmul, (a, b, out)


def _ufunc(fn: np.ufunc, args: list[Array], out: Array) -> Call:
    if fn in (np.maximum, np.minimum):
        # NumPy deprecates a third positional argument of these two
        return functools.partial(fn, out=out), tuple(args)
    return fn, (*args, out)


def _chain(fn: np.ufunc, terms: list[Array], out: Array) -> list[Call]:
    """Terms one after the other; the one that out lies on comes first."""
    if len(terms) > 2:
        terms = sorted(terms, key=lambda x: not same_view(x, out))
    if len(terms) == 1:
        return [(np.copyto, (out, terms[0]))]
    chained: list[Call] = [(fn, (terms[0], terms[1], out))]
    chained += [(fn, (out, x, out)) for x in terms[2:]]
    return chained


def _reduction(fn: np.ufunc, x: Array, axes: tuple[int, ...], keepdims: bool, out: Array) -> Call:
    """One reduction; a long sum along the first or last axes as a product with ones, which BLAS does faster."""
    axes = tuple(sorted(axes))
    terms = int(np.prod([x.shape[i] for i in axes]))
    real = x.dtype.kind == "f" and x.itemsize > 2
    if fn is np.add and real and 0 < len(axes) < x.ndim and terms >= MIN_TERMS_FOR_BLAS:
        matrix = _rows_to_sum(x, axes, terms)
        if matrix is not None and out.flags.c_contiguous:
            return np.dot, (matrix, np.ones(terms, x.dtype), out.reshape(-1))
    return fn.reduce, (x, axes, None, out, keepdims)


def _rows_to_sum(x: Array, axes: tuple[int, ...], terms: int) -> Array | None:
    """x as a matrix that is summed along its rows, without gaps between numbers; None where it cannot be seen so."""
    if axes == tuple(range(len(axes))):
        flat = viewed(x, (terms, -1))
        matrix = None if flat is None else flat.T
    elif axes == tuple(range(x.ndim - len(axes), x.ndim)):
        matrix = viewed(x, (-1, terms))
    else:
        return None
    if matrix is None or min(matrix.strides) != x.itemsize:
        return None
    return matrix


def _joined(fn: Any, axis: int, args: list[Array], out: Array) -> list[Call]:
    """Copies of all parts to their places; nothing for a part that was written there."""
    copies: list[Call] = []
    start = 0
    for x in args:
        size = 1 if fn is np.stack else x.shape[axis]
        part = np.moveaxis(out, axis, 0)[start : start + size]
        if fn is np.stack:
            part = part[0, ...]
        else:
            part = np.moveaxis(part, 0, axis)
        if not same_view(part, x):
            copies.append((np.copyto, (part, x)))
        start += size
    return copies


def _copied(args: list[Array], out: Array) -> list[Call]:
    return [(np.copyto, (out, args[0]))]


def _cast(args: list[Array], out: Array) -> list[Call]:
    return [(np.copyto, (out, args[0], "unsafe"))]


def _matmul(args: list[Array], out: Array) -> list[Call]:
    return [gemm(args[0], args[1], out)]


Kernel = Callable[[list[Array], Array], list[Call] | None]
KERNELS: dict[Any, Kernel] = {
    **{chain: functools.partial(_chain, step) for chain, step in STEP.items()},
    np.matmul: _matmul,
    pick: pick_calls,
    softmax_minus_one_hot: softmax_minus_one_hot_calls,
    kept: _copied,
    cast: _cast,
}
"""How functions are written that are no plain NumPy call; None where these operands need one after all."""
