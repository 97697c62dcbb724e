"""Loop-invariant code motion inside sums and products: (p_t + r_t) + b is (p_t + b) + r_t."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.primitives import PAIRWISE

from .schedule import Schedule, Unit

Parts = dict[Node, Node]
"""New nodes, by the sum or product that reads them in the place of its free operands."""


def hoist(schedule: Schedule) -> Schedule:
    """Take what does not depend on a loop out of its sums and products, into units before it.

    Mutates the operands of those sums and products: they read new nodes, which the new graph lists.
    """
    family_of = dict(schedule.family_of)
    root_of = dict(schedule.root_of)
    part_of: Parts = {}
    units: list[Unit] = []
    for unit in schedule.units:
        for chain in _chains_in_loop(unit):
            parts = _take_out(chain, unit, schedule)
            part_of |= parts
            for members in _by_shape(parts):
                times = {part.time for part in members}
                family = Family(members, len(family_of), times)
                units.append(Unit([family], members, loop=False))
                family_of |= dict.fromkeys(members, family)
        units.append(unit)
    # no new node is a view
    for part in part_of.values():
        root_of[part] = part
    graph = _with_parts(schedule.graph, part_of)
    return Schedule(graph, family_of, root_of, tuple(units), schedule.total_of)


def _chains_in_loop(unit: Unit) -> list[Family]:
    """The sums and products of a loop."""
    if not unit.loop:
        return []
    return [family for family in unit.families if family.first.fn in PAIRWISE]


def _take_out(chain: Family, unit: Unit, schedule: Schedule) -> Parts:
    """Let each member read one new node for all operands that are not of the unit's families."""
    inside = set(unit.families)
    parts = {}
    for n in chain.members:
        free = []
        for x in n.inputs:
            if schedule.source_family(x) not in inside:
                free.append(x)
        # one operand is a node already; at an end of the loop all may be free
        if 1 < len(free) < len(n.inputs):
            part = _joined(n, free)
            bound = [x for x in n.inputs if x not in free]
            n.inputs = (part, *bound)
            parts[n] = part
    return parts


def _joined(n: Node, operands: list[Node]) -> Node:
    """What n's function makes of some of its operands."""
    fn = n.fn
    assert fn is not None
    shapes = [x.shape for x in operands]
    shape = np.broadcast_shapes(*shapes)
    return n.made(fn, *operands, shape=shape)


def _by_shape(parts: Parts) -> list[list[Node]]:
    """The new nodes of each shape, which may differ at an end of the loop."""
    alike = defaultdict[tuple[int, ...], list[Node]](list)
    for part in parts.values():
        alike[part.shape].append(part)
    return list(alike.values())


def _with_parts(graph: Graph, part_of: Parts) -> Graph:
    """The graph, each new node before its reader."""
    if not part_of:
        return graph
    nodes: list[Node] = []
    for n in graph.nodes:
        if n in part_of:
            nodes.append(part_of[n])
        nodes.append(n)
    return replace(graph, nodes=tuple(nodes))
