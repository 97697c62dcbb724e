"""The calls for many steps at once, on arrays that have the steps as an axis in front."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.compiler.capabilities import REDUCTIONS, elementwise, reduced_axes
from minigrad.compiler.rewrite.expand import pick, softmax_minus_one_hot
from minigrad.compiler.strided import viewed
from minigrad.core.array import Array

from .kernels import calls, gemm
from .program import Call, Keywords, Operands

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
    fn: Any, kwargs: Keywords, args: Operands, free: list[bool], out: Array
) -> list[Call] | None:
    """The calls for all steps, or None where there is no such call.

    fn: the function of the family. kwargs: its keywords. args: its operands, with the steps as
    first axis but for those that are free. free: which operands are the same in every step. out:
    the results, steps first.
    """
    if not out.size:
        return []
    labelled = fn in (pick, softmax_minus_one_hot)
    if labelled and not any(free[:3]):
        return calls(fn, kwargs, args, out)
    if elementwise(fn):
        operands = _aligned(args, free, out)
        return calls(fn, kwargs, operands, out)
    if fn is np.matmul:
        return _products(args, free, out)
    if fn not in REDUCTIONS or any(free):
        return None
    if not kwargs.keys() <= {"axis", "keepdims"}:
        return None
    axes = reduced_axes(kwargs.get("axis"), args[0].ndim - 1)
    behind_the_steps = tuple([i + 1 for i in axes])
    return calls(fn, {**kwargs, "axis": behind_the_steps}, args, out)


def _products(args: Operands, free: list[bool], out: Array) -> list[Call] | None:
    """The products of all steps: a stack times one matrix is one product of all rows."""
    a, b = args
    a_free, b_free = free
    if b_free and b.ndim == 2:
        rows = viewed(a, (-1, a.shape[-1]))
        result = viewed(out, (-1, out.shape[-1]))
        if rows is not None and result is not None:
            return _in_pieces(rows, b, result)
    # a matrix times vectors is the vectors, as rows, times its transpose
    if a_free and a.ndim == b.ndim == 2:
        return [gemm(b, a.T, out)]
    axes_of_a = a.ndim if a_free else a.ndim - 1
    axes_of_b = b.ndim if b_free else b.ndim - 1
    if min(axes_of_a, axes_of_b) < 2:
        return None
    a, b = _aligned(args, free, out)
    return [(np.matmul, (a, b, out))]


def _aligned(args: Operands, free: list[bool], out: Array) -> Operands:
    """The operands with as many axes behind that of the steps as the result has."""
    aligned = []
    for operand, same in zip(args, free, strict=True):
        x = operand
        missing = out.ndim - x.ndim
        if missing > 0 and not same:
            steps, *axes = x.shape
            ones = [1] * missing
            x = x.reshape(steps, *ones, *axes, copy=False)
        aligned.append(x)
    return aligned


def _in_pieces(rows: Array, b: Array, out: Array) -> list[Call]:
    """One product; a transposed result, whose columns lie far apart, some rows at a time."""
    row_bytes = rows.shape[1] * rows.itemsize
    fitting = PIECE_BYTES // max(row_bytes, 1)
    size = min(max(fitting, MIN_ROWS_PER_PIECE), MAX_ROWS_PER_PIECE)
    if out.flags.c_contiguous or len(rows) < MIN_PIECES * size:
        return [gemm(rows, b, out)]
    pieces: list[Call] = []
    for start in range(0, len(rows), size):
        piece = slice(start, start + size)
        pieces.append((np.matmul, (rows[piece], b, out[piece])))
    return pieces


def summed_products(a: Array, b: Array, out: Array) -> list[Call]:
    """sum_t a_t b_t as one product, the steps stacked along the axis that is summed over.

    Shapes: a (T, m, k), b (T, k, n), out (m, n).
    """
    steps, m, k = a.shape
    n = b.shape[-1]
    fits = 1 < steps * out.nbytes <= MAX_STEPWISE_BYTES
    if fits and k >= MIN_ROWS_FOR_STEPWISE_PRODUCTS:
        return _products_and_their_sum(a, b, out)
    left, copies = _in_shape(a.transpose(1, 0, 2), (m, steps * k))
    right, copies_of_b = _in_shape(b, (steps * k, n))
    copies += copies_of_b
    transposed = _is_transposed(left) and _is_transposed(right)
    if not (transposed and out.flags.c_contiguous):
        return [*copies, gemm(left, right, out)]
    # the transpose of the product of two transposed operands is faster than the product
    turned = np.empty((n, m), out.dtype)
    turn_back: Call = np.copyto, (out, turned.T)
    return [*copies, gemm(right.T, left.T, turned), turn_back]


def _products_and_their_sum(a: Array, b: Array, out: Array) -> list[Call]:
    """Each step's product by itself, and then their sum."""
    products = np.empty((len(a), *out.shape), out.dtype)
    multiply: Call = np.matmul, (a, b, products)
    add: Call = np.add.reduce, (products, 0, None, out)
    return [multiply, add]


def _in_shape(x: Array, shape: tuple[int, ...]) -> tuple[Array, list[Call]]:
    """x in another shape, and the copy that this takes, if any."""
    view = viewed(x, shape)
    if view is not None:
        return view, []
    copy = np.empty(shape, x.dtype)
    return copy, [(np.copyto, (copy.reshape(x.shape), x))]


def _is_transposed(matrix: Array) -> bool:
    """Whether the numbers of a column lie closer together than those of a row."""
    along_column, along_row = matrix.strides
    return along_column < along_row
