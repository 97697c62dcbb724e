"""The order of work: families on a cycle of the family graph run in a loop over the steps, all others all at once.

Source: Allen and Kennedy's loop distribution; Tarjan's strongly connected components.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from minigrad.compiler.families import Family

from .schedule import Schedule, Unit


def distribute_loops(schedule: Schedule) -> Schedule:
    """Make a unit of each strongly connected component of the family graph, after those it reads. Cost: linear."""
    reads = _family_graph(schedule)
    position = {n: i for i, n in enumerate(schedule.graph.nodes)}
    units = []
    for component in components(schedule.output_families(), reads):
        loop = len(component) > 1 or component[0] in reads[component[0]]
        nodes = [member for family in component for member in family.members]
        if loop:
            nodes.sort(key=position.__getitem__)
        units.append(Unit(component, nodes, loop))
    return replace(schedule, units=tuple(units))


def _family_graph(schedule: Schedule) -> dict[Family, dict[Family, None]]:
    """Which families each family reads; dictionaries as sets that keep their order."""
    family_of = schedule.family_of
    reads: dict[Family, dict[Family, None]] = {}
    for n in schedule.graph.nodes:
        if n in family_of:
            read_by_n = reads.setdefault(family_of[n], {})
            for source in schedule.sources(n):
                read_by_n[family_of[source]] = None
    return reads


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
                    parent = stack[-1][0]
                    low[parent] = min(low[parent], low[v])
                if low[v] == index[v]:
                    component: list[Any] = []
                    while v not in component[-1:]:
                        component.append(open_.popitem()[0])
                    yield component


def order_units(schedule: Schedule) -> Schedule:
    """The units as the tape has them: of those that can run next always the earliest, so that memory is free soon.

    And one section after the other.
    """
    reads = _unit_graph(schedule)
    readers = defaultdict[Unit, list[Unit]](list)
    for unit, sources in reads.items():
        for source in sources:
            readers[source].append(unit)
    waiting_for = {unit: len(sources) for unit, sources in reads.items()}
    place = {}
    for i, unit in enumerate(schedule.units):
        place[unit] = min([n.serial for n in unit.nodes]), i
    ready = [(place[unit], unit) for unit in schedule.units if not waiting_for[unit]]
    heapq.heapify(ready)
    ordered = []
    while ready:
        _, unit = heapq.heappop(ready)
        ordered.append(unit)
        for reader in readers[unit]:
            waiting_for[reader] -= 1
            if not waiting_for[reader]:
                heapq.heappush(ready, (place[reader], reader))
    ordered.sort(key=lambda unit: unit.section)
    return replace(schedule, units=tuple(ordered))


def _unit_graph(schedule: Schedule) -> dict[Unit, set[Unit]]:
    """Which other units each unit reads."""
    unit_of = {family: unit for unit in schedule.units for family in unit.families}
    reads = {}
    for unit in schedule.units:
        sources = set()
        for n in unit.nodes:
            sources.update([unit_of[schedule.family_of[s]] for s in schedule.sources(n)])
        reads[unit] = sources - {unit}
    return reads
