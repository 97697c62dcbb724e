"""Where the leaves are read: in their own arrays, or in memory of the plan that is written to."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.schedule import Schedule
from minigrad.core.array import Array
from minigrad.core.tensor import Tensor

from .allocate import Memory


def place_leaves(schedule: Schedule, memory: Memory) -> dict[Tensor, Array]:
    """Enter where every leaf and constant is read into memory.array_of; also return it by leaf.

    A leaf is read in its own array; in memory of the plan, if it is an output or one of many alike.
    Inputs of one shape lie side by side there, so that the steps that read them run at once.
    """
    array_of = memory.array_of
    outputs = set(map(schedule.root_of.__getitem__, schedule.graph.outputs))
    alike = defaultdict[Any, list[Node]](list)
    home_of: dict[Tensor, Array] = {}
    for n in schedule.graph.nodes:
        if n.value is not None:
            array_of[n] = n.value
        elif n.leaf is not None:
            home = n.leaf.data
            if n in outputs or not home.flags.c_contiguous:
                home = np.empty(n.shape, n.dtype)
            elif not n.leaf.requires_grad:
                alike[n.shape, n.dtype].append(n)
            array_of[n] = home
            home_of[n.leaf] = home
    for nodes in alike.values():
        if len(nodes) > 1:
            _place_side_by_side(nodes, memory, home_of)
    return home_of


def _place_side_by_side(nodes: list[Node], memory: Memory, home_of: dict[Tensor, Array]) -> None:
    """Give leaves of one shape places in one block."""
    first = nodes[0]
    shape = (len(nodes), *first.shape)
    block = np.empty(shape, first.dtype)
    for i, n in enumerate(nodes):
        place = block[i, ...]
        memory.array_of[n] = place
        if n.leaf is not None:
            home_of[n.leaf] = place
