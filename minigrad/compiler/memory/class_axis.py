"""Which families have their last axis outermost in memory, so that reductions over few classes run along rows."""

from __future__ import annotations

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.primitives import softmax_minus_one_hot
from minigrad.compiler.schedule.loops import Unit
from minigrad.compiler.traits import REDUCTIONS, elementwise

from .packing import Packing

_FEW, _MANY = 256, 2  # classes at most; rows per class at least


def class_axis_outermost(order: list[Unit], of: dict[Node, Family], packed: Packing) -> set[Family]:
    """Families reduced over a short last axis, with everything elementwise around them, unless one is in a loop."""
    group: dict[Family, Family] = {}

    def find(f: Family) -> Family:
        while group.setdefault(f, f) is not f:
            group[f] = f = group[group[f]]
        return f

    wanted, barred = set[Family](), set[Family]()
    for unit in order:
        for f in unit.families:
            n = f.first
            if unit.loop:
                barred.add(f)
            if f in packed.into and packed.whole(f):
                group[find(f)] = find(packed.into[f])
            elif f in packed.into:
                barred |= {f, packed.into[f]}
            if elementwise(n.fn) or n.fn is softmax_minus_one_hot:
                for x in n.inputs:
                    if x in of and x.shape == n.shape and n.ndim > 1:
                        group[find(f)] = find(of[x])
            elif n.fn in REDUCTIONS and n.inputs[0] in of:
                x, axis = n.inputs[0], n.kwargs.get("axis")
                axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
                rows = int(np.prod(x.shape[:-1]))
                if (
                    x.ndim > 1
                    and axis in (-1, x.ndim - 1)
                    and 1 < x.shape[-1] <= min(_FEW, rows // _MANY)
                ):
                    wanted.add(of[x])
    chosen = {find(f) for f in wanted} - {find(f) for f in barred}
    return {f for f in list(group) if find(f) in chosen} | {f for f in wanted if find(f) in chosen}
