"""Where the leaves are read: in their own arrays, or in memory of the plan that they are copied to."""

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

    A leaf is read in its own array; in memory of the plan, if it is an output or one of many alike. Inputs of one
    shape lie side by side there, so that the steps that read them run at once.
    """
    array_of = memory.array_of
    homes: dict[Tensor, Array] = {}
    alike = defaultdict[Any, list[tuple[Node, Tensor]]](list)
    outputs = {schedule.root_of[o] for o in schedule.graph.outputs}
    for n in schedule.graph.nodes:
        if n.value is not None:
            array_of[n] = n.value
        elif n.leaf is not None:
            in_place = n not in outputs and n.leaf.data.flags.c_contiguous
            home = n.leaf.data if in_place else np.empty(n.shape, n.dtype)
            homes[n.leaf] = array_of[n] = home
            if in_place and not n.leaf.requires_grad:
                alike[n.shape, n.dtype].append((n, n.leaf))
    for (shape, dtype), leaves in alike.items():
        if len(leaves) > 1:
            block = np.empty((len(leaves), *shape), dtype)
            for i, (n, leaf) in enumerate(leaves):
                homes[leaf] = array_of[n] = block[i, ...]
    return homes
