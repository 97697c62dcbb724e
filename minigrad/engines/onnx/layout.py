"""ONNX operators that move values, and those of shapes: these are known when recorded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from minigrad.core.tensor import Tensor

from .arithmetic import Operator
from .nodes import Node, Value, as_tensor
from .scatters import scatter_elements, scatter_nd
from .step_reads import take

# Of what a few bytes of a file ask for.
MAX_ELEMENTS = 1 << 27


# --- shapes ---------------------------------------------------------------------------------------
def _shape(n: Node, x: Value) -> Value:
    return np.array(x.shape, np.int64)[n.get("start", 0) : n.get("end")]


def _size(n: Node, x: Value) -> Value:
    return np.array(prod(x.shape), np.int64)


def _lengths(n: Node, value: Value) -> tuple[int, ...]:
    return tuple(np.ravel(n.setting("shape", value)).tolist())


def _reshape(
    n: Node,
    x: Value,
    shape: Value = None,
) -> Value:
    lengths = list(_lengths(n, shape))
    if not n.get("allowzero", 0):
        lengths = [x.shape[a] if length == 0 else length for a, length in enumerate(lengths)]
    return np.reshape(x, tuple(lengths))


def _flatten(n: Node, x: Value) -> Value:
    axis = n.get("axis", 1)
    axis += x.ndim if axis < 0 else 0
    return np.reshape(x, (prod(x.shape[:axis]), prod(x.shape[axis:])))


def _transpose(n: Node, x: Value) -> Value:
    order = n.get("perm")
    return np.transpose(x, None if order is None else tuple(order))


def _squeeze(
    n: Node,
    x: Value,
    axes: Value = None,
) -> Value:
    return np.squeeze(x, axis=n.axes(axes))


def _unsqueeze(
    n: Node,
    x: Value,
    axes: Value = None,
) -> Value:
    return np.expand_dims(x, n.axes(axes) or ())


def _expand(
    n: Node,
    x: Value,
    shape: Value,
) -> Value:
    together = np.broadcast_shapes(x.shape, _lengths(n, shape))
    return np.broadcast_to(x, _believed(n, together))


def _believed(n: Node, shape: Sequence[int]) -> Sequence[int]:
    """The shape of what is made of less. Raises UnsupportedError where that is beyond belief."""
    if prod(shape) > MAX_ELEMENTS:
        raise n.refuse(f"{prod(shape):,} elements", expected=f"at most {MAX_ELEMENTS:,}")
    return shape


# --- made of nothing ------------------------------------------------------------------------------
def _constant(n: Node) -> Value:
    for name in ("value", "value_float", "value_int"):
        if name in n.attributes:
            return np.asarray(n.attributes[name], np.float32 if name == "value_float" else None)
    for name, dtype in (("value_floats", np.float32), ("value_ints", np.int64)):
        if name in n.attributes:
            return np.array(n.attributes[name], dtype)
    raise n.refuse(f"a value of {', '.join(n.attributes)}")


def _constant_of_shape(n: Node, shape: Value) -> Value:
    value = n.get("value", np.zeros(1, np.float32))
    return np.full(_believed(n, _lengths(n, shape)), value[0], value.dtype)


def _range(
    n: Node,
    start: Value,
    limit: Value,
    delta: Value,
) -> Value:
    bounds = (n.known("start", start), n.known("limit", limit), n.known("delta", delta))
    _believed(n, [int((bounds[1] - bounds[0]) / bounds[2])])
    return np.arange(*bounds, dtype=start.dtype)


# --- joined and taken apart -----------------------------------------------------------------------
def _concat(n: Node, *xs: Value) -> Value:
    return np.concatenate(xs, axis=n.attributes["axis"])


def _split(
    n: Node,
    x: Value,
    sizes: Value = None,
) -> Value:
    axis = n.get("axis", 0) % x.ndim
    lengths = n.setting("split", sizes)
    if lengths is None:
        length = -(-x.shape[axis] // len(n.outputs))
        lengths = [length] * (len(n.outputs) - 1)
        lengths.append(x.shape[axis] - sum(lengths))
    bounds = np.cumsum([0, *lengths]).tolist()
    return tuple(x[*_all(axis), slice(*ends)] for ends in pairwise(bounds))


def _all(axis: int) -> tuple[slice, ...]:
    """The axes before this one, in an index."""
    return (slice(None),) * axis


def _slice(
    n: Node,
    x: Value,
    starts: Value = None,
    ends: Value = None,
    axes: Value = None,
    steps: Value = None,
) -> Value:
    starts, ends = n.setting("starts", starts).tolist(), n.setting("ends", ends).tolist()
    where = n.axes(axes) or range(len(starts))
    strides = [1] * len(starts) if steps is None else n.known("steps", steps).tolist()
    index = [slice(None)] * x.ndim
    for axis, *bounds in zip(where, starts, ends, strides, strict=True):
        index[axis] = slice(*bounds)
    return x[tuple(index)]


def _gather(
    n: Node,
    x: Value,
    indices: Value,
) -> Value:
    axis = n.get("axis", 0) % x.ndim
    if not isinstance(indices, Tensor) and indices.ndim == 0:
        return take(x, axis, int(indices))
    if isinstance(indices, Tensor):
        x = as_tensor(x)
    return x[*_all(axis), indices]


def _gather_elements(
    n: Node,
    x: Value,
    indices: Value,
) -> Value:
    axis = n.get("axis", 0)
    indices = np.where(indices < 0, indices + x.shape[axis], indices)
    return np.take_along_axis(x, indices, axis)


def _top_k(
    n: Node,
    x: Value,
    k: Value = None,
) -> Value:
    axis = n.get("axis", -1) % x.ndim
    count = int(np.ravel(n.setting("k", k))[0])
    order = np.argsort(-x if n.get("largest", 1) else x, axis=axis, kind="stable")
    indices = order[*_all(axis), :count]
    return np.take_along_axis(x, indices, axis), indices


def _one_hot(
    n: Node,
    indices: Value,
    depth: Value,
    values: Value,
) -> Value:
    count = int(np.ravel(n.known("depth", depth))[0])
    _believed(n, [*indices.shape, count])
    axis = n.get("axis", -1)
    indices = np.where(indices < 0, indices + count, indices)
    hits = np.expand_dims(indices, axis)
    shape = [1] * hits.ndim
    shape[axis] = count
    return np.where(hits == np.arange(count).reshape(shape), values[1], values[0])


def _tile(
    n: Node,
    x: Value,
    repeats: Value,
) -> Value:
    times = n.known("repeats", repeats).tolist()
    _believed(n, [*x.shape, *times])
    return np.tile(x, tuple(times))


def _pad(
    n: Node,
    x: Value,
    pads: Value = None,
    value: Value = None,
    axes: Value = None,
) -> Value:
    if n.get("mode", "constant") != "constant":
        raise n.refuse(f"mode {n.get('mode')!r}", expected="expected 'constant'")
    widths = n.setting("pads", pads).tolist()
    fill = n.get("value", 0.0) if value is None else n.known("constant_value", value)
    where = [a % x.ndim for a in n.axes(axes) or range(x.ndim)]
    bounds = [[0, 0]] * x.ndim
    for axis, before, after in zip(where, widths, widths[len(where) :], strict=False):
        bounds[axis] = [before, after]
    if np.min(widths) < 0:
        raise n.refuse("negative pads")
    _believed(n, [length + sum(ends) for length, ends in zip(x.shape, bounds, strict=True)])
    return np.pad(x, bounds, constant_values=np.ravel(fill)[0])


def _triangle(
    n: Node,
    x: Value,
    k: Value = None,
) -> Value:
    diagonal = 0 if k is None else int(n.known("k", k))
    return np.triu(x, diagonal) if n.get("upper", 1) else np.tril(x, diagonal)


LAYOUT: dict[str, Operator] = {
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "OneHot": _one_hot,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_nd,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "TopK": _top_k,
    "Transpose": _transpose,
    "Trilu": _triangle,
    "Unsqueeze": _unsqueeze,
}


def known_or_recorded(x: Any) -> Value:
    """What an operator gave, as a value: NumPy's scalars are arrays too."""
    return x if x is None or isinstance(x, Tensor) else np.asarray(x)
