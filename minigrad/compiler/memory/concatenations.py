"""Which families can be written where a concatenation wants them: joining them copies nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.schedule import Schedule
from minigrad.core.array import Array


class Slot(NamedTuple):
    """The place of a node in a concatenation: along its axis, from begin on."""

    node: Node
    joined: Node
    begin: int


@dataclass(frozen=True, slots=True)
class Packing:
    """Families that lie inside a concatenation's memory.

    into: the family of concatenations that each of them lies in. sources: the other way round.
    slots: of their members.
    """

    into: dict[Family, Family]
    sources: defaultdict[Family, list[Family]]
    slots: dict[Node, Slot]

    def add(self, source: Family, joined: Family, slots: list[Slot]) -> None:
        """Let a family lie in a concatenation."""
        self.into[source] = joined
        self.sources[joined].append(source)
        for slot in slots:
            self.slots[slot.node] = slot

    def whole(self, source: Family) -> bool:
        """Whether the members of this family alone, in order, are the concatenation."""
        joined = self.into[source]
        members = tuple(source.members)
        return len(joined) == 1 and joined.first.inputs == members


def part_of(joined: Array, slot: Slot) -> Array:
    """Where a node lies in the memory of its concatenation."""
    node = slot.joined
    begin = slot.begin
    shape = slot.node.shape
    axis = node.kwargs.get("axis", 0) % joined.ndim
    before: Any = (slice(None),) * axis
    if node.fn is np.stack:
        part: Array = joined[(*before, begin, ...)]
        return part
    if axis:
        stop = begin + shape[axis]
        return joined[(*before, slice(begin, stop))]
    # along the first axis one of another shape is in order too: its numbers lie in one piece
    row_size = math.prod(joined.shape[1:])
    stop = begin + math.prod(shape) // row_size
    rows = joined[begin:stop]
    return np.reshape(rows, shape, copy=False)


def pack(schedule: Schedule) -> Packing:
    """Find the families to pack: each member is an operand of one concatenation family once.

    And begins before that family does: a step that joins something else has no place for it.
    """
    position = _positions(schedule)
    packing = Packing({}, defaultdict(list), {})
    for unit in schedule.units:
        for joined in unit.families:
            if not _joins_along_an_axis(joined.first):
                continue
            # where nothing is written nothing is spared
            if 0 in joined.first.shape:
                continue
            start = position[joined.first]
            slots_of = _slots_in(joined, schedule)
            for family, slots in slots_of.items():
                if position[family.first] >= start:
                    continue
                if not _fits(family, joined, slots):
                    continue
                if _is_free(family, joined, packing, schedule):
                    packing.add(family, joined, slots)
    return packing


def _positions(schedule: Schedule) -> dict[Node, int]:
    position: dict[Node, int] = {}
    for unit in schedule.units:
        for n in unit.nodes:
            position[n] = len(position)
    return position


def _joins_along_an_axis(node: Node) -> bool:
    if node.fn is np.concatenate:
        return node.kwargs.get("axis", 0) is not None
    return node.fn is np.stack


def _slots_in(joined: Family, schedule: Schedule) -> dict[Family, list[Slot]]:
    """The families that are read by concatenations, and the place of each operand."""
    slots = defaultdict[Family, list[Slot]](list)
    for concatenation in joined.members:
        for slot in _operand_slots(concatenation):
            family = schedule.family_of.get(slot.node)
            if family is not None:
                slots[family].append(slot)
    return slots


def _operand_slots(joined: Node) -> Iterator[Slot]:
    """Each operand of a concatenation; for one that is only of another shape, its source."""
    axis = joined.kwargs.get("axis", 0)
    begin = 0
    for x in joined.inputs:
        if joined.fn is np.stack:
            yield Slot(x, joined, begin)
            begin += 1
            continue
        node = x
        while axis == 0 and node.fn is np.reshape:
            node = node.inputs[0]
        yield Slot(node, joined, begin)
        begin += x.shape[axis]


def _fits(family: Family, joined: Family, slots: list[Slot]) -> bool:
    """Whether every member has one place, and its numbers can be written there as they are."""
    members = {slot.node for slot in slots}
    each_once = len(slots) == len(family) == len(members)
    return each_once and family.first.dtype == joined.first.dtype


def _is_free(family: Family, joined: Family, packing: Packing, schedule: Schedule) -> bool:
    """Whether the family lies nowhere else, and no concatenation would lie in another."""
    if family in packing.into or family in schedule.total_of:
        return False
    if joined in packing.into or family in packing.sources:
        return False
    return family is not joined
