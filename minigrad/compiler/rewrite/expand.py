"""Functions of ours in terms of NumPy's, so that what they share is computed once and what they hold is batched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node, constant, rewritten
from minigrad.ops.activations import (
    _below,
    cross_entropy,
    log_softmax,
    one_hot,
    relu,
    sigmoid,
    softmax,
)
from minigrad.ops.elementwise import cast


def pick(x: Any, labels: Any) -> Any:
    """x[..., labels], one element of the last axis each. Refuses labels that are none."""
    return np.take_along_axis(
        x, _below("cross_entropy: targets", labels, x.shape[-1])[..., None], axis=-1
    )[..., 0]


def softmax_minus_one_hot(e: Any, s: Any, labels: Any, c: Any) -> Any:
    """(e / s - one_hot(labels)) * c: the gradient of the cross-entropy, in two passes."""
    return (e / s - one_hot(labels, e.shape[-1], e.dtype)) * c


def expand(graph: Graph) -> Graph:
    """Write sigmoid, relu, softmax, cross-entropy and mean out as the functions they consist of."""
    return rewritten(graph, lambda n: EXPANSIONS[n.fn](n) if n.fn in EXPANSIONS else n)


def _sigmoid(n: Node) -> Node:
    half = constant(0.5, n.dtype)
    tanh = n.made(np.tanh, n.made(np.multiply, half, n.inputs[0]))
    return n.made(np.add, half, n.made(np.multiply, half, tanh))


def _relu(n: Node) -> Node:
    return n.made(np.maximum, n.inputs[0], constant(0, n.dtype))


def _shifted(n: Node, x: Node, axis: int) -> tuple[Node, Node, Node]:
    """x - max(x), its exponential, and their sum along axis."""
    axis = axis % x.ndim
    one = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    top = n.made(np.max, x, shape=one, axis=axis, keepdims=True)
    shifted = n.made(np.subtract, x, top, shape=x.shape)
    e = n.made(np.exp, shifted, shape=x.shape)
    return shifted, e, n.made(np.sum, e, shape=one, axis=axis, keepdims=True)


def _softmax(n: Node) -> Node:
    _, e, s = _shifted(n, n.inputs[0], n.kwargs.get("axis", -1))
    return n.made(np.divide, e, s)


def _log_softmax(n: Node) -> Node:
    shifted, _, s = _shifted(n, n.inputs[0], n.kwargs.get("axis", -1))
    return n.made(np.subtract, shifted, n.made(np.log, s, shape=s.shape))


def _cross_entropy(n: Node) -> Node:
    x, labels = n.inputs
    shifted, _, s = _shifted(n, x, -1)
    picked = n.made(pick, shifted, labels, shape=labels.shape)
    mass = n.made(np.reshape, n.made(np.log, s, shape=s.shape), shape=labels.shape)
    mass.kwargs["shape"] = labels.shape
    return _mean(n.made(np.mean, n.made(np.subtract, mass, picked, shape=labels.shape)))


def _mean(n: Node) -> Node:
    x = n.inputs[0]
    if x.dtype != n.dtype or n.dtype.itemsize < 4:
        return n  # NumPy adds halves up as singles
    count = int(np.prod(x.shape)) // max(int(np.prod(n.shape)), 1)
    return n.made(np.divide, n.made(np.sum, *n.inputs, **n.kwargs), constant(count, n.dtype))


def _multiply(n: Node) -> Node:
    """(softmax - one_hot) * c as one function."""
    a, c = n.inputs
    if c.shape or c.dtype != n.dtype or a.fn is not np.subtract:
        return n
    p, hot = a.inputs
    if (
        hot.fn is not one_hot
        or p.fn is not np.divide
        or not p.shape == hot.shape == n.shape
        or hot.dtype != n.dtype
    ):
        return n
    e, s = p.inputs
    if e.fn is not np.exp or s.shape != (*e.shape[:-1], 1):
        return n
    return n.made(softmax_minus_one_hot, e, s, hot.inputs[0], c)


def _sum(n: Node) -> Node:
    """The sum over axes of size one, which conform leaves behind where it undoes broadcasting, is a reshape."""
    x, axis = n.inputs[0], n.kwargs.get("axis")
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if x.dtype != n.dtype or any(x.shape[i] != 1 for i in axes):
        return n
    return _reshaped(n, x)


def _reshaped(n: Node, x: Node) -> Node:
    return replace(n, fn=np.reshape, inputs=(x,), kwargs={"shape": n.shape})


def _reshape(n: Node) -> Node:
    """reshape(sum(x, keepdims=True)) is sum(x)."""
    x = n.inputs[0]
    if x.fn is np.sum and x.kwargs.get("keepdims") and x.kwargs.get("axis") is not None:
        source, axis = x.inputs[0], x.kwargs["axis"]
        axes = {i % source.ndim for i in (axis if isinstance(axis, tuple) else (axis,))}
        if n.shape == tuple(k for i, k in enumerate(source.shape) if i not in axes):
            return replace(x, kwargs={"axis": axis}, shape=n.shape, name=n.name)
    return x if x.shape == n.shape else n


def _cast(n: Node) -> Node:
    return n.inputs[0] if n.inputs[0].dtype == n.dtype else n


EXPANSIONS: dict[Any, Any] = {
    sigmoid: _sigmoid,
    relu: _relu,
    softmax: _softmax,
    log_softmax: _log_softmax,
    cross_entropy: _cross_entropy,
    np.mean: _mean,
    np.multiply: _multiply,
    np.sum: _sum,
    np.reshape: _reshape,
    cast: _cast,
}
