"""From an operation on arrays that lie still to the NumPy calls, with ``out=``, that do it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.compiler.graph import Shape
from minigrad.compiler.primitives import PAIRWISE, added_rows, kept, pick, softmax_minus_one_hot
from minigrad.compiler.strided import same_view, viewed
from minigrad.compiler.traits import REDUCTIONS, reduced_axes
from minigrad.core.array import Array
from minigrad.errors import ShapeError
from minigrad.ops import OPS, op_name
from minigrad.ops.elementwise import cast
from minigrad.ops.rows.embedding import embedding

from .labels import pick_calls, softmax_minus_one_hot_calls
from .program import Call, Calls, Keywords, Operands, copying
from .table_rows import added_rows_calls, embedding_calls

# a sum of fewer terms is no faster as a product with ones
MIN_TERMS_FOR_BLAS = 5


def calls(fn: Any, kwargs: Keywords, args: Operands, out: Array) -> Calls:
    """The calls that write ``fn(*args, **kwargs)`` into out.

    fn: the function of a node. kwargs: its keywords. args: its operands' arrays, which every run of
    the calls reads anew.
    """
    if not out.size:
        return []
    if fn in KERNELS:
        written = KERNELS[fn](args, out)
        if written is not None:
            return written
    if isinstance(fn, np.ufunc) and not kwargs:
        return [_elementwise(fn, args, out)]
    if _is_reduction(fn, kwargs) and out.dtype == args[0].dtype:
        return [_reduction(fn, kwargs, args[0], out)]
    if fn in (np.stack, np.concatenate):
        axis = kwargs.get("axis", 0)
        if axis is not None:
            return _joined(fn, axis, args, out)
    return [call_into(fn, kwargs, args, out)]


def call_into(fn: Any, kwargs: Keywords, args: Operands, out: Array) -> Call:
    """The call of a function that has no ``out=``: its result is copied."""
    if fn in OPS:
        fn = OPS[fn].call
    return copy_result, (out, fn, kwargs, *args)


def copy_result(out: Array, fn: Any, kwargs: Keywords, *args: Array) -> None:
    """Copy ``fn(*args, **kwargs)`` into out; refuse a result of a shape that was not recorded."""
    result = np.asarray(fn(*args, **kwargs))
    if result.shape != out.shape:
        got = f"the result was {out.shape} and would be {result.shape}"
        remedy = "Record and compile it anew"
        raise ShapeError(f"plan: {op_name(fn)}", got=got, remedy=remedy)
    out[...] = result


def gemm(a: Array, b: Array, out: Array) -> Call:
    """One matrix product, by BLAS into out or its transpose where it can be."""
    matrices = a.ndim == b.ndim == 2
    one_dtype = a.dtype == b.dtype == out.dtype
    if matrices and one_dtype and out.dtype.kind == "f":
        if out.flags.c_contiguous:
            return np.dot, (a, b, out)
        turned = out.T
        if turned.flags.c_contiguous:
            return np.dot, (b.T, a.T, turned)
    return np.matmul, (a, b, out)


def _elementwise(fn: np.ufunc, args: Operands, out: Array) -> Call:
    if fn in (np.maximum, np.minimum):
        # NumPy deprecates a third positional argument of these two
        return functools.partial(fn, out=out), tuple(args)
    return fn, (*args, out)


def _chain(fn: np.ufunc, terms: Operands, out: Array) -> Calls:
    """Terms one after the other; the one that out lies on comes first."""
    if len(terms) == 1:
        return _copy(terms, out)
    if len(terms) > 2:
        terms = sorted(terms, key=lambda x: not same_view(x, out))
    first, second, *rest = terms
    begin = fn, (first, second, out)
    chain: Calls = [begin]
    for x in rest:
        go_on = fn, (out, x, out)
        chain.append(go_on)
    return chain


def _is_reduction(fn: Any, kwargs: Keywords) -> bool:
    return fn in REDUCTIONS and kwargs.keys() <= {"axis", "keepdims"}


def _reduction(fn: Any, kwargs: Keywords, x: Array, out: Array) -> Call:
    """One reduction; a long sum along the first or last axes as a product with ones, by BLAS."""
    axis = kwargs.get("axis")
    axes = reduced_axes(axis, x.ndim)
    axes = tuple(sorted(axes))
    if fn is np.sum and out.flags.c_contiguous:
        matrix = _summed_rows(x, axes)
        if matrix is not None:
            _, terms = matrix.shape
            ones = np.ones(terms, x.dtype)
            return np.dot, (matrix, ones, out.reshape(-1))
    keepdims = kwargs.get("keepdims", False)
    reduce = REDUCTIONS[fn].reduce
    return reduce, (x, axes, None, out, keepdims)


def _summed_rows(x: Array, axes: Shape) -> Array | None:
    """x as a matrix that is summed along its rows; None where it is better summed otherwise.

    Its rows or its columns lie without gaps.
    """
    if x.dtype.kind != "f" or x.itemsize <= 2:
        return None
    terms = math.prod([x.shape[i] for i in axes])
    if terms < MIN_TERMS_FOR_BLAS or len(axes) == x.ndim:
        return None
    every = tuple(range(x.ndim))
    matrix = None
    if axes == every[: len(axes)]:
        columns = viewed(x, (terms, -1))
        if columns is not None:
            matrix = columns.T
    elif axes == every[-len(axes) :]:
        matrix = viewed(x, (-1, terms))
    if matrix is None:
        return None
    without_gaps = min(matrix.strides) == x.itemsize
    return matrix if without_gaps else None


def _joined(fn: Any, axis: int, args: Operands, out: Array) -> Calls:
    """Copies of all parts to their places; nothing for a part that was written there."""
    copies: Calls = []
    along = np.moveaxis(out, axis, 0)
    start = 0
    for x in args:
        if fn is np.stack:
            part = along[start, ...]
            start += 1
        else:
            stop = start + x.shape[axis]
            part = np.moveaxis(along[start:stop], 0, axis)
            start = stop
        if not same_view(part, x):
            copies.append(copying(part, x))
    return copies


def _copy(args: Operands, out: Array) -> Calls:
    (x,) = args
    return [copying(out, x)]


def _cast(args: Operands, out: Array) -> Calls:
    (x,) = args
    # as astype does: reals are cut off
    return [copying(out, x, "unsafe")]


def _product(args: Operands, out: Array) -> Calls:
    a, b = args
    return [gemm(a, b, out)]


Kernel = Callable[[Operands, Array], Calls | None]
KERNELS: dict[Any, Kernel] = {
    np.matmul: _product,
    pick: pick_calls,
    softmax_minus_one_hot: softmax_minus_one_hot_calls,
    embedding: embedding_calls,
    added_rows: added_rows_calls,
    kept: _copy,
    cast: _cast,
}
"""How functions are written that are no plain NumPy call; None: they need one here after all."""
for chained, step in PAIRWISE.items():
    KERNELS[chained] = functools.partial(_chain, step)
