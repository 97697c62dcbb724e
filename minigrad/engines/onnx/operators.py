"""For every function of a program the ONNX nodes that compute it: opset 18."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from minigrad.compiler import primitives
from minigrad.compiler.rolled.primitives import joined_rows
from minigrad.core import gates
from minigrad.errors import UnsupportedError
from minigrad.ops import activations, discrete, elementwise, indexing, op_name, selection
from minigrad.ops.indexing import PART
from minigrad.ops.rows.embedding import embedding
from minigrad.ops.rows.one_hot import one_hot
from minigrad.ops.shapes import axes_of

from .elementwise_nodes import ELEMENTWISE, floating
from .positions import counted, positions, read_basic, written_out
from .written import INT64, Graph, Shape, Value

Operator = Callable[..., Value]
"""Of the graph, the operands and the keywords of the call."""


def operator(fn: Any) -> Operator:
    """What writes the nodes of a function. Raises UnsupportedError where there is none."""
    known = OPERATORS.get(fn)
    if known is None:
        raise UnsupportedError(f"to_onnx: {op_name(fn)}", got="a function that has no form in ONNX")
    return known


def _same(g: Graph, x: Value, **_: Any) -> Value:
    return x


# --- reductions and matrices ----------------------------------------------------------------------
def reduction(op: str) -> Operator:
    """A function with NumPy's axis and keepdims."""

    def of(g: Graph, x: Value, axis: Any = None, keepdims: bool = False) -> Value:
        x = floating(g, x) if op == "ReduceMean" else x
        if x.dtype == bool:
            x = g.cast(x, INT64)
        return g.reduce(op, x, axes_of(x, axis), keepdims)

    return of


def _logical(op: str) -> Operator:
    def of(g: Graph, x: Value, axis: Any = None, keepdims: bool = False) -> Value:
        numbers = g.cast(g.cast(x, bool), INT64)
        return g.cast(g.reduce(op, numbers, axes_of(x, axis), keepdims), bool)

    return of


def _logsumexp(g: Graph, x: Value, axis: Any = None, keepdims: bool = False) -> Value:
    axes = axes_of(x, axis)
    top = g.reduce("ReduceMax", x, axes, keepdims=True)
    # what is infinite everywhere is not moved: inf - inf is no number
    size = g.each("Abs", top)
    is_finite = g.each("Less", size, g.constant(np.inf, x.dtype), dtype=np.dtype(bool))
    top = g.each("Where", is_finite, top, g.constant(0, x.dtype))
    sums = g.reduce("ReduceSum", g.each("Exp", g.each("Sub", x, top)), axes, keepdims=True)
    y = g.each("Add", g.each("Log", sums), top)
    return y if keepdims else g.reshape(y, _without(y.shape, axes))


def _without(shape: Shape, axes: tuple[int, ...]) -> Shape:
    """The shape without these axes."""
    return tuple([length for axis, length in enumerate(shape) if axis not in axes])


def _norm(g: Graph, x: Value, axis: Any = None, keepdims: bool = False, **_: Any) -> Value:
    return g.reduce("ReduceL2", x, axes_of(x, axis), keepdims)


def _arg(op: str) -> Operator:
    def of(g: Graph, x: Value, axis: Any = None, keepdims: bool = False) -> Value:
        x = g.flat(x) if axis is None else x
        (place,) = axes_of(x, 0 if axis is None else axis)
        shape = [n for i, n in enumerate(x.shape) if i != place]
        if keepdims:
            shape.insert(place, 1)
        return g.node(op, [x], tuple(shape), INT64, axis=place, keepdims=int(keepdims))

    return of


def _cumsum(g: Graph, x: Value, axis: Any = None) -> Value:
    x = g.flat(x) if axis is None else x
    (place,) = axes_of(x, 0 if axis is None else axis)
    return g.node("CumSum", [x, g.constant(place, INT64)], x.shape, x.dtype)


def _matmul(g: Graph, *factors: Value) -> Value:
    dtype = np.result_type(*[x.dtype for x in factors])
    return reduce(g.matmul, [g.cast(x, dtype) for x in factors])


def _einsum(g: Graph, *xs: Value, subscripts: str, **_: Any) -> Value:
    dtype = np.result_type(*[x.dtype for x in xs])
    zeros = [np.broadcast_to(np.zeros((), dtype), x.shape) for x in xs]
    shape = np.einsum(subscripts, *zeros).shape
    xs = tuple([g.cast(x, dtype) for x in xs])
    return g.node("Einsum", xs, shape, dtype, equation=subscripts)


def _along_last(op: str) -> Operator:
    def of(g: Graph, x: Value, axis: int = -1) -> Value:
        x = floating(g, x)
        return g.each(op, x, axis=axes_of(x, axis)[0])

    return of


# --- shapes ---------------------------------------------------------------------------------------
def _reshape(g: Graph, x: Value, shape: Any) -> Value:
    return g.reshape(x, np.broadcast_to(0, x.shape).reshape(shape).shape)


def _transpose(g: Graph, x: Value, axes: Any = None) -> Value:
    if axes is None or axes == ():
        return g.transpose(x, range(x.ndim)[::-1])
    return g.transpose(x, axes_of(x, axes))


def _swapaxes(g: Graph, x: Value, axis1: int, axis2: int) -> Value:
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return g.transpose(x, order)


def _squeeze(g: Graph, x: Value, axis: Any = None) -> Value:
    return g.reshape(x, np.squeeze(np.broadcast_to(0, x.shape), axis).shape)


def _expand_dims(g: Graph, x: Value, axis: Any) -> Value:
    return g.reshape(x, np.expand_dims(np.broadcast_to(0, x.shape), axis).shape)


def _broadcast_to(g: Graph, x: Value, shape: Any) -> Value:
    return g.expand(x, (shape,) if isinstance(shape, int) else tuple(shape))


def _concatenate(g: Graph, *xs: Value, axis: int | None = 0, **_: Any) -> Value:
    dtype = np.result_type(*[x.dtype for x in xs])
    xs = tuple([g.cast(g.flat(x) if axis is None else x, dtype) for x in xs])
    return g.concatenate(xs, axes_of(xs[0], axis or 0)[0])


def _stack(g: Graph, *xs: Value, axis: int = 0, **_: Any) -> Value:
    rows = [_expand_dims(g, x, axis) for x in xs]
    return _concatenate(g, *rows, axis=axis)


def _joined_rows(g: Graph, *xs: Value, stacked: tuple[bool, ...], rows: Any) -> Value:
    parts = []
    for x, is_stacked in zip(xs, stacked, strict=True):
        parts.append(x if is_stacked else g.reshape(x, (1, *x.shape)))
    together = g.concatenate(parts, 0)
    if isinstance(rows, slice):
        return g.slice(together, [rows, *[slice(None)] * (together.ndim - 1)])
    return g.gather(together, g.constant(rows, INT64), 0)


# --- reading and adding ---------------------------------------------------------------------------
def _getitem(g: Graph, x: Value, *parts: Value, index: Any) -> Value:
    _refuse_masks(parts, index)
    if not parts:
        return read_basic(g, x, written_out(index, x.ndim))
    if len(index) == 1:
        return g.gather(x, counted(g, parts[0], x.shape[0]), 0)
    return g.gather(g.flat(x), positions(g, x.shape, index, parts), 0)


def _refuse_masks(parts: Any, index: Any) -> None:
    if any(part.dtype == bool for part in parts) or any(type(e) in (bool, np.bool_) for e in index):
        raise UnsupportedError("to_onnx: getitem", got="a mask, whose shape depends on values")


def _scatter(g: Graph, *operands: Value, indices: Any, shape: Shape) -> Value:
    waiting = iter(operands)
    places, added = [], []
    for index in indices:
        x = next(waiting)
        parts = [next(waiting) for entry in index if entry is PART]
        _refuse_masks(parts, index)
        at = positions(g, shape, index, parts)
        places.append(g.flat(at))
        added.append(g.flat(g.expand(x, at.shape)))
    zeros = g.constant(np.zeros(int(np.prod(shape)), operands[0].dtype))
    together = _concatenate(g, *added)
    return g.reshape(_added(g, zeros, g.concatenate(places, 0), together), shape)


def _added(g: Graph, out: Value, places: Value, x: Value, axis: int = 0) -> Value:
    operands = [out, places, g.cast(x, out.dtype)]
    return g.node("ScatterElements", operands, out.shape, out.dtype, axis=axis, reduction="add")


def _take_along(g: Graph, x: Value, indices: Value, axis: int = -1) -> Value:
    (place,) = axes_of(x, axis)
    lengths = [list(x.shape), list(indices.shape)]
    for own in lengths:
        own[place] = 1
    around = np.broadcast_shapes(*map(tuple, lengths))
    x = g.expand(x, (*around[:place], x.shape[place], *around[place + 1 :]))
    shape = (*around[:place], indices.shape[place], *around[place + 1 :])
    places = g.expand(counted(g, indices, x.shape[place]), shape)
    return g.node("GatherElements", [x, places], shape, x.dtype, axis=place)


def _put_along(g: Graph, x: Value, indices: Value, axis: int, shape: Shape) -> Value:
    (place,) = axes_of(x, axis)
    wide = (*x.shape[:place], shape[place], *x.shape[place + 1 :])
    zeros = g.constant(np.zeros(wide, x.dtype))
    places = g.expand(counted(g, indices, shape[place]), x.shape)
    out = _added(g, zeros, places, x, place)
    # an axis of 1 was broadcast against the indices: everything is added at its one place
    axes = [i for i, (a, b) in enumerate(zip(wide, shape, strict=True)) if a != b]
    return g.reduce("ReduceSum", out, axes, keepdims=True)


def _embedding(g: Graph, indices: Value, weight: Value) -> Value:
    return g.gather(weight, g.cast(indices, INT64), 0)


def _added_rows(g: Graph, *operands: Value, classes: int) -> Value:
    width = operands[0].shape[-1]
    out = g.constant(np.zeros((classes, width), operands[0].dtype))
    for x, indices in zip(operands[::2], operands[1::2], strict=True):
        places = g.reshape(g.cast(indices, INT64), (int(np.prod(indices.shape)), 1))
        rows = g.reshape(x, (places.shape[0], width))
        into = [out, places, g.cast(rows, out.dtype)]
        out = g.node("ScatterND", into, out.shape, out.dtype, reduction="add")
    return out


# --- classes --------------------------------------------------------------------------------------
def _one_hot(g: Graph, indices: Value, classes: int, dtype: Any = np.float64) -> Value:
    column = g.reshape(g.cast(indices, INT64), (*indices.shape, 1))
    hot = g.each("Equal", column, g.constant(np.arange(classes), INT64), dtype=np.dtype(bool))
    return g.cast(hot, dtype)


def _pick(g: Graph, x: Value, labels: Value) -> Value:
    column = g.reshape(g.cast(labels, INT64), (*labels.shape, 1))
    picked = g.node("GatherElements", [x, column], column.shape, x.dtype, axis=x.ndim - 1)
    return g.reshape(picked, labels.shape)


def _surprisal(g: Graph, logits: Value, targets: Value) -> Value:
    return g.each("Sub", _logsumexp(g, logits, axis=-1), _pick(g, logits, targets))


def _cross_entropy(g: Graph, logits: Value, targets: Value) -> Value:
    losses = _surprisal(g, logits, targets)
    return g.reduce("ReduceMean", losses, range(losses.ndim))


def _surprisal_gradient(g: Graph, logits: Value, targets: Value, c: Value) -> Value:
    hot = _one_hot(g, targets, logits.shape[-1], logits.dtype)
    probabilities = g.each("Softmax", logits, axis=logits.ndim - 1)
    factor = g.cast(c, logits.dtype)
    return g.each("Mul", g.each("Sub", probabilities, hot), g.reshape(factor, (*c.shape, 1)))


def _softmax_minus_one_hot(g: Graph, e: Value, s: Value, labels: Value, c: Value) -> Value:
    hot = _one_hot(g, labels, e.shape[-1], e.dtype)
    return g.each("Mul", g.each("Sub", g.each("Div", e, s), hot), c)


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
    np.concatenate: _concatenate,
    np.stack: _stack,
    joined_rows: _joined_rows,
    np.take_along_axis: _take_along,
    selection.put_along: _put_along,
    indexing.getitem: _getitem,
    indexing.scatter: _scatter,
    embedding: _embedding,
    one_hot: _one_hot,
    elementwise.cast: lambda g, x, dtype: g.cast(x, dtype),
    primitives.pick: _pick,
    primitives.added_rows: _added_rows,
    primitives.softmax_minus_one_hot: _softmax_minus_one_hot,
    primitives.kept: _same,
    activations.softmax: _along_last("Softmax"),
    activations.log_softmax: _along_last("LogSoftmax"),
    activations.logsumexp: _logsumexp,
    activations.surprisal: _surprisal,
    activations.surprisal_gradient: _surprisal_gradient,
    activations.cross_entropy: _cross_entropy,
    activations.some_weight: _same,
    discrete.valid_lengths: lambda g, lengths, steps: lengths,
}
