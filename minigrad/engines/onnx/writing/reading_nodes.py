"""Reading and adding at indices, and classes, as ONNX nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.compiler import primitives
from minigrad.errors import UnsupportedError
from minigrad.ops import activations, indexing, selection
from minigrad.ops.indexing import PART
from minigrad.ops.rows.embedding import embedding
from minigrad.ops.rows.one_hot import one_hot
from minigrad.ops.shapes import axes_of

from .positions import counted, positions, read_basic, written_out
from .written import BOOL, INT64, Graph, Shape, Value


def concatenate(
    g: Graph,
    *xs: Value,
    axis: int | None = 0,
    **_: Any,
) -> Value:
    """np.concatenate."""
    dtype = np.result_type(*[x.dtype for x in xs])
    xs = tuple([g.cast(g.flat(x) if axis is None else x, dtype) for x in xs])
    return g.concatenate(xs, axes_of(xs[0], axis or 0)[0])


# --- reading and adding ---------------------------------------------------------------------------
def _getitem(
    g: Graph,
    x: Value,
    *parts: Value,
    index: Any,
) -> Value:
    _refuse_masks(parts, index)
    if not parts:
        return read_basic(g, x, written_out(index, x.ndim))
    if len(index) == 1:
        return g.gather(x, counted(g, parts[0], x.shape[0]), 0)
    return g.gather(g.flat(x), positions(g, x.shape, index, parts), 0)


def _refuse_masks(
    parts: Any,
    index: Any,
) -> None:
    masks = [part for part in parts if part.dtype == bool]
    masks += [entry for entry in index if type(entry) in (bool, np.bool_)]
    if masks:
        raise UnsupportedError("to_onnx: getitem", got="a mask, whose shape depends on values")


def _scatter(
    g: Graph,
    *operands: Value,
    indices: Any,
    shape: Shape,
) -> Value:
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
    together = concatenate(g, *added)
    return g.reshape(_added(g, zeros, g.concatenate(places, 0), together), shape)


def _added(
    g: Graph,
    out: Value,
    places: Value,
    x: Value,
    axis: int = 0,
) -> Value:
    operands = [out, places, g.cast(x, out.dtype)]
    return g.node("ScatterElements", operands, out.shape, out.dtype, axis=axis, reduction="add")


def _take_along(
    g: Graph,
    x: Value,
    indices: Value,
    axis: int = -1,
) -> Value:
    (place,) = axes_of(x, axis)
    lengths = [list(x.shape), list(indices.shape)]
    for own in lengths:
        own[place] = 1
    around = np.broadcast_shapes(*map(tuple, lengths))
    x = g.expand(x, (*around[:place], x.shape[place], *around[place + 1 :]))
    shape = (*around[:place], indices.shape[place], *around[place + 1 :])
    places = g.expand(counted(g, indices, x.shape[place]), shape)
    return g.node("GatherElements", [x, places], shape, x.dtype, axis=place)


def _put_along(
    g: Graph,
    x: Value,
    indices: Value,
    axis: int,
    shape: Shape,
) -> Value:
    (place,) = axes_of(x, axis)
    wide = (*x.shape[:place], shape[place], *x.shape[place + 1 :])
    zeros = g.constant(np.zeros(wide, x.dtype))
    places = g.expand(counted(g, indices, shape[place]), x.shape)
    out = _added(g, zeros, places, x, place)
    # an axis of 1 was broadcast against the indices: everything is added at its one place
    axes = [i for i, (a, b) in enumerate(zip(wide, shape, strict=True)) if a != b]
    return g.reduce("ReduceSum", out, axes, keepdims=True)


def _embedding(
    g: Graph,
    indices: Value,
    weight: Value,
) -> Value:
    return g.gather(weight, g.cast(indices, INT64), 0)


def _added_rows(
    g: Graph,
    *operands: Value,
    classes: int,
) -> Value:
    width = operands[0].shape[-1]
    out = g.constant(np.zeros((classes, width), operands[0].dtype))
    for x, indices in zip(operands[::2], operands[1::2], strict=True):
        places = g.reshape(g.cast(indices, INT64), (int(np.prod(indices.shape)), 1))
        rows = g.reshape(x, (places.shape[0], width))
        into = [out, places, g.cast(rows, out.dtype)]
        out = g.node("ScatterND", into, out.shape, out.dtype, reduction="add")
    return out


# --- classes --------------------------------------------------------------------------------------
def logsumexp(
    g: Graph,
    x: Value,
    axis: Any = None,
    keepdims: bool = False,
) -> Value:
    """log(sum(exp(x))) along axes, without overflow."""
    axes = axes_of(x, axis)
    top = g.reduce("ReduceMax", x, axes, keepdims=True)
    # what is infinite everywhere is not moved: inf - inf is no number
    size = g.each("Abs", top)
    is_finite = g.each("Less", size, g.constant(np.inf, x.dtype), dtype=BOOL)
    top = g.each("Where", is_finite, top, g.constant(0, x.dtype))
    sums = g.reduce("ReduceSum", g.each("Exp", g.each("Sub", x, top)), axes, keepdims=True)
    y = g.each("Add", g.each("Log", sums), top)
    return y if keepdims else g.reshape(y, _without(y.shape, axes))


def _without(
    shape: Shape,
    axes: tuple[int, ...],
) -> Shape:
    """The shape without these axes."""
    return tuple([length for axis, length in enumerate(shape) if axis not in axes])


def _one_hot(
    g: Graph,
    indices: Value,
    classes: int,
    dtype: Any = np.float64,
) -> Value:
    column = g.reshape(g.cast(indices, INT64), (*indices.shape, 1))
    hot = g.each("Equal", column, g.constant(np.arange(classes), INT64), dtype=BOOL)
    return g.cast(hot, dtype)


def _pick(
    g: Graph,
    x: Value,
    labels: Value,
) -> Value:
    column = g.reshape(g.cast(labels, INT64), (*labels.shape, 1))
    picked = g.node("GatherElements", [x, column], column.shape, x.dtype, axis=x.ndim - 1)
    return g.reshape(picked, labels.shape)


def _surprisal(
    g: Graph,
    logits: Value,
    targets: Value,
) -> Value:
    return g.each("Sub", logsumexp(g, logits, axis=-1), _pick(g, logits, targets))


def _cross_entropy(
    g: Graph,
    logits: Value,
    targets: Value,
) -> Value:
    losses = _surprisal(g, logits, targets)
    return g.reduce("ReduceMean", losses, range(losses.ndim))


def _surprisal_gradient(
    g: Graph,
    logits: Value,
    targets: Value,
    c: Value,
) -> Value:
    hot = _one_hot(g, targets, logits.shape[-1], logits.dtype)
    probabilities = g.each("Softmax", logits, axis=logits.ndim - 1)
    factor = g.cast(c, logits.dtype)
    return g.each("Mul", g.each("Sub", probabilities, hot), g.reshape(factor, (*c.shape, 1)))


def _softmax_minus_one_hot(
    g: Graph,
    e: Value,
    s: Value,
    labels: Value,
    c: Value,
) -> Value:
    hot = _one_hot(g, labels, e.shape[-1], e.dtype)
    return g.each("Mul", g.each("Sub", g.each("Div", e, s), hot), c)


READING: dict[Any, Any] = {
    indexing.getitem: _getitem,
    indexing.scatter: _scatter,
    np.take_along_axis: _take_along,
    selection.put_along: _put_along,
    embedding: _embedding,
    one_hot: _one_hot,
    primitives.pick: _pick,
    primitives.added_rows: _added_rows,
    primitives.softmax_minus_one_hot: _softmax_minus_one_hot,
    activations.surprisal: _surprisal,
    activations.surprisal_gradient: _surprisal_gradient,
    activations.cross_entropy: _cross_entropy,
}
