"""Chains of additions as one sum of many terms: they may then be taken in any order, and all at once."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..vjps.elementwise import accumulate
from .graph import Graph, Node, ordered


def total(*terms: Any) -> Any:
    """The sum of the terms."""
    return functools.reduce(np.add, terms)


def flatten(graph: Graph) -> Graph:
    """Turn additions into totals; one that only another addition of its shape reads lends it its terms."""
    readers = graph.readers()
    adds = {n for n in graph.nodes if _adds(n)}
    lent = {n for n in adds if len(readers[n]) == 1 and (r := readers[n][0]) in adds and r.shape == n.shape}
    lent -= set(graph.outputs)
    new: dict[Node, Node] = {}
    for n in graph.nodes:
        if n in adds and n not in lent:
            terms = tuple([new[x] for x in _terms(n, lent)])
            new[n] = Node(total, terms, {}, n.shape, n.dtype, n.time, n.place, n.name)
        elif n not in lent:
            new[n] = n.with_inputs(tuple([new[x] for x in n.inputs]))
    return ordered(tuple(new[o] for o in graph.outputs))


def _adds(n: Node) -> bool:
    return n.fn in (np.add, accumulate) and n.dtype.kind == "f" and all(x.dtype == n.dtype for x in n.inputs)


def _terms(n: Node, lent: set[Node]) -> list[Node]:
    """What n adds up, in order, looking into the additions that are lent to it. Without recursion."""
    terms, stack = [], list(reversed(n.inputs))
    while stack:
        x = stack.pop()
        if x in lent:
            stack.extend(reversed(x.inputs))
        else:
            terms.append(x)
    return terms
