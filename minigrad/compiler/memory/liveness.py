"""Who reads what, and when: positions grow with execution."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Liveness:
    """When nodes run and who reads them.

    position: members of a family that runs all at once have the same. unit: the number of a node's
    unit. readers: who reads a node, itself or through views. view_readers: who does through a view.
    """

    position: dict[Node, int]
    unit: dict[Node, int]
    readers: dict[Node, list[Node]]
    view_readers: dict[Node, set[Node]]

    def last_position(self, node: Node) -> int:
        """Where a node is read last; 0 if nobody reads it."""
        positions = [self.position[reader] for reader in self.readers[node]]
        return max(positions, default=0)

    def last_position_of_any(self, family: Family) -> int:
        """Where a member of a family is read last; 0 if nobody reads one."""
        return max(map(self.last_position, family.members))

    def last_unit(self, family: Family) -> int:
        """The last unit in which a member of a family is read; -1 if nobody reads one."""
        last = -1
        for member in family.members:
            for reader in self.readers[member]:
                last = max(last, self.unit[reader])
        return last

    def may_overwrite(self, reader: Node, node: Node) -> bool:
        """Whether a reader may write its result where a node lies: everybody else has read it."""
        if reader in self.view_readers[node]:
            return False
        now = self.position[reader]
        others = [other for other in self.readers[node] if other is not reader]
        return all(self.position[other] < now for other in others)


def liveness_of(schedule: Schedule) -> Liveness:
    """Count the positions and collect the readers. What is absorbed is read where it is summed."""
    position: dict[Node, int] = {}
    unit_of: dict[Node, int] = {}
    now = 0
    for number, unit in enumerate(schedule.units):
        now += 1
        for n in unit.nodes:
            # in a loop every node has a time of its own, else all members the same
            now += unit.loop
            position[n] = now
            unit_of[n] = number
    for family, total in schedule.total_of.items():
        for member in family.members:
            position[member] = position[total]
            unit_of[member] = unit_of[total]
    readers = defaultdict[Node, list[Node]](list)
    view_readers = defaultdict[Node, set[Node]](set)
    for unit in schedule.units:
        for n in unit.nodes:
            for x in n.inputs:
                root = schedule.root_of[x]
                readers[root].append(n)
                if root is not x:
                    view_readers[root].add(n)
    return Liveness(position, unit_of, readers, view_readers)
