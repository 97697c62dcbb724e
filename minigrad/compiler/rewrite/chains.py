"""Chains of additions as one sum of many terms, of multiplications as one product: in any order, and all at once."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node, append, needed
from minigrad.ops.elementwise import accumulate


def total(*terms: Any) -> Any:
    """The sum of the terms."""
    return functools.reduce(np.add, terms)


def product(*factors: Any) -> Any:
    """The product of the factors."""
    return functools.reduce(np.multiply, factors)


CHAINS: dict[Any, Any] = {np.add: total, accumulate: total, np.multiply: product}
STEP: dict[Any, np.ufunc] = {total: np.add, product: np.multiply}
"""What joins two operands of a chain."""


def flatten(graph: Graph) -> Graph:
    """Turn additions into totals; one that only another addition of its shape reads lends it its terms. So products.

    The nodes of the graph that is given are used again: it is spent.
    """
    readers = graph.readers()
    links = {n: CHAINS[n.fn] for n in graph.nodes if _links(n)}
    lent = {
        n
        for n, chain in links.items()
        if len(readers[n]) == 1 and links.get(r := readers[n][0]) is chain and r.shape == n.shape
    } - set(graph.outputs)
    new: dict[Node, Node] = {}
    order: dict[Node, None] = {}
    for n in graph.nodes:
        if n in lent:
            continue
        if n in links:
            new[n] = _by_segment(n, links[n], tuple([new[x] for x in _terms(n, lent)]))
        else:
            n.inputs = tuple([new[x] for x in n.inputs])
            new[n] = n
        append(order, new[n])
    return needed(order, tuple(new[o] for o in graph.outputs))


def _by_segment(n: Node, chain: Any, terms: tuple[Node, ...]) -> Node:
    """The chain of all terms; over the segments of a checkpointed tape one chain each, begun with what came before."""
    parts: dict[Any, list[Node]] = {}
    for x in terms if n.time is None else ():
        parts.setdefault(x.segment, []).append(x)
    if len(parts) < 2:
        return n.made(chain, *terms, name=n.name)
    so_far: list[Node] = []
    for its in sorted(parts.values(), key=lambda its: max(x.serial for x in its)):
        made = n.made(chain, *so_far, *its)
        made.serial, so_far = max(x.serial for x in its), [made]
    so_far[0].name = n.name
    return so_far[0]


def _links(n: Node) -> bool:
    return n.fn in CHAINS and n.dtype.kind == "f" and all(x.dtype == n.dtype for x in n.inputs)


def _terms(n: Node, lent: set[Node]) -> list[Node]:
    """What n adds up, in order, looking into the links that are lent to it. Without recursion."""
    terms, stack = [], list(reversed(n.inputs))
    while stack:
        x = stack.pop()
        if x in lent:
            stack.extend(reversed(x.inputs))
        else:
            terms.append(x)
    return terms
