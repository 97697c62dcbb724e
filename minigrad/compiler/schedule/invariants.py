"""Loop-invariant code motion inside sums and products: (p_t + r_t) + b is (p_t + b) + r_t."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.rewrite.chains import STEP

from .schedule import Schedule, Unit


def hoist(schedule: Schedule) -> Schedule:
    """Take what does not depend on a loop out of its sums and products, as units of their own before it.

    Mutates the operands of those sums and products: they read the new nodes, which the new graph lists.
    """
    family_of = dict(schedule.family_of)
    root_of = dict(schedule.root_of)
    part_of: dict[Node, Node] = {}
    units: list[Unit] = []
    for unit in schedule.units:
        for parts in _parts_of_loop(unit, schedule):
            part_of |= parts
            for alike in _of_one_shape(parts.values()):
                family = Family(alike, len(family_of), {part.time for part in alike})
                units.append(Unit([family], alike, loop=False))
                for part in alike:
                    family_of[part] = family
                    root_of[part] = part
        units.append(unit)
    graph = _with_parts(schedule.graph, part_of)
    return replace(schedule, graph=graph, family_of=family_of, root_of=root_of, units=tuple(units))


def _parts_of_loop(unit: Unit, schedule: Schedule) -> list[dict[Node, Node]]:
    """For each family of sums or products in a loop, the new nodes by the member that reads them."""
    if not unit.loop:
        return []
    inside = set(unit.families)
    chains = [family for family in unit.families if family.first.fn in STEP]
    return [_take_out(family, inside, schedule) for family in chains]


def _take_out(family: Family, inside: set[Family], schedule: Schedule) -> dict[Node, Node]:
    """Let each member read one new node for all operands that are not of the loop's families."""
    parts = {}
    for n in family.members:
        free = [x for x in n.inputs if _family_read(x, schedule) not in inside]
        # with one operand nothing is saved; at an end of the loop all may be free
        if n.fn is not None and 1 < len(free) < len(n.inputs):
            shape = np.broadcast_shapes(*[x.shape for x in free])
            part = n.made(n.fn, *free, shape=shape)
            n.inputs = (part, *[x for x in n.inputs if x not in free])
            parts[n] = part
    return parts


def _family_read(x: Node, schedule: Schedule) -> Family | None:
    return schedule.family_of.get(schedule.root_of[x])


def _of_one_shape(parts: Iterable[Node]) -> list[list[Node]]:
    """The new nodes by shape, which may differ at an end of the loop."""
    alike: dict[tuple[int, ...], list[Node]] = {}
    for part in parts:
        alike.setdefault(part.shape, []).append(part)
    return list(alike.values())


def _with_parts(graph: Graph, part_of: dict[Node, Node]) -> Graph:
    """The graph, each new node before its reader."""
    if not part_of:
        return graph
    nodes: list[Node] = []
    for n in graph.nodes:
        if n in part_of:
            nodes.append(part_of[n])
        nodes.append(n)
    return Graph(tuple(nodes), graph.outputs)
