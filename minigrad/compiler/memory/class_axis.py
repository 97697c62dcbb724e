"""Which families have their last axis outermost in memory, so that reductions over few classes run along rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from minigrad.compiler.capabilities import REDUCTIONS, elementwise, reduced_axes
from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.rewrite.expand import softmax_minus_one_hot
from minigrad.compiler.schedule.schedule import Schedule, Unit

from .packing import Packing

# rows of more classes are long enough to be reduced one by one
MAX_CLASSES = 256
MIN_ROWS_PER_CLASS = 2


@dataclass(slots=True)
class _Groups:
    """Disjoint sets of families that must have one layout. Source: Tarjan's union-find, with path halving."""

    parent: dict[Family, Family] = field(default_factory=dict)

    def find(self, family: Family) -> Family:
        """The family that stands for the set."""
        while self.parent.setdefault(family, family) is not family:
            above = self.parent[self.parent[family]]
            self.parent[family] = above
            family = above
        return family

    def join(self, a: Family, b: Family) -> None:
        """Make the sets of both one."""
        self.parent[self.find(a)] = self.find(b)


def class_axis_outermost(schedule: Schedule, packing: Packing) -> set[Family]:
    """Families reduced over a short last axis, with everything elementwise around them, unless one is in a loop."""
    groups = _Groups()
    wanted = set[Family]()
    barred = set[Family]()
    for unit in schedule.units:
        barred |= _barred(unit, packing)
        for family in unit.families:
            for other in _of_one_layout(family, schedule, packing):
                groups.join(family, other)
            if _reduces_few_classes(family.first):
                source = schedule.family_of.get(family.first.inputs[0])
                if source is not None:
                    wanted.add(source)
    chosen = {groups.find(family) for family in wanted}
    chosen -= {groups.find(family) for family in barred}
    candidates = [*groups.parent, *wanted]
    return {family for family in candidates if groups.find(family) in chosen}


def _barred(unit: Unit, packing: Packing) -> set[Family]:
    """Families that must lie as NumPy lays them: those of a loop, and parts of a concatenation with it."""
    barred = set(unit.families) if unit.loop else set()
    for family in unit.families:
        if family in packing.into and not packing.whole(family):
            barred |= {family, packing.into[family]}
    return barred


def _of_one_layout(family: Family, schedule: Schedule, packing: Packing) -> list[Family]:
    """The families that lie as this one lies, or work on both would go against the order of memory."""
    alike = []
    if family in packing.into and packing.whole(family):
        alike.append(packing.into[family])
    n = family.first
    if n.ndim > 1 and (elementwise(n.fn) or n.fn is softmax_minus_one_hot):
        full_sized = [x for x in n.inputs if x.shape == n.shape]
        alike += [schedule.family_of[x] for x in full_sized if x in schedule.family_of]
    return alike


def _reduces_few_classes(node: Node) -> bool:
    """Whether the node reduces many rows of few classes each."""
    if node.fn not in REDUCTIONS:
        return False
    x = node.inputs[0]
    if x.ndim < 2 or reduced_axes(node.kwargs.get("axis"), x.ndim) != (x.ndim - 1,):
        return False
    rows = math.prod(x.shape[:-1])
    return 1 < x.shape[-1] <= min(MAX_CLASSES, rows // MIN_ROWS_PER_CLASS)
