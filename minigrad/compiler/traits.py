"""What is known of functions: which are views, elementwise, reductions, may write over one."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core import gates
from minigrad.ops.activations import sigmoid
from minigrad.ops.discrete import valid_lengths
from minigrad.ops.elementwise import cast

from .primitives import counted, kept, product, softmax_minus_one_hot, total

VIEWS = frozenset(
    {
        np.reshape,
        np.transpose,
        np.swapaxes,
        np.expand_dims,
        np.squeeze,
        np.broadcast_to,
        np.matrix_transpose,
        gates.recompute,
    }
)
"""Functions that look at the same memory in another way, whatever their keywords."""

REDUCTIONS: dict[Any, np.ufunc] = {
    np.sum: np.add,
    np.max: np.maximum,
    np.min: np.minimum,
    np.prod: np.multiply,
}
"""The ufunc whose ``reduce`` a reduction is."""


def elementwise(fn: Any) -> bool:
    """Whether fn acts on each element alone, broadcasting, so that steps may be stacked."""
    if isinstance(fn, np.ufunc):
        return fn.signature is None and fn.nout == 1
    return fn in (total, product, np.where, cast, kept, counted, valid_lengths, sigmoid)


def may_overwrite(fn: Any) -> bool:
    """Whether the result may be written over the first full-sized operand."""
    if isinstance(fn, np.ufunc):
        return fn.signature is None
    return fn in (total, product, softmax_minus_one_hot, sigmoid)


def reduced_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes, counted from the front, that the keyword ``axis`` of a reduction stands for.

    axis: None for all, one, or several. ndim: how many axes the operand has.
    """
    if axis is None:
        return tuple(range(ndim))
    # NumPy takes axis 0 of a number too
    if ndim == 0:
        return ()
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple([i % ndim for i in axes])
