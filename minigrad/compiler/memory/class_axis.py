"""Which families have their last axis outermost in memory: few classes are reduced along rows."""

from __future__ import annotations

import math
from collections.abc import Iterable

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.primitives import softmax_minus_one_hot
from minigrad.compiler.schedule.schedule import Schedule
from minigrad.compiler.traits import REDUCTIONS, elementwise, reduced_axes

from .concatenations import Packing

# rows of more classes are long enough to be reduced one by one
MAX_CLASSES = 256
MIN_ROWS_PER_CLASS = 2


class _Groups:
    """Disjoint sets of families that must have one layout.

    Source: Tarjan's union-find, with path halving.
    """

    def __init__(self) -> None:
        self._parent: dict[Family, Family] = {}

    def find(self, family: Family) -> Family:
        """The family that stands for the set."""
        parent = self._parent
        while parent.setdefault(family, family) is not family:
            above = parent[parent[family]]
            parent[family] = above
            family = above
        return family

    def join(self, a: Family, b: Family) -> None:
        """Make the sets of both one."""
        self._parent[self.find(a)] = self.find(b)

    def find_all(self, families: Iterable[Family]) -> set[Family]:
        """The families that stand for the sets of these."""
        return {self.find(family) for family in families}

    def members_of(self, chosen: set[Family]) -> set[Family]:
        """All families of the sets that these stand for."""
        every = list(self._parent)
        return {family for family in every if self.find(family) in chosen}


def class_axis_outermost(schedule: Schedule, packing: Packing) -> set[Family]:
    """Families reduced over a short last axis, with everything elementwise around them.

    But for those that are tied to a family in a loop.
    """
    groups = _Groups()
    wanted = set[Family]()
    barred = _barred(schedule, packing)
    for unit in schedule.units:
        for family in unit.families:
            for other in _of_one_layout(family, schedule, packing):
                groups.join(family, other)
            if _reduces_few_classes(family.first):
                operand = family.first.inputs[0]
                if operand in schedule.family_of:
                    wanted.add(schedule.family_of[operand])
    chosen = groups.find_all(wanted) - groups.find_all(barred)
    return groups.members_of(chosen)


def _barred(schedule: Schedule, packing: Packing) -> set[Family]:
    """Families that must lie as NumPy lays them: those of loops, and parts of a concatenation."""
    barred = set[Family]()
    for unit in schedule.units:
        # a loop works on one step at a time, and would find its numbers far apart
        if unit.loop:
            barred.update(unit.families)
    for source, joined in packing.into.items():
        if not packing.whole(source):
            barred |= {source, joined}
    return barred


def _of_one_layout(family: Family, schedule: Schedule, packing: Packing) -> list[Family]:
    """The families that lie as this one lies: work on both would go against memory else."""
    alike = []
    if family in packing.into and packing.whole(family):
        alike.append(packing.into[family])
    n = family.first
    together = elementwise(n.fn) or n.fn is softmax_minus_one_hot
    if n.ndim < 2 or not together:
        return alike
    for x in n.inputs:
        if x.shape == n.shape and x in schedule.family_of:
            alike.append(schedule.family_of[x])
    return alike


def _reduces_few_classes(node: Node) -> bool:
    """Whether the node reduces many rows of few classes each."""
    if node.fn not in REDUCTIONS:
        return False
    x = node.inputs[0]
    if x.ndim < 2:
        return False
    last = x.ndim - 1
    axis = node.kwargs.get("axis")
    if reduced_axes(axis, x.ndim) != (last,):
        return False
    *row_axes, classes = x.shape
    rows = math.prod(row_axes)
    most = min(MAX_CLASSES, rows // MIN_ROWS_PER_CLASS)
    return 1 < classes <= most
