"""The order of work: a loop over the steps for families on a cycle, all steps at once for others.

Source: Allen and Kennedy's loop distribution; Tarjan's strongly connected components.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node

from .schedule import Schedule, Unit

Edges = dict[Any, dict[Any, None]]
"""From each vertex to others; the inner dictionaries are sets that keep their order."""


def distribute_loops(schedule: Schedule) -> Schedule:
    """Make a unit of each strongly connected component of the family graph. Cost: linear.

    Each unit comes after those it reads from.
    """
    reads = _family_graph(schedule)
    position = {}
    for i, n in enumerate(schedule.graph.nodes):
        position[n] = i
    units = []
    # what no output needs has no unit
    starts = schedule.output_families()
    for component in components(starts, reads):
        first = component[0]
        loop = len(component) > 1 or first in reads[first]
        nodes: list[Node] = []
        for family in component:
            nodes += family.members
        if loop:
            nodes.sort(key=position.__getitem__)
        units.append(Unit(component, nodes, loop))
    return replace(schedule, units=tuple(units))


def _family_graph(schedule: Schedule) -> Edges:
    """Which families each family reads."""
    family_of = schedule.family_of
    reads: Edges = {}
    for n in schedule.graph.nodes:
        if n in family_of:
            family = family_of[n]
            reads_of_family = reads.setdefault(family, {})
            for source in schedule.sources(n):
                reads_of_family[family_of[source]] = None
    return reads


def components(starts: list[Any], edges: Edges) -> Iterator[list[Any]]:
    """The strongly connected components reachable from starts, those reached before reachers.

    Tarjan's algorithm, without recursion.
    """
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
                    parent, _ = stack[-1]
                    low[parent] = min(low[parent], low[v])
                # nothing that v reaches leads back to before it: its component is complete
                if low[v] == index[v]:
                    yield _close(open_, v)


def _close(open_: dict[Any, None], root: Any) -> list[Any]:
    """Take a component off the open vertices: all that were entered since its root."""
    component: list[Any] = []
    while root not in component[-1:]:
        vertex, _ = open_.popitem()
        component.append(vertex)
    return component


def order_units(schedule: Schedule) -> Schedule:
    """The units as the tape has them, and one section after the other.

    Of those that can run next always the earliest, so that memory is free soon.
    """
    reads = _unit_graph(schedule)
    readers = defaultdict[Unit, list[Unit]](list)
    waiting_for: dict[Unit, int] = {}
    for unit, sources in reads.items():
        waiting_for[unit] = len(sources)
        for source in sources:
            readers[source].append(unit)
    place = _places(schedule)
    ready = [(place[unit], unit) for unit in reads if not waiting_for[unit]]
    heapq.heapify(ready)
    ordered = []
    while ready:
        _, unit = heapq.heappop(ready)
        ordered.append(unit)
        for reader in readers[unit]:
            waiting_for[reader] -= 1
            if not waiting_for[reader]:
                entry = place[reader], reader
                heapq.heappush(ready, entry)
    # stable: the order within a section stays
    ordered.sort(key=lambda unit: unit.section)
    return replace(schedule, units=tuple(ordered))


def _unit_graph(schedule: Schedule) -> dict[Unit, set[Unit]]:
    """Which other units each unit reads."""
    unit_of: dict[Family, Unit] = {}
    for unit in schedule.units:
        unit_of |= dict.fromkeys(unit.families, unit)
    family_of = schedule.family_of
    reads = {}
    for unit in schedule.units:
        sources = set()
        for n in unit.nodes:
            for source in schedule.sources(n):
                sources.add(unit_of[family_of[source]])
        sources.discard(unit)
        reads[unit] = sources
    return reads


def _places(schedule: Schedule) -> dict[Unit, tuple[int, int]]:
    """Where on the tape each unit begins; of two that begin at one place, the number decides."""
    places = {}
    for number, unit in enumerate(schedule.units):
        serials = [n.serial for n in unit.nodes]
        places[unit] = min(serials), number
    return places
