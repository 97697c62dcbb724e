"""Functions of ours in terms of NumPy's: what they share is computed once, the rest is batched."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node, constant
from minigrad.compiler.primitives import pick, softmax_minus_one_hot
from minigrad.compiler.traits import reduced_axes
from minigrad.ops.activations import (
    cross_entropy,
    log_softmax,
    one_hot,
    relu,
    sigmoid,
    softmax,
)
from minigrad.ops.elementwise import cast

from .rebuild import rewrite_nodes


def expand(graph: Graph) -> Graph:
    """Write sigmoid, relu, softmax, cross-entropy and mean out as the functions they consist of."""
    return rewrite_nodes(graph, _expanded)


def _expanded(n: Node) -> Node:
    rule = EXPANSIONS.get(n.fn)
    return n if rule is None else rule(n)


# --- activations and losses -----------------------------------------------------------------------
def _sigmoid(n: Node) -> Node:
    """1 / (1 + exp(-x)) is (1 + tanh(x / 2)) / 2, which does not overflow."""
    half = constant(0.5, n.dtype)
    tanh = n.made(np.tanh, n.made(np.multiply, half, n.inputs[0]))
    return n.made(np.add, half, n.made(np.multiply, half, tanh))


def _relu(n: Node) -> Node:
    return n.made(np.maximum, n.inputs[0], constant(0, n.dtype))


def _shifted(n: Node, x: Node, axis: int) -> tuple[Node, Node, Node]:
    """x - max(x), its exponential, and the sum of that along axis."""
    axis = axis % x.ndim
    one = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    top = n.made(np.max, x, shape=one, axis=axis, keepdims=True)
    shifted = n.made(np.subtract, x, top, shape=x.shape)
    e = n.made(np.exp, shifted, shape=x.shape)
    s = n.made(np.sum, e, shape=one, axis=axis, keepdims=True)
    return shifted, e, s


def _softmax(n: Node) -> Node:
    _, e, s = _shifted(n, n.inputs[0], n.kwargs.get("axis", -1))
    return n.made(np.divide, e, s)


def _log_softmax(n: Node) -> Node:
    shifted, _, s = _shifted(n, n.inputs[0], n.kwargs.get("axis", -1))
    log = n.made(np.log, s, shape=s.shape)
    return n.made(np.subtract, shifted, log)


def _cross_entropy(n: Node) -> Node:
    """The mean of log(sum(exp(x))) - x[label] over the rows."""
    x, labels = n.inputs
    shifted, _, s = _shifted(n, x, -1)
    picked = n.made(pick, shifted, labels, shape=labels.shape)
    log = n.made(np.log, s, shape=s.shape)
    losses = n.made(np.subtract, log.reshaped(labels.shape), picked, shape=labels.shape)
    return _mean(n.made(np.mean, losses))


def _softmax_gradient(n: Node) -> Node:
    """(softmax - one_hot) * c as one function."""
    a, c = n.inputs
    if c.shape or c.dtype != n.dtype or a.fn is not np.subtract:
        return n
    p, hot = a.inputs
    if p.fn is not np.divide or hot.fn is not one_hot or hot.dtype != n.dtype:
        return n
    e, s = p.inputs
    if e.fn is not np.exp or s.shape != (*e.shape[:-1], 1):
        return n
    if p.shape != n.shape or hot.shape != n.shape:
        return n
    return n.made(softmax_minus_one_hot, e, s, hot.inputs[0], c)


# --- reductions and shapes ------------------------------------------------------------------------
def _mean(n: Node) -> Node:
    x = n.inputs[0]
    # NumPy adds halves up as singles
    if x.dtype != n.dtype or n.dtype.itemsize < 4:
        return n
    count = math.prod(x.shape) // max(math.prod(n.shape), 1)
    sums = n.made(np.sum, *n.inputs, **n.kwargs)
    return n.made(np.divide, sums, constant(count, n.dtype))


def _sum(n: Node) -> Node:
    """The sum over axes of size one, which undoing a broadcast leaves behind, is a reshape."""
    x = n.inputs[0]
    sizes = [x.shape[i] for i in reduced_axes(n.kwargs.get("axis"), x.ndim)]
    if x.dtype != n.dtype or any(size != 1 for size in sizes):
        return n
    return replace(n, fn=np.reshape, inputs=(x,), kwargs={"shape": n.shape})


def _reshape(n: Node) -> Node:
    """reshape(sum(x, keepdims=True)) is sum(x); to the shape that x has, it is x."""
    x = n.inputs[0]
    if x.fn is np.sum and x.kwargs.get("keepdims") and x.kwargs.get("axis") is not None:
        source = x.inputs[0]
        axes = reduced_axes(x.kwargs["axis"], source.ndim)
        left = [size for i, size in enumerate(source.shape) if i not in axes]
        if n.shape == tuple(left):
            keywords = {"axis": x.kwargs["axis"]}
            return replace(x, kwargs=keywords, shape=n.shape, name=n.name)
    return x if x.shape == n.shape else n


def _cast(n: Node) -> Node:
    x = n.inputs[0]
    return x if x.dtype == n.dtype else n


EXPANSIONS: dict[Any, Callable[[Node], Node]] = {
    sigmoid: _sigmoid,
    relu: _relu,
    softmax: _softmax,
    log_softmax: _log_softmax,
    cross_entropy: _cross_entropy,
    np.mean: _mean,
    np.multiply: _softmax_gradient,
    np.sum: _sum,
    np.reshape: _reshape,
    cast: _cast,
}
"""What stands for a call of each function; the node itself where it stays."""
