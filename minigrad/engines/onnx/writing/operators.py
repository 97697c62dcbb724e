"""For every function of a program the ONNX nodes that compute it: opset 18."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from minigrad.compiler import primitives
from minigrad.compiler.primitives import joined_rows
from minigrad.core import gates
from minigrad.errors import UnsupportedError
from minigrad.ops import activations, discrete, elementwise, op_name
from minigrad.ops.shapes import axes_of

from .elementwise_nodes import ELEMENTWISE
from .numbers import floating
from .reading_nodes import READING, concatenate, logsumexp
from .special_nodes import special
from .written import INT64, Graph, Value

Operator = Callable[..., Value]
"""Of the graph, the operands and the keywords of the call."""


def operator(fn: Any) -> Operator:
    """What writes the nodes of a function. Raises UnsupportedError where there is none."""
    known = OPERATORS.get(fn) or special(fn)
    if known is None:
        raise UnsupportedError(f"to_onnx: {op_name(fn)}", got="a function that has no form in ONNX")
    return known


def _same(
    g: Graph,
    x: Value,
    **_: Any,
) -> Value:
    return x


# --- reductions and matrices ----------------------------------------------------------------------
def reduction(op: str) -> Operator:
    """A function with NumPy's axis and keepdims."""

    def of(
        g: Graph,
        x: Value,
        axis: Any = None,
        keepdims: bool = False,
    ) -> Value:
        x = floating(g, x) if op == "ReduceMean" else x
        if x.dtype == bool:
            x = g.cast(x, INT64)
        return g.reduce(op, x, axes_of(x, axis), keepdims)

    return of


def _logical(op: str) -> Operator:
    def of(
        g: Graph,
        x: Value,
        axis: Any = None,
        keepdims: bool = False,
    ) -> Value:
        numbers = g.cast(g.cast(x, bool), INT64)
        return g.cast(g.reduce(op, numbers, axes_of(x, axis), keepdims), bool)

    return of


def _norm(
    g: Graph,
    x: Value,
    axis: Any = None,
    keepdims: bool = False,
    ord: float = 2,
) -> Value:
    axes = axes_of(x, axis)
    if ord in NORMS:
        return g.reduce(NORMS[ord], g.each("Abs", x), axes, keepdims)
    power = g.constant(ord, x.dtype)
    total = g.reduce("ReduceSum", g.each("Pow", g.each("Abs", x), power), axes, keepdims)
    return g.each("Pow", total, g.constant(1 / ord, x.dtype))


def _arg(op: str) -> Operator:
    def of(
        g: Graph,
        x: Value,
        axis: Any = None,
        keepdims: bool = False,
    ) -> Value:
        x = g.flat(x) if axis is None else x
        (place,) = axes_of(x, 0 if axis is None else axis)
        shape = [n for i, n in enumerate(x.shape) if i != place]
        if keepdims:
            shape.insert(place, 1)
        return g.node(op, [x], tuple(shape), INT64, axis=place, keepdims=int(keepdims))

    return of


def _cumsum(
    g: Graph,
    x: Value,
    axis: Any = None,
) -> Value:
    x = g.flat(x) if axis is None else x
    (place,) = axes_of(x, 0 if axis is None else axis)
    return g.node("CumSum", [x, g.constant(place, INT64)], x.shape, x.dtype)


def _matmul(
    g: Graph,
    *factors: Value,
) -> Value:
    dtype = np.result_type(*[x.dtype for x in factors])
    return reduce(g.matmul, [g.cast(x, dtype) for x in factors])


def _einsum(
    g: Graph,
    *xs: Value,
    subscripts: str,
    **_: Any,
) -> Value:
    dtype = np.result_type(*[x.dtype for x in xs])
    zeros = [np.broadcast_to(np.zeros((), dtype), x.shape) for x in xs]
    shape = np.einsum(subscripts, *zeros).shape
    xs = tuple([g.cast(x, dtype) for x in xs])
    return g.node("Einsum", xs, shape, dtype, equation=subscripts)


def _along_last(op: str) -> Operator:
    def of(
        g: Graph,
        x: Value,
        axis: int = -1,
    ) -> Value:
        x = floating(g, x)
        return g.each(op, x, axis=axes_of(x, axis)[0])

    return of


# --- shapes ---------------------------------------------------------------------------------------
def _reshape(
    g: Graph,
    x: Value,
    shape: Any,
) -> Value:
    return g.reshape(x, np.broadcast_to(0, x.shape).reshape(shape).shape)


def _transpose(
    g: Graph,
    x: Value,
    axes: Any = None,
) -> Value:
    if axes is None or axes == ():
        return g.transpose(x, range(x.ndim)[::-1])
    return g.transpose(x, axes_of(x, axes))


def _swapaxes(
    g: Graph,
    x: Value,
    axis1: int,
    axis2: int,
) -> Value:
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return g.transpose(x, order)


def _squeeze(
    g: Graph,
    x: Value,
    axis: Any = None,
) -> Value:
    return g.reshape(x, np.squeeze(np.broadcast_to(0, x.shape), axis).shape)


def _expand_dims(
    g: Graph,
    x: Value,
    axis: Any,
) -> Value:
    return g.reshape(x, np.expand_dims(np.broadcast_to(0, x.shape), axis).shape)


def _broadcast_to(
    g: Graph,
    x: Value,
    shape: Any,
) -> Value:
    return g.expand(x, (shape,) if isinstance(shape, int) else tuple(shape))


def _stack(
    g: Graph,
    *xs: Value,
    axis: int = 0,
    **_: Any,
) -> Value:
    rows = [_expand_dims(g, x, axis) for x in xs]
    return concatenate(g, *rows, axis=axis)


def _joined_rows(
    g: Graph,
    *xs: Value,
    stacked: tuple[bool, ...],
    rows: Any,
) -> Value:
    parts = []
    for x, is_stacked in zip(xs, stacked, strict=True):
        parts.append(x if is_stacked else g.reshape(x, (1, *x.shape)))
    together = g.concatenate(parts, 0)
    if isinstance(rows, slice):
        return g.slice(together, [rows, *[slice(None)] * (together.ndim - 1)])
    return g.gather(together, g.constant(rows, INT64), 0)


NORMS = {1: "ReduceL1", 2: "ReduceL2", np.inf: "ReduceMax", -np.inf: "ReduceMin"}
REDUCTIONS: dict[Any, str] = {
    np.sum: "ReduceSum",
    np.mean: "ReduceMean",
    np.max: "ReduceMax",
    np.min: "ReduceMin",
    np.prod: "ReduceProd",
}
OPERATORS: dict[Any, Operator] = {
    **dict.fromkeys(gates.GATES, _same),
    **ELEMENTWISE,
    **{fn: reduction(op) for fn, op in REDUCTIONS.items()},
    np.any: _logical("ReduceMax"),
    np.all: _logical("ReduceMin"),
    np.argmax: _arg("ArgMax"),
    np.argmin: _arg("ArgMin"),
    np.cumsum: _cumsum,
    np.linalg.vector_norm: _norm,
    np.matmul: _matmul,
    np.linalg.multi_dot: _matmul,
    np.einsum: _einsum,
    np.reshape: _reshape,
    np.transpose: _transpose,
    np.swapaxes: _swapaxes,
    np.squeeze: _squeeze,
    np.expand_dims: _expand_dims,
    np.broadcast_to: _broadcast_to,
    np.concatenate: concatenate,
    np.stack: _stack,
    joined_rows: _joined_rows,
    **READING,
    elementwise.cast: lambda g, x, dtype: g.cast(x, dtype),
    primitives.kept: _same,
    activations.softmax: _along_last("Softmax"),
    activations.log_softmax: _along_last("LogSoftmax"),
    activations.logsumexp: logsumexp,
    activations.some_weight: _same,
    discrete.valid_lengths: lambda g, lengths, steps: lengths,
}
