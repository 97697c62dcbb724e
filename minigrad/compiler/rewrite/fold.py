"""Passes that make the graph smaller: constants computed now, equal computations once, neutral elements dropped."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node, constant, is_view, rewritten, run
from minigrad.core.tensor import Array

_NEUTRAL: dict[Any, int] = {np.add: 0, np.subtract: 0, np.multiply: 1, np.divide: 1, np.power: 1}
_SMALL = 4096  # elements: a larger constant is cheaper to compute again than to keep


def fold(graph: Graph) -> Graph:
    """All three in one walk: each opens the way for the others."""
    known: dict[Any, Node] = {}
    return rewritten(graph, lambda n: common(without_neutral(computed(n)), known))


def computed(n: Node) -> Node:
    """A constant, where all operands are."""
    values: list[Array] = []
    for x in n.inputs:
        if x.value is None:
            return n
        values.append(x.value)
    if not values or is_view(n) or math.prod(n.shape) > _SMALL:
        return n
    return constant(run(n, values))


def without_neutral(n: Node) -> Node:
    """x instead of x + 0, x - 0, x * 1, x / 1 and x ** 1."""
    unit = _NEUTRAL.get(n.fn)
    if unit is None:
        return n
    a, b = n.inputs
    for x, other in ((a, b), (b, a)) if n.fn in (np.add, np.multiply) else ((a, b),):
        value = other.value
        if (
            value is not None
            and value.size
            and (x.shape, x.dtype) == (n.shape, n.dtype)
            and np.all(value == unit)
        ):
            return x
    return n


def common(n: Node, known: dict[Any, Node]) -> Node:
    """The node met before that computes the same; constants are the same where their bytes are."""
    key: Any
    if n.value is not None:
        if n.value.size > 16:
            return n
        key = (n.dtype, n.shape, n.value.tobytes())
    elif n.fn is None:
        return n
    else:
        key = (n.fn, n.inputs, repr(n.kwargs) if n.kwargs else "")
    return known.setdefault(key, n)
