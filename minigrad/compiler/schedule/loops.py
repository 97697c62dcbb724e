"""The order of work: families on a cycle of the family graph run in a loop over the steps, all others all at once.

Source: Allen and Kennedy's loop distribution; Tarjan's strongly connected components.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.primitives import PAIRWISE


@dataclass(eq=False, slots=True)
class Unit:
    """What runs together: one family for all steps, or the families of a cycle, step by step."""

    families: list[Family]
    nodes: list[Node]  # in the order of execution
    loop: bool

    @property
    def section(self) -> int:
        """When it runs; all of it, as sections.py verifies."""
        return self.nodes[0].section


def sources(node: Node, root: dict[Node, Node]) -> Iterator[Node]:
    """The nodes whose memory node reads, leaves excepted."""
    for x in node.inputs:
        r = root[x]
        if r.fn is not None:
            yield r


def units(graph: Graph, root: dict[Node, Node], of: dict[Node, Family]) -> list[Unit]:
    """The strongly connected components of the family graph, each after those it reads from. Cost: linear."""
    wanted: dict[Family, dict[Family, None]] = {}
    for n in graph.nodes:
        if n in of:
            wanted.setdefault(of[n], {}).update(dict.fromkeys(of[s] for s in sources(n, root)))
    at = {n: i for i, n in enumerate(graph.nodes)}
    starts = [of[root[o]] for o in graph.outputs if root[o] in of]
    found = []
    for component in components(starts, wanted):
        loop = len(component) > 1 or component[0] in wanted[component[0]]
        nodes = [m for f in component for m in f.members]
        if loop:
            nodes.sort(key=at.__getitem__)
        found.append(Unit(component, nodes, loop))
    return found


def components(starts: list[Any], edges: dict[Any, dict[Any, None]]) -> Iterator[list[Any]]:
    """Tarjan's algorithm without recursion: the components reachable from starts, those reached before reachers."""
    index: dict[Any, int] = {}
    low: dict[Any, int] = {}
    open_: dict[Any, None] = {}
    for start in starts:
        if start in index:
            continue
        index[start] = low[start] = len(index)
        open_[start] = None
        stack = [(start, iter(edges[start]))]
        while stack:
            v, rest = stack[-1]
            for w in rest:
                if w not in index:
                    index[w] = low[w] = len(index)
                    open_[w] = None
                    stack.append((w, iter(edges[w])))
                    break
                if w in open_:
                    low[v] = min(low[v], index[w])
            else:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[v])
                if low[v] == index[v]:
                    component: list[Any] = []
                    while v not in component[-1:]:
                        component.append(open_.popitem()[0])
                    yield component


def scheduled(order: list[Unit], root: dict[Node, Node], of: dict[Node, Family]) -> list[Unit]:
    """The units as the tape has them: of those that can run next always the earliest, so that memory is free soon."""
    unit_of = {f: unit for unit in order for f in unit.families}
    wanted = {
        unit: {unit_of[of[s]] for n in unit.nodes for s in sources(n, root)} - {unit}
        for unit in order
    }
    readers = defaultdict[Unit, list[Unit]](list)
    for unit, its in wanted.items():
        for source in its:
            readers[source].append(unit)
    waiting = {unit: len(its) for unit, its in wanted.items()}
    first = {unit: (min(n.serial for n in unit.nodes), i) for i, unit in enumerate(order)}
    ready = [(first[unit], unit) for unit in order if not waiting[unit]]
    heapq.heapify(ready)
    found = []
    while ready:
        _, unit = heapq.heappop(ready)
        found.append(unit)
        for reader in readers[unit]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, (first[reader], reader))
    return found


def hoist(order: list[Unit], root: dict[Node, Node], of: dict[Node, Family]) -> list[Unit]:
    """Take what does not depend on the loop out of its sums and products: (p_t + r_t) + b is (p_t + b) + r_t.

    Changes the operands of the nodes, and enters new ones in ``root`` and ``of``; the graph does not list them.
    """
    new: list[Unit] = []
    for unit in order:
        for family in [f for f in unit.families if unit.loop and f.first.fn in PAIRWISE]:
            inside, outer = set(unit.families), []
            for n in family.members:
                free = [x for x in n.inputs if of.get(root[x]) not in inside]
                if n.fn is not None and 1 < len(free) < len(
                    n.inputs
                ):  # at an end of the loop all may be free
                    part = n.made(n.fn, *free, shape=np.broadcast_shapes(*[x.shape for x in free]))
                    root[part] = part
                    n.inputs = (part, *[x for x in n.inputs if x not in free])
                    outer.append(part)
            for shape in dict.fromkeys(
                n.shape for n in outer
            ):  # at an end of the loop it may differ
                alike = [n for n in outer if n.shape == shape]
                hoisted = Family(alike, len(of), {n.time for n in alike})
                of |= dict.fromkeys(alike, hoisted)
                new.append(Unit([hoisted], alike, loop=False))
        new.append(unit)
    return new
