"""The calls for many steps at once, on arrays that have the steps as an axis in front."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.compiler.graph import Shape
from minigrad.compiler.primitives import pick, softmax_minus_one_hot
from minigrad.compiler.strided import viewed
from minigrad.compiler.traits import REDUCTIONS, elementwise, reduced_axes
from minigrad.core.array import Array
from minigrad.ops.rows.embedding import embedding

from .kernels import calls, gemm
from .program import Call, Calls, Keywords, Operands, copying

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
) -> Calls | None:
    """The calls for all steps, or None where there is no such call.

    fn: the function of the family. kwargs: its keywords. args: its operands, with the steps as
    first axis but for those that are free. free: which operands are the same in every step. out:
    the results, steps first.
    """
    if not out.size:
        return []
    labelled = fn in (pick, softmax_minus_one_hot) and not any(free[:3])
    looked_up = fn is embedding and free == [False, True]
    if labelled or looked_up:
        factors = _aligned(args[3:], free[3:], out)
        return calls(fn, kwargs, [*args[:3], *factors], out)
    if elementwise(fn):
        operands = _aligned(args, free, out)
        return calls(fn, kwargs, operands, out)
    if fn is np.matmul:
        return _products(args, free, out)
    if fn in REDUCTIONS and not any(free):
        return _reductions(fn, kwargs, args, out)
    return None


def _reductions(fn: Any, kwargs: Keywords, args: Operands, out: Array) -> Calls | None:
    """The reductions of all steps: one, along the axes behind that of the steps."""
    if not kwargs.keys() <= {"axis", "keepdims"}:
        return None
    (x,) = args
    axis = kwargs.get("axis")
    axes = reduced_axes(axis, x.ndim - 1)
    behind_the_steps = tuple([i + 1 for i in axes])
    of_all_steps = {**kwargs, "axis": behind_the_steps}
    return calls(fn, of_all_steps, args, out)


def _products(args: Operands, free: list[bool], out: Array) -> Calls | None:
    """The products of all steps: a stack times one matrix is one product of all rows."""
    a, b = args
    a_free, b_free = free
    if b_free and b.ndim == 2:
        rows = _as_rows(a)
        result = _as_rows(out)
        if rows is not None and result is not None:
            return _in_pieces(rows, b, result)
    # a matrix times vectors is the vectors, as rows, times its transpose
    if a_free and a.ndim == b.ndim == 2:
        return [gemm(b, a.T, out)]
    if not _is_matrix(a, a_free) or not _is_matrix(b, b_free):
        return None
    aligned = _aligned(args, free, out)
    multiply = np.matmul, (*aligned, out)
    return [multiply]


def _as_rows(x: Array) -> Array | None:
    """An array as a matrix with the same rows, if that takes no copy."""
    width = x.shape[-1]
    return viewed(x, (-1, width))


def _is_matrix(x: Array, free: bool) -> bool:
    """Whether an operand has rows and columns in each step."""
    axes = x.ndim if free else x.ndim - 1
    return axes >= 2


def _aligned(args: Operands, free: list[bool], out: Array) -> Operands:
    """The operands with as many axes behind that of the steps as the result has."""
    aligned = []
    for x, same in zip(args, free, strict=True):
        missing = out.ndim - x.ndim
        if same or missing <= 0:
            aligned.append(x)
            continue
        steps, *axes = x.shape
        ones = [1] * missing
        with_ones = x.reshape(steps, *ones, *axes, copy=False)
        aligned.append(with_ones)
    return aligned


def _in_pieces(rows: Array, b: Array, out: Array) -> Calls:
    """One product; a transposed result, whose columns lie far apart, some rows at a time."""
    row_bytes = rows.shape[1] * rows.itemsize
    size = PIECE_BYTES // max(row_bytes, 1)
    size = max(size, MIN_ROWS_PER_PIECE)
    size = min(size, MAX_ROWS_PER_PIECE)
    few = len(rows) < MIN_PIECES * size
    if few or out.flags.c_contiguous:
        return [gemm(rows, b, out)]
    pieces: Calls = []
    for start in range(0, len(rows), size):
        piece = slice(start, start + size)
        product = np.matmul, (rows[piece], b, out[piece])
        pieces.append(product)
    return pieces


def summed_products(a: Array, b: Array, out: Array) -> Calls:
    """sum_t a_t b_t as one product, the steps stacked along the axis that is summed over.

    Shapes: a (T, m, k), b (T, k, n), out (m, n).
    """
    steps, m, k = a.shape
    n = b.shape[-1]
    fits = 1 < steps * out.nbytes <= MAX_STEPWISE_BYTES
    if fits and k >= MIN_ROWS_FOR_STEPWISE_PRODUCTS:
        return _products_and_their_sum(a, b, out)
    written: Calls = []
    rows_first = a.transpose(1, 0, 2)
    left = _in_shape(rows_first, (m, steps * k), written)
    right = _in_shape(b, (steps * k, n), written)
    transposed = _is_transposed(left) and _is_transposed(right)
    if not transposed or not out.flags.c_contiguous:
        written.append(gemm(left, right, out))
        return written
    # the transpose of the product of two transposed operands is faster than the product
    turned = np.empty((n, m), out.dtype)
    written.append(gemm(right.T, left.T, turned))
    written.append(copying(out, turned.T))
    return written


def _products_and_their_sum(a: Array, b: Array, out: Array) -> Calls:
    """Each step's product by itself, and then their sum."""
    shape = (len(a), *out.shape)
    products = np.empty(shape, out.dtype)
    multiply: Call = np.matmul, (a, b, products)
    add: Call = np.add.reduce, (products, 0, None, out)
    return [multiply, add]


def _in_shape(x: Array, shape: Shape, copies: Calls) -> Array:
    """x in another shape. copies: where the call that this may take is entered."""
    view = viewed(x, shape)
    if view is not None:
        return view
    copy = np.empty(shape, x.dtype)
    in_order = copy.reshape(x.shape)
    copies.append(copying(in_order, x))
    return copy


def _is_transposed(matrix: Array) -> bool:
    """Whether the numbers of a column lie closer together than those of a row."""
    along_column, along_row = matrix.strides
    return along_column < along_row
