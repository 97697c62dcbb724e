"""Which families can be written where a concatenation wants them, so that joining them copies nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.schedule import Schedule
from minigrad.core.array import Array

JOINS = (np.concatenate, np.stack)


class Slot(NamedTuple):
    """The place of a node in a concatenation: along its axis, from begin on."""

    joined: Node
    begin: int


@dataclass(slots=True)
class Packing:
    """Families that lie inside a concatenation's memory.

    into: the family of concatenations that each of them lies in. sources: the other way round. slot: for each member
    which concatenation, and from where on.
    """

    into: dict[Family, Family] = field(default_factory=dict)
    sources: dict[Family, list[Family]] = field(default_factory=dict)
    slot: dict[Node, Slot] = field(default_factory=dict)

    def add(self, source: Family, joined: Family, slots: dict[Node, Slot]) -> None:
        """Let a family lie in a concatenation."""
        self.into[source] = joined
        self.sources.setdefault(joined, []).append(source)
        self.slot |= slots

    def whole(self, source: Family) -> bool:
        """Whether the members of this family alone, in order, are the concatenation."""
        joined = self.into[source]
        return len(joined) == 1 and joined.first.inputs == tuple(source.members)

    def part(self, member: Node, joined: Array) -> Array:
        """Where the member lies in the memory of its concatenation."""
        node, begin = self.slot[member]
        axis = node.kwargs.get("axis", 0) % joined.ndim
        before: Any = (slice(None),) * axis
        if node.fn is np.stack:
            return np.asarray(joined[(*before, begin, ...)])
        if axis:
            return joined[(*before, slice(begin, begin + member.shape[axis]))]
        # along the first axis a member of another shape is in order too: its numbers lie in one piece
        rows = math.prod(member.shape) // math.prod(joined.shape[1:])
        return np.reshape(joined[begin : begin + rows], member.shape, copy=False)


def pack(schedule: Schedule) -> Packing:
    """Find the families to pack: those each of whose members is an operand of one concatenation family once.

    And that begin before that family does: a step that joins something else has no place for them.
    """
    nodes = [n for unit in schedule.units for n in unit.nodes]
    position = {n: i for i, n in enumerate(nodes)}
    packing = Packing()
    for unit in schedule.units:
        for joined in unit.families:
            if not _joins_along_an_axis(joined.first):
                continue
            for family, slots in _slots_in(joined, schedule).items():
                early = position[family.first] < position[joined.first]
                fits = early and _fits(family, joined, slots)
                if fits and _is_free(family, joined, packing, schedule):
                    packing.add(family, joined, dict(slots))
    return packing


def _joins_along_an_axis(node: Node) -> bool:
    return node.fn in JOINS and node.kwargs.get("axis", 0) is not None


def _slots_in(joined: Family, schedule: Schedule) -> dict[Family, list[tuple[Node, Slot]]]:
    """The families that are read by concatenations, and the place of each operand."""
    slots = defaultdict[Family, list[tuple[Node, Slot]]](list)
    for node in joined.members:
        for member, begin in _operands_of(node):
            family = schedule.family_of.get(member)
            if family is not None:
                slots[family].append((member, Slot(node, begin)))
    return slots


def _operands_of(node: Node) -> Iterator[tuple[Node, int]]:
    """The operands of a concatenation and where each begins; for one that is only of another shape, its source."""
    axis = node.kwargs.get("axis", 0)
    begin = 0
    for x in node.inputs:
        if node.fn is np.stack:
            yield x, begin
            begin += 1
        else:
            yield (_unshaped(x) if axis == 0 else x), begin
            begin += x.shape[axis]


def _unshaped(x: Node) -> Node:
    """What x is another shape of."""
    while x.fn is np.reshape:
        x = x.inputs[0]
    return x


def _fits(family: Family, joined: Family, slots: list[tuple[Node, Slot]]) -> bool:
    """Whether every member has one place, and its numbers can be written there as they are."""
    members = {member for member, _ in slots}
    every_one_once = len(slots) == len(family) == len(members)
    return every_one_once and family.first.dtype == joined.first.dtype


def _is_free(family: Family, joined: Family, packing: Packing, schedule: Schedule) -> bool:
    """Whether the family lies in no other memory, and nothing would lie in what lies elsewhere itself."""
    nested = joined in packing.into or family in packing.sources or family is joined
    return not (nested or family in packing.into or family in schedule.total_of)
