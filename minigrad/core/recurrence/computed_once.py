"""What one step computes and later ones read, but none computes again: a weight, or undecided.

A state is computed again in every step. A weight that is normalized inside step 1, or what an
encoder made there, is read by many later steps as it is.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from minigrad.core.order import behind, dependents
from minigrad.core.tensor import Tensor
from minigrad.core.time import Nodes, Times, crosses

Readers = defaultdict[Tensor, list[Tensor]]


class ComputedOnce(NamedTuple):
    """What is computed in one step alone, and read in others."""

    weights: set[Tensor]
    """Those that nothing but parameters enters: they lie outside the steps."""
    doubtful: set[Tensor]
    """The others that several steps read."""


def computed_once(nodes: Nodes, times: Times) -> ComputedOnce:
    """Find what is computed in one step alone.

    Linear in the edges, but for a walk from each value that no other step computes.
    """
    readers: Readers = defaultdict(list)
    for n in nodes:
        for x in n.inputs:
            if x.requires_grad and crosses(times, x, n):
                readers[x].append(n)
    steps_of_line = defaultdict[object, set[int | None]](set)
    for n in nodes:
        if n.fn is not None:
            steps_of_line[n.fn, n.place].add(times[n])
    weights = set[Tensor]()
    doubtful = set[Tensor]()
    for x, reading in readers.items():
        if len(steps_of_line[x.fn, x.place]) > 1:
            continue
        is_replaced = _is_replaced(nodes, times, x)
        is_read_often = len({times[n] for n in reading}) > 1
        is_weight = not is_replaced and _is_made_of_parameters(x)
        if is_weight and is_read_often:
            weights.add(x)
        elif is_weight or is_read_often:
            doubtful.add(x)
    return ComputedOnce(weights, doubtful)


def _is_replaced(nodes: Nodes, times: Times, x: Tensor) -> bool:
    """Whether another step computes one of the same kind from it, on whatever line."""
    after = dependents(nodes, [x])
    kind = x.fn, x.shape
    return any(times[n] not in (None, times[x]) and (n.fn, n.shape) == kind for n in after)


def _is_made_of_parameters(x: Tensor) -> bool:
    """Whether nothing but parameters and numbers enters it."""
    leaves = [n for n in behind([x]) if n.fn is None]
    return all(n.requires_grad or n.size == 1 for n in leaves)
