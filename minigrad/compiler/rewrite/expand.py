"""Functions of ours in terms of NumPy's: what they share is computed once, the rest is batched."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.graph import Graph, Node, Shape, constant
from minigrad.compiler.primitives import pick, softmax_minus_one_hot
from minigrad.compiler.traits import reduced_axes
from minigrad.ops.activations import (
    cross_entropy,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    surprisal,
    surprisal_gradient,
)
from minigrad.ops.elementwise import cast
from minigrad.ops.indexing import getitem, scatter
from minigrad.ops.numeric.logistic import saturation
from minigrad.ops.rows.embedding import embedding

from .look_ups import as_look_up, as_product, as_sum
from .rebuild import rewrite_nodes


def expand(graph: Graph) -> Graph:
    """Write sigmoid, relu, softmax, cross-entropy and mean out as the functions they consist of."""
    return rewrite_nodes(graph, _expanded)


def expand_for_native_code(graph: Graph) -> Graph:
    """The same but for sigmoid, which native code has, accurate far from 0 too."""
    return rewrite_nodes(graph, lambda n: n if n.fn is sigmoid else _expanded(n))


def _expanded(n: Node) -> Node:
    rule = EXPANSIONS.get(n.fn)
    return n if rule is None else rule(n)


# --- activations and losses -----------------------------------------------------------------------
def _sigmoid(n: Node) -> Node:
    """1 / (1 + exp(-x)) is e / (1 + e), e = exp(x), where a larger x changes nothing any more."""
    most = constant(saturation(n), n.dtype)
    x = n.made(np.minimum, *n.inputs, most)
    e = n.made(np.exp, x)
    one = constant(1, n.dtype)
    mass = n.made(np.add, one, e)
    return n.made(np.divide, e, mass)


def _relu(n: Node) -> Node:
    zero = constant(0, n.dtype)
    return n.made(np.maximum, *n.inputs, zero)


class Shifted(NamedTuple):
    """x - max(x), its exponentials, and their sums along an axis, kept with size one."""

    shifted: Node
    e: Node
    s: Node


def _shift(n: Node) -> Shifted:
    """For a softmax of any kind, whose exponentials shall not overflow."""
    x = n.inputs[0]
    axes = reduced_axes(n.kwargs.get("axis", -1), x.ndim)
    full = x.shape
    one = tuple([1 if i in axes else size for i, size in enumerate(full)])
    keywords: dict[str, Any] = {"axis": axes, "keepdims": True}
    top = n.made(np.max, x, shape=one, **keywords)
    shifted = n.made(np.subtract, x, top, shape=full)
    e = n.made(np.exp, shifted, shape=full)
    s = n.made(np.sum, e, shape=one, **keywords)
    return Shifted(shifted, e, s)


def _softmax(n: Node) -> Node:
    _, e, s = _shift(n)
    return n.made(np.divide, e, s)


def _log_softmax(n: Node) -> Node:
    shifted, _, s = _shift(n)
    log = n.made(np.log, s, shape=s.shape)
    return n.made(np.subtract, shifted, log)


def _cross_entropy(n: Node) -> Node:
    """The mean over the rows."""
    losses = _surprisal(n)
    mean = n.made(np.mean, losses)
    return _mean(mean)


def _surprisal(n: Node) -> Node:
    """log(sum(exp(x))) - x[label] of every row."""
    labels = n.inputs[1]
    rows = labels.shape
    shifted, _, s = _shift(n)
    picked = n.made(pick, shifted, labels, shape=rows)
    log = n.made(np.log, s, shape=s.shape)
    mass = log.reshaped(rows)
    return n.made(np.subtract, mass, picked, shape=rows)


def _surprisal_gradient(n: Node) -> Node:
    """(softmax - one_hot) * c as one function; c is one number, or one of each row."""
    _, labels, c = n.inputs
    _, e, s = _shift(n)
    factor = c.reshaped((*c.shape, 1)) if c.shape else c
    return n.made(softmax_minus_one_hot, e, s, labels, factor)


# --- reductions and shapes ------------------------------------------------------------------------
def _mean(n: Node) -> Node:
    x = n.inputs[0]
    # NumPy adds halves up as singles
    if x.dtype != n.dtype or n.dtype.itemsize < 4:
        return n
    results = max(math.prod(n.shape), 1)
    count = math.prod(x.shape) // results
    sums = n.made(np.sum, x, **n.kwargs)
    divisor = constant(count, n.dtype)
    return n.made(np.divide, sums, divisor)


def _sum(n: Node) -> Node:
    """The sum over axes of size one, which undoing a broadcast leaves behind, is a reshape."""
    x = n.inputs[0]
    axes = reduced_axes(n.kwargs.get("axis"), x.ndim)
    sizes = {x.shape[i] for i in axes}
    if x.dtype != n.dtype or not sizes <= {1}:
        return n
    keywords = {"shape": n.shape}
    return replace(n, fn=np.reshape, kwargs=keywords)


def _reshape(n: Node) -> Node:
    """reshape(sum(x, keepdims=True)) is sum(x); to the shape that x has, it is x."""
    x = n.inputs[0]
    if x.fn is np.sum and x.kwargs.get("keepdims"):
        axis = x.kwargs.get("axis")
        if axis is not None and n.shape == _shape_without(axis, x.inputs[0].shape):
            keywords = {"axis": axis}
            return replace(x, kwargs=keywords, shape=n.shape, name=n.name)
    return x if x.shape == n.shape else n


def _with_other_ones(n: Node) -> Node:
    """An array with axes of size one more, or fewer."""
    return replace(n, fn=np.reshape, kwargs={"shape": n.shape})


def _shape_without(axis: Any, shape: Shape) -> Shape:
    """What is left of a shape when one axis or several are reduced."""
    gone = reduced_axes(axis, len(shape))
    left = [size for i, size in enumerate(shape) if i not in gone]
    return tuple(left)


def _cast(n: Node) -> Node:
    x = n.inputs[0]
    return x if x.dtype == n.dtype else n


EXPANSIONS: dict[Any, Callable[[Node], Node]] = {
    sigmoid: _sigmoid,
    relu: _relu,
    softmax: _softmax,
    log_softmax: _log_softmax,
    cross_entropy: _cross_entropy,
    surprisal: _surprisal,
    surprisal_gradient: _surprisal_gradient,
    np.mean: _mean,
    np.sum: _sum,
    np.reshape: _reshape,
    np.expand_dims: _with_other_ones,
    np.squeeze: _with_other_ones,
    cast: _cast,
    embedding: as_product,
    getitem: as_look_up,
    scatter: as_sum,
}
"""What stands for a call of each function; the node itself where it stays."""
