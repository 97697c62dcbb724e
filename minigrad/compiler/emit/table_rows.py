"""Rows of a table by their numbers, and tables that rows are added to."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from minigrad.compiler.strided import address, owner, stacked
from minigrad.core.array import Array
from minigrad.errors import ArgumentError
from minigrad.ops.rows.row_sums import add_rows

from .program import Call, Calls, Operands


def embedding_calls(args: Operands, out: Array) -> Calls | None:
    """out[i] = weight[indices[i]]; None where out does not lie evenly."""
    indices, weight = args
    if not out.flags.c_contiguous or indices.dtype.kind not in "iu":
        return None
    places, locate = _located(indices, len(weight))
    rows = out.reshape(-1, out.shape[-1])
    # the places are checked already; "clip" spares NumPy a buffer
    take: Call = np.take, (weight, places, 0, rows, "clip")
    return [locate, take]


def added_rows_calls(args: Operands, out: Array) -> Calls | None:
    """out = zeros with the rows of each g added at its indices; steps that lie evenly at once."""
    written: Calls = [(np.copyto, (out, 0))]
    pairs = [*zip(args[::2], args[1::2], strict=True)]
    stack = _stack(pairs)
    if stack is not None:
        pairs = [stack]
    for g, indices in pairs:
        if indices.dtype.kind not in "iu" or not out.flags.c_contiguous:
            return None
        places, locate = _located(indices, len(out))
        add: Call = add_rows, (out, places, g)
        written += [locate, add]
    return written


def _stack(pairs: list[tuple[Array, Array]]) -> tuple[Array, Array] | None:
    """All g as one and all indices as one; None where they do not lie evenly in memory."""
    if len(pairs) < 2:
        return None
    # the way back comes to the last step first, whose memory is the last
    pairs.sort(key=lambda pair: address(pair[0]))
    stacks = []
    for arrays in zip(*pairs, strict=True):
        first = arrays[0]
        stride = address(arrays[1]) - address(first)
        for k, x in enumerate(arrays):
            alike = (x.shape, x.strides, x.dtype) == (first.shape, first.strides, first.dtype)
            together = owner(x) is owner(first)
            if not alike or not together or address(x) != address(first) + k * stride:
                return None
        stacks.append(stacked(first, len(arrays), stride))
    g, indices = stacks
    return g, indices


def _located(indices: Array, classes: int) -> tuple[Array, Call]:
    """The numbers of the rows, and the call that reads them anew in each run."""
    places = np.empty(indices.size, np.intp)
    in_shape = places.reshape(indices.shape)
    # viewed as unsigned, a negative number is huge, so one comparison finds both errors
    unsigned = places.view(np.uintp)
    locate: Call = locate_rows, (indices, classes, in_shape, unsigned)
    return places, locate


def locate_rows(indices: Array, classes: int, out: Array, unsigned: Array) -> None:
    """Write the numbers of the rows to out; refuse one that is none. unsigned: a view of out."""
    np.copyto(out, indices, "unsafe")
    if out.size and np.maximum.reduce(unsigned) >= classes:
        wrong = next(int(k) for k in indices.flat if not 0 <= k < classes)
        refuse_index(wrong, classes)


def refuse_index(index: int, classes: int) -> NoReturn:
    """Refuse the number of a row that a table of so many rows does not have."""
    expected = f"expected 0..{classes - 1}"
    raise ArgumentError("embedding: indices", got=f"{index}", expected=expected)
