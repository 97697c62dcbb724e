"""The same calls with less for NumPy to find out each time: methods looked up beforehand, operands in one row."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Array
from .kernels import Call, same


def prebound(call: Call) -> Call:
    """``a.dot(b, out)`` for ``np.dot(a, b, out)``; an elementwise call on operands of one shape as one on vectors.

    On a few numbers both take half the time.
    """
    fn, args = call
    if fn is np.dot:
        return args[0].dot, args[1:]
    if isinstance(fn, np.ufunc) and fn.signature is None:
        *operands, out = _in_a_row(args)
        return fn, (*[out if same(x, out) else x for x in operands], out)  # one object: no search for overlaps
    return call


def _in_a_row(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands as vectors, where all but single numbers lie in memory alike and without gaps."""
    full: list[Array] = [x for x in args if x.ndim]
    if not full or full[0].ndim == 1 or any((x.shape, x.strides) != (full[0].shape, full[0].strides) for x in full):
        return args
    if full[0].flags.c_contiguous:
        return tuple([x.reshape(-1) if x.ndim else x for x in args])
    if full[0].T.flags.c_contiguous:
        return tuple([x.T.reshape(-1) if x.ndim else x for x in args])
    return args
