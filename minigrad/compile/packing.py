"""Which families can be written where a concatenation wants them, so that joining them copies nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from ..tensor import Array
from .families import Family
from .graph import Node
from .kernels import viewed
from .loops import Unit


@dataclass(slots=True)
class Packing:
    """Families that a concatenation joins, with it, and each member's place in it: (concatenation, operand)."""

    into: dict[Family, Family] = field(default_factory=dict)
    slot: dict[Node, tuple[Node, int]] = field(default_factory=dict)

    def whole(self, source: Family) -> bool:
        """Whether the members of this family alone, in order, are the concatenation."""
        joined = self.into[source]
        return len(joined) == 1 and joined.first.inputs == tuple(source.members)

    def part(self, member: Node, joined: Array) -> Array:
        """Where the member lies in the memory of its concatenation."""
        node, slot = self.slot[member]
        axis = node.kwargs.get("axis", 0)
        if node.fn is np.stack:
            return np.moveaxis(joined, axis, 0)[slot, ...]
        begin = sum(x.shape[axis] for x in node.inputs[:slot])
        lead = (slice(None),) * (axis % joined.ndim)
        part = joined[(*lead, slice(begin, begin + node.inputs[slot].shape[axis]))]
        found = viewed(part, member.shape)
        assert found is not None  # _fits saw to that
        return found


def packing(order: list[Unit], of: dict[Node, Family], absorbed: dict[Family, Node]) -> Packing:
    """Find them. A family is packed where each member is an operand of the same concatenation family once."""
    found = Packing()
    for unit in order:
        for joined in unit.families:
            if joined.first.fn not in (np.concatenate, np.stack) or joined.first.kwargs.get("axis", 0) is None:
                continue
            places = defaultdict[Family, list[tuple[Node, Node, int]]](list)
            for node in joined.members:
                for slot, x in enumerate(node.inputs):
                    member = _source(x) if node.fn is np.concatenate and node.kwargs.get("axis", 0) == 0 else x
                    if member in of:
                        places[of[member]].append((member, node, slot))
            for family, its in places.items():
                once = len(its) == len(family) == len({member for member, _, _ in its})
                nested = joined in found.into or family in found.into.values() or family is joined
                taken = nested or family in found.into or family in absorbed
                if once and not taken and family.first.dtype == joined.first.dtype:
                    found.into[family] = joined
                    found.slot |= {member: (node, slot) for member, node, slot in its}
    return found


def _source(x: Node) -> Node:
    """What x is another shape of."""
    while x.fn is np.reshape:
        x = x.inputs[0]
    return x
