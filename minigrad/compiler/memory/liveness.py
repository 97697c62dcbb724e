"""Who reads what, and when: positions grow with execution."""

from __future__ import annotations

from dataclasses import dataclass, field

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.schedule import Schedule


@dataclass(slots=True)
class Liveness:
    """When nodes run and who reads them.

    position: members of a family that runs all at once have the same. unit: the number of a node's unit. readers: who
    reads a node, itself or through views. view_readers: who reads it through a view.
    """

    position: dict[Node, int] = field(default_factory=dict)
    unit: dict[Node, int] = field(default_factory=dict)
    readers: dict[Node, list[Node]] = field(default_factory=dict)
    view_readers: dict[Node, set[Node]] = field(default_factory=dict)

    def last_position(self, family: Family) -> int:
        """Where a member is read last; 0 for what nobody reads."""
        return max((self.last_position_of(member) for member in family.members), default=0)

    def last_position_of(self, member: Node) -> int:
        """Where a node is read last; 0 for what nobody reads."""
        return max([self.position[reader] for reader in self.readers[member]], default=0)

    def last_unit(self, family: Family) -> int:
        """The last unit in which a member is read; -1 for what nobody reads."""
        units = [self.unit[reader] for m in family.members for reader in self.readers[m]]
        return max(units, default=-1)

    def may_overwrite(self, reader: Node, node: Node) -> bool:
        """Whether a reader may write its result where the node lies: everybody else has read it."""
        if reader in self.view_readers.get(node, ()):
            return False
        now = self.position[reader]
        return all(other is reader or self.position[other] < now for other in self.readers[node])


def liveness_of(schedule: Schedule) -> Liveness:
    """Count the positions and collect the readers. What is absorbed is read where it is summed."""
    liveness = Liveness()
    now = 0
    for i, unit in enumerate(schedule.units):
        now += 1
        for n in unit.nodes:
            now += unit.loop
            liveness.position[n] = now
            liveness.unit[n] = i
            liveness.readers[n] = []
    for family, total in schedule.total_of.items():
        for member in family.members:
            liveness.position[member] = liveness.position[total]
            liveness.unit[member] = liveness.unit[total]
    for unit in schedule.units:
        for n in unit.nodes:
            _read_operands(n, schedule, liveness)
    return liveness


def _read_operands(n: Node, schedule: Schedule, liveness: Liveness) -> None:
    for x in n.inputs:
        root = schedule.root_of[x]
        if root.fn is None:
            continue
        liveness.readers[root].append(n)
        if root is not x:
            liveness.view_readers.setdefault(root, set()).add(n)
