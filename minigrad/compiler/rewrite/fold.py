"""A smaller graph: constants computed now, equal computations once, neutral elements dropped."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node, constant, evaluate
from minigrad.compiler.views import is_view
from minigrad.core.tensor import Array

from .rebuild import rewrite_nodes

NEUTRAL: dict[Any, int] = {
    np.add: 0,
    np.subtract: 0,
    np.multiply: 1,
    np.divide: 1,
    np.power: 1,
}
COMMUTATIVE = (np.add, np.multiply)
# a larger constant is cheaper to compute again than to keep
MAX_FOLDED_ELEMENTS = 4096
# larger constants are rarely equal, and comparing them takes time
MAX_COMPARED_ELEMENTS = 16


def fold(graph: Graph) -> Graph:
    """Do all three in one walk: each opens the way for the others."""
    known: dict[Hashable, Node] = {}

    def folded(n: Node) -> Node:
        return common(without_neutral(computed(n)), known)

    return rewrite_nodes(graph, folded)


def computed(n: Node) -> Node:
    """A constant, where all operands are."""
    values: list[Array] = []
    for x in n.inputs:
        if x.value is None:
            return n
        values.append(x.value)
    if not values or is_view(n):
        return n
    if math.prod(n.shape) > MAX_FOLDED_ELEMENTS:
        return n
    return constant(evaluate(n, values))


def without_neutral(n: Node) -> Node:
    """x instead of x + 0, x - 0, x * 1, x / 1 and x ** 1."""
    if n.fn not in NEUTRAL:
        return n
    a, b = n.inputs
    pairs = [(a, b)]
    if n.fn in COMMUTATIVE:
        pairs.append((b, a))
    for x, other in pairs:
        same_form = x.shape == n.shape and x.dtype == n.dtype
        if same_form and _is_everywhere(NEUTRAL[n.fn], other.value):
            return x
    return n


def _is_everywhere(number: int, value: Array | None) -> bool:
    """Whether a constant, if it is one, has elements and all are that number."""
    return value is not None and value.size > 0 and bool(np.all(value == number))


def common(n: Node, known: dict[Hashable, Node]) -> Node:
    """The node met before that computes the same; constants are the same where their bytes are."""
    key = _key(n)
    return n if key is None else known.setdefault(key, n)


def _key(n: Node) -> Hashable:
    """What nodes that compute the same have in common; None for what is not compared."""
    if n.value is not None:
        if n.value.size > MAX_COMPARED_ELEMENTS:
            return None
        return n.dtype, n.shape, n.value.tobytes()
    if n.fn is None:
        return None
    return n.fn, n.inputs, repr(n.kwargs) if n.kwargs else ""
