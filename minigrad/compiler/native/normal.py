"""A call of NumPy, taken apart: its function, its arrays, and what else it is called with."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.compiler.emit.kernels import copy_result
from minigrad.compiler.emit.labels import locate_labels, refuse_label, subtract_at
from minigrad.compiler.emit.program import Call
from minigrad.compiler.emit.table_rows import locate_rows, refuse_index
from minigrad.compiler.primitives import counted, refuse_row
from minigrad.core.array import Array
from minigrad.ops import OPS
from minigrad.ops.activations import sigmoid
from minigrad.ops.rows.row_sums import add_rows

Arguments = tuple[Any, ...]
REDUCED = (np.add, np.maximum, np.minimum)


@dataclass(frozen=True, slots=True)
class Normal:
    """A call taken apart.

    kind: a ufunc, or the name of what is none. arrays: the result last. rest: all that is no array.
    """

    kind: Any
    arrays: tuple[Array, ...]
    rest: Arguments = ()


def normal(call: Call) -> Normal | None:
    """A call taken apart; None for what has no native form, whatever its arrays are."""
    fn: Any
    fn, args = call
    if isinstance(fn, functools.partial):
        fn, args = fn.func, (*args, fn.keywords["out"])
    if fn in PRODUCTS:
        return _of_arrays("product", args)
    if isinstance(fn, np.ufunc):
        return _of_arrays(fn, args)
    if fn in NAMED:
        return NAMED[fn](args)
    ufunc = getattr(fn, "__self__", None)
    if ufunc in REDUCED and fn.__name__ == "reduce":
        return _reduction(ufunc, *args)
    return None


def arrays_of(call: Call) -> tuple[Array, ...]:
    """All arrays of a call."""
    _, args = call
    return tuple([x for x in args if isinstance(x, np.ndarray)])


def _of_arrays(kind: Any, args: Arguments) -> Normal | None:
    if not all(isinstance(x, np.ndarray) for x in args):
        return None
    return Normal(kind, args)


def _copy(args: Arguments) -> Normal | None:
    out, x, *_ = args
    if isinstance(x, int):
        x = np.array(x, out.dtype)
    return _of_arrays("copy", (x, out))


def _copied(args: Arguments) -> Normal | None:
    """What is no ufunc, and has no ``out=``."""
    out, fn, kwargs, *operands = args
    if fn is counted:
        return _counted_rows(operands[0], out, kwargs["classes"])
    if fn not in COPIED or kwargs:
        return None
    return _of_arrays(COPIED[fn], (*operands, out))


def _take(args: Arguments) -> Normal | None:
    table, places, axis, out, _ = args
    if axis is not None and (axis != 0 or table.ndim != 2):
        return None
    return Normal("look up", (table, places, out), ("=",))


def _add_rows(args: Arguments) -> Normal | None:
    table, places, rows = args
    return Normal("look up", (rows, places, table), ("+=",))


def _subtract_at(args: Arguments) -> Normal | None:
    flat, places, numbers = args
    return Normal("look up", (numbers, places, flat), ("-=",))


def _locate_labels(args: Arguments) -> Normal | None:
    labels, classes, starts, step, out = args
    return Normal("locate", (labels, starts, out), (classes, step, refuse_label))


def _locate_rows(args: Arguments) -> Normal | None:
    indices, classes, out, _ = args
    starts = np.zeros((), out.dtype)
    return Normal("locate", (indices, starts, out), (classes, 1, refuse_index))


def _counted_rows(indices: Array, out: Array, classes: int) -> Normal:
    starts = np.zeros((), out.dtype)
    return Normal("locate", (indices, starts, out), (classes, 1, refuse_row, classes))


def _reduction(
    ufunc: Any, x: Array, axes: Any, _: None, out: Array, keepdims: bool = False
) -> Normal | None:
    if axes is None:
        axes = tuple(range(x.ndim))
    if isinstance(axes, int):
        axes = (axes,)
    return Normal("reduce", (x, out), (ufunc, axes, keepdims))


PRODUCTS = (np.dot, np.matmul)
COPIED = {OPS[np.where].call: "where", OPS[sigmoid].call: "sigmoid"}
NAMED = {
    np.copyto: _copy,
    copy_result: _copied,
    np.take: _take,
    locate_labels: _locate_labels,
    locate_rows: _locate_rows,
    subtract_at: _subtract_at,
    add_rows: _add_rows,
}
"""How the arguments are taken apart of functions that are no ufuncs."""
