"""Which families can be written where a concatenation wants them, so that joining them copies nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.loops import Unit
from minigrad.core.tensor import Array


@dataclass(slots=True)
class Packing:
    """Families that a concatenation joins, with it, and each member's place in it: (concatenation, where it begins)."""

    into: dict[Family, Family] = field(default_factory=dict)
    slot: dict[Node, tuple[Node, int]] = field(default_factory=dict)

    def whole(self, source: Family) -> bool:
        """Whether the members of this family alone, in order, are the concatenation."""
        joined = self.into[source]
        return len(joined) == 1 and joined.first.inputs == tuple(source.members)

    def part(self, member: Node, joined: Array) -> Array:
        """Where the member lies in the memory of its concatenation."""
        node, begin = self.slot[member]
        axis = node.kwargs.get("axis", 0) % joined.ndim
        lead: Any = (slice(None),) * axis
        if node.fn is np.stack:
            return np.asarray(joined[(*lead, begin, ...)])
        size = (
            member.shape[axis] if axis else math.prod(member.shape) // math.prod(joined.shape[1:])
        )
        part = joined[(*lead, slice(begin, begin + size))]
        return part if axis else np.reshape(part, member.shape, copy=False)


def packing(order: list[Unit], of: dict[Node, Family], absorbed: dict[Family, Node]) -> Packing:
    """Find them. A family is packed where each member is an operand of the same concatenation family once.

    And where it begins before that family does: a step that joins something else has no place for it.
    """
    homes = set[Family]()
    found, at = Packing(), {n: i for i, n in enumerate(n for unit in order for n in unit.nodes)}
    for unit in order:
        for joined in unit.families:
            if (
                joined.first.fn not in (np.concatenate, np.stack)
                or joined.first.kwargs.get("axis", 0) is None
            ):
                continue
            places = defaultdict[Family, list[tuple[Node, Node, int]]](list)
            for node in joined.members:
                axis, begin = node.kwargs.get("axis", 0), 0
                for x in node.inputs:
                    member = _source(x) if node.fn is np.concatenate and axis == 0 else x
                    if member in of:
                        places[of[member]].append((member, node, begin))
                    begin += 1 if node.fn is np.stack else x.shape[axis]
            for family, its in places.items():
                once = len(its) == len(family) == len({member for member, _, _ in its})
                nested = joined in found.into or family in homes or family is joined
                taken = nested or family in found.into or family in absorbed
                late = at[family.first] > at[joined.first]
                if once and not taken and not late and family.first.dtype == joined.first.dtype:
                    found.into[family] = joined
                    homes.add(joined)
                    found.slot |= {member: (node, begin) for member, node, begin in its}
    return found


def _source(x: Node) -> Node:
    """What x is another shape of."""
    while x.fn is np.reshape:
        x = x.inputs[0]
    return x
