"""Chains of additions as one sum of many terms, of multiplications as one product, in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node, Segment, append, mapped, needed
from minigrad.compiler.primitives import product, total
from minigrad.ops.elementwise import accumulate

Chain = Callable[..., Any]
CHAIN_OF: dict[Any, Chain] = {
    np.add: total,
    accumulate: total,
    np.multiply: product,
}


def flatten(graph: Graph) -> Graph:
    """Collapse a + (b + c) into total(a, b, c) where nobody else reads b + c. Products likewise."""
    links = {n: CHAIN_OF[n.fn] for n in graph.nodes if _is_link(n)}
    inner = _inner(graph, links)
    new: dict[Node, Node] = {}
    order: dict[Node, None] = {}
    for n in graph.nodes:
        if n in inner:
            continue
        if n in links:
            terms = mapped(_terms(n, inner), new)
            new[n] = _by_segment(n, links[n], terms)
            append(order, new[n])
        else:
            operands = mapped(n.inputs, new)
            new[n] = node = n.with_inputs(operands)
            order[node] = None
    outputs = mapped(graph.outputs, new)
    return needed(order, outputs)


def _is_link(n: Node) -> bool:
    """Whether the order of additions may change: of reals of one precision."""
    if n.fn not in CHAIN_OF or not n.is_real:
        return False
    return all(x.dtype == n.dtype for x in n.inputs)


def _inner(graph: Graph, links: dict[Node, Chain]) -> set[Node]:
    """The links that only another link of the same chain and shape reads."""
    readers = graph.readers()
    inner = set()
    for n, chain in links.items():
        if len(readers[n]) == 1:
            reader = readers[n][0]
            if links.get(reader) is chain and reader.shape == n.shape:
                inner.add(n)
    return inner.difference(graph.outputs)


def _terms(n: Node, inner: set[Node]) -> tuple[Node, ...]:
    """What n adds up, in order, looking into its inner links. Without recursion."""
    terms = []
    stack = list(reversed(n.inputs))
    while stack:
        x = stack.pop()
        if x in inner:
            stack.extend(reversed(x.inputs))
        else:
            terms.append(x)
    return tuple(terms)


def _by_segment(n: Node, chain: Chain, terms: tuple[Node, ...]) -> Node:
    """The chain of all terms; over the segments of a checkpointed tape one for each.

    Each begins with the one before. So the gradients of one segment are added up, and their memory
    is free, before the next is computed again.
    """
    parts: dict[Segment | None, list[Node]] = {}
    if n.time is None:
        for x in terms:
            parts.setdefault(x.segment, []).append(x)
    if len(parts) < 2:
        return n.made(chain, *terms, name=n.name)
    so_far: list[Node] = []
    for part in sorted(parts.values(), key=_last_serial):
        link = n.made(chain, *so_far, *part)
        link.serial = _last_serial(part)
        so_far = [link]
    so_far[0].name = n.name
    return so_far[0]


def _last_serial(nodes: Iterable[Node]) -> int:
    return max(n.serial for n in nodes)
