"""Families that need no memory, because one total adds them up as they are computed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.rewrite.chains import total

from .schedule import Schedule


def absorb(schedule: Schedule) -> Schedule:
    """Let totals take in the families of products and sums that exist only to be added up: sum_t h_{t-1}^T dz_t."""
    readers = _readers(schedule)
    total_of: dict[Family, Node] = {}
    for unit in schedule.units:
        for family in unit.families:
            if unit.loop or len(family) < 2 or not _can_be_summed(family.first):
                continue
            reader = _only_reader(family, readers)
            if reader is None or reader.fn is not total or reader.shape != family.first.shape:
                continue
            if len(schedule.family_of[reader]) == 1:
                total_of[family] = reader
    return replace(schedule, total_of=total_of)


def _readers(schedule: Schedule) -> dict[Node, list[Node]]:
    """Who reads each node, once per operand; a view of it that is read, and an output, stand for themselves."""
    readers = defaultdict[Node, list[Node]](list)
    for unit in schedule.units:
        for n in unit.nodes:
            for x in n.inputs:
                root = schedule.root_of[x]
                readers[root].append(n if root is x else x)
    for output in schedule.graph.outputs:
        readers[schedule.root_of[output]].append(output)
    return readers


def _only_reader(family: Family, readers: dict[Node, list[Node]]) -> Node | None:
    """The one node that reads every member, each once."""
    read_once = all(len(readers[member]) == 1 for member in family.members)
    distinct = {readers[member][0] for member in family.members} if read_once else set()
    return distinct.pop() if len(distinct) == 1 else None


def _can_be_summed(node: Node) -> bool:
    """Whether the sum of many such nodes is one product, or one sum along more axes."""
    if node.dtype.kind != "f" or any(x.dtype != node.dtype for x in node.inputs):
        return False
    if node.fn is np.matmul:
        return all(x.ndim == 2 for x in node.inputs)
    return node.fn is np.sum and node.kwargs.keys() <= {"axis"}
