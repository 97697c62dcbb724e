"""Families that need no memory, because one total adds them up as they are computed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.primitives import total

from .schedule import Schedule, Unit

Readers = dict[Node, list[Node]]
"""Who reads each node, once per operand."""


def absorb(schedule: Schedule) -> Schedule:
    """Let totals take in the families that exist only to be added up: sum_t h_{t-1}^T dz_t."""
    readers = _readers(schedule)
    total_of: dict[Family, Node] = {}
    for unit in schedule.units:
        for family in _summands(unit):
            reader = _only_reader(family, readers)
            if reader is None or reader.fn is not total:
                continue
            # a total in every step adds up that step's terms, not all steps
            family_of_total = schedule.family_of[reader]
            if len(family_of_total) == 1 and reader.shape == family.first.shape:
                total_of[family] = reader
    return replace(schedule, total_of=total_of)


def _readers(schedule: Schedule) -> Readers:
    """The readers of all nodes; a view that is read, and an output, stand for themselves."""
    readers = defaultdict[Node, list[Node]](list)
    for unit in schedule.units:
        for n in unit.nodes:
            for x in n.inputs:
                root = schedule.root_of[x]
                reader = n if root is x else x
                readers[root].append(reader)
    for output in schedule.graph.outputs:
        root = schedule.root_of[output]
        readers[root].append(output)
    return readers


def _summands(unit: Unit) -> list[Family]:
    """The families of a unit whose members can be added up all at once."""
    if unit.loop:
        return []
    several = [family for family in unit.families if len(family) > 1]
    return [family for family in several if _can_be_summed(family.first)]


def _can_be_summed(node: Node) -> bool:
    """Whether the sum of many such nodes is one product, or one sum along more axes."""
    if node.dtype.kind != "f":
        return False
    if any(x.dtype != node.dtype for x in node.inputs):
        return False
    if node.fn is np.matmul:
        return all(x.ndim == 2 for x in node.inputs)
    return node.fn is np.sum and node.kwargs.keys() <= {"axis"}


def _only_reader(family: Family, readers: Readers) -> Node | None:
    """The one node that reads every member, each once."""
    distinct = set()
    for member in family.members:
        if len(readers[member]) != 1:
            return None
        distinct.update(readers[member])
    return distinct.pop() if len(distinct) == 1 else None
