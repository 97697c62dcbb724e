"""The calls for many steps at once, on arrays that have the steps as an axis in front."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.compiler.capabilities import REDUCTIONS, elementwise, reduced_axes
from minigrad.compiler.rewrite.expand import pick, softmax_minus_one_hot
from minigrad.compiler.strided import viewed
from minigrad.core.array import Array

from .kernels import calls, gemm
from .program import Call

# bytes of an operand that BLAS works on best at a time, where rows are many and short
PIECE_BYTES = 1 << 17
MIN_ROWS_PER_PIECE = 256
MAX_ROWS_PER_PIECE = 1024
# a product of fewer pieces is left whole
MIN_PIECES = 4
# from so many rows of a step on, the product of a step is a piece by itself
MIN_ROWS_FOR_STEPWISE_PRODUCTS = 512
# bytes of the products of all steps, each by itself, before they are added up
MAX_STEPWISE_BYTES = 8 * PIECE_BYTES


def batched(
    fn: Any, kwargs: dict[str, Any], args: list[Array], free: list[bool], out: Array
) -> list[Call] | None:
    """The calls for all steps, or None where there is no such call.

    fn: the function of the family. kwargs: its keywords. args: its operands, with the steps as first axis but for
    those that are free. free: which operands are the same in every step. out: the results, steps first.
    """
    if not out.size:
        return []
    if fn in (pick, softmax_minus_one_hot) and not any(free[:3]):
        return calls(fn, kwargs, args, out)
    if elementwise(fn):
        return calls(fn, kwargs, _aligned(args, free, out), out)
    if fn is np.matmul:
        return _products(args, free, out)
    if fn in REDUCTIONS and not any(free) and kwargs.keys() <= {"axis", "keepdims"}:
        axes = reduced_axes(kwargs.get("axis"), args[0].ndim - 1)
        behind_the_steps = tuple([i + 1 for i in axes])
        return calls(fn, {**kwargs, "axis": behind_the_steps}, args, out)
    return None


def _products(args: list[Array], free: list[bool], out: Array) -> list[Call] | None:
    """A stack times one matrix is one product of all rows; everything else goes through matmul's own stacking."""
    a, b = args
    a_free, b_free = free
    if b_free and b.ndim == 2:
        rows = viewed(a, (-1, a.shape[-1]))
        result = viewed(out, (-1, out.shape[-1]))
        if rows is not None and result is not None:
            return _in_pieces(rows, b, result)
    # a matrix times vectors is the vectors, as rows, times its transpose
    if a_free and a.ndim == 2 and b.ndim == 2:
        return [gemm(b, a.T, out)]
    vectors = a.ndim - (not a_free) < 2 or b.ndim - (not b_free) < 2
    if vectors:
        return None
    return [(np.matmul, (*_aligned(args, free, out), out))]


def _aligned(args: list[Array], free: list[bool], out: Array) -> list[Array]:
    """The operands with as many axes behind that of the steps as the result has."""
    aligned = []
    for x, same in zip(args, free, strict=True):
        if not same and x.ndim < out.ndim:
            missing = (1,) * (out.ndim - x.ndim)
            x = x.reshape((len(x), *missing, *x.shape[1:]), copy=False)
        aligned.append(x)
    return aligned


def _in_pieces(rows: Array, b: Array, out: Array) -> list[Call]:
    """One product; a transposed result, whose columns lie far apart, some rows at a time."""
    fitting = PIECE_BYTES // max(rows.shape[1] * rows.itemsize, 1)
    size = min(max(fitting, MIN_ROWS_PER_PIECE), MAX_ROWS_PER_PIECE)
    if out.flags.c_contiguous or len(rows) < MIN_PIECES * size:
        return [gemm(rows, b, out)]
    pieces = [slice(start, start + size) for start in range(0, len(rows), size)]
    return [(np.matmul, (rows[piece], b, out[piece])) for piece in pieces]


def summed_products(a: Array, b: Array, out: Array) -> list[Call]:
    """sum_t a_t b_t as one product, the steps stacked along the axis that is summed over.

    Shapes: a (T, m, k), b (T, k, n), out (m, n).
    """
    steps, rows, inner = a.shape
    products_bytes = steps * out.nbytes
    many_rows = inner >= MIN_ROWS_FOR_STEPWISE_PRODUCTS
    if many_rows and 1 < products_bytes <= MAX_STEPWISE_BYTES:
        each = np.empty((steps, *out.shape), out.dtype)
        return [(np.matmul, (a, b, each)), (np.add.reduce, (each, 0, None, out))]
    written: list[Call] = []
    left = viewed(a.transpose(1, 0, 2), (rows, steps * inner))
    if left is None:
        left = np.empty((rows, steps * inner), a.dtype)
        written.append((np.copyto, (left.reshape(rows, steps, inner), a.transpose(1, 0, 2))))
    right = viewed(b, (steps * inner, b.shape[-1]))
    if right is None:
        right = np.empty((steps * inner, b.shape[-1]), b.dtype)
        written.append((np.copyto, (right.reshape(b.shape), b)))
    if out.flags.c_contiguous and _transposed(left) and _transposed(right):
        # the transpose of the product of two transposed operands is faster than the product
        turned = np.empty(out.shape[::-1], out.dtype)
        return [*written, gemm(right.T, left.T, turned), (np.copyto, (out, turned.T))]
    return [*written, gemm(left, right, out)]


def _transposed(matrix: Array) -> bool:
    """Whether the numbers of a column lie closer together than those of a row."""
    return matrix.strides[0] < matrix.strides[1]
