"""How a value passes through an operation: moved, picked, added, grown, or used."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from minigrad.core import gates
from minigrad.core.tensor import Tensor
from minigrad.ops.elementwise import cast
from minigrad.ops.indexing import getitem


class Passage(Enum):
    """What an operation does with one of its inputs."""

    MOVED = "placed as it is, beside others or among them"
    PICKED = "kept where it is the largest, or the least"
    ADDED = "added up, or scaled by a constant"
    GROWN = "multiplied by another value of the step"
    USED = "whatever else is computed from it"


# a gate that a value passes through: a closed one ends it, and what is recomputed is state
_OPEN_GATES = gates.GATES - gates.CLOSED - {gates.recompute}
_MOVES = _OPEN_GATES | {
    cast,
    getitem,
    np.broadcast_to,
    np.concatenate,
    np.expand_dims,
    np.positive,
    np.reshape,
    np.squeeze,
    np.stack,
    np.swapaxes,
    np.transpose,
    np.where,
}
_PICKS = {np.maximum, np.minimum, np.fmax, np.fmin, np.max, np.min}
_ADDS = {np.add, np.subtract, np.negative, np.sum, np.mean}
_SCALES = {np.multiply, np.divide}
_WAYS: dict[Any, Passage] = {
    **dict.fromkeys(_MOVES, Passage.MOVED),
    **dict.fromkeys(_PICKS, Passage.PICKED),
    **dict.fromkeys(_ADDS, Passage.ADDED),
    **dict.fromkeys({*_SCALES, np.logaddexp, np.logaddexp2, np.hypot}, Passage.GROWN),
}


def passage(n: Tensor, slot: int) -> Passage:
    """What n does with its input in that slot."""
    if _computes(n, slot):
        return Passage.USED
    others = [x for k, x in enumerate(n.inputs) if k != slot]
    if n.fn in _SCALES and not any(x.requires_grad for x in others):
        return Passage.ADDED
    return _WAYS.get(n.fn, Passage.USED)


def _computes(n: Tensor, slot: int) -> bool:
    """Whether n divides by the input, or folds more of it than what was stacked."""
    if n.fn in (np.max, np.min):
        return n.inputs[0].fn not in (np.stack, np.concatenate)
    return n.fn is np.divide and slot == 1


def is_linear(n: Tensor, slot: int) -> bool:
    """Whether n is linear in its input in that slot, with constant coefficients."""
    if n.fn is np.matmul:
        return not n.inputs[1 - slot].requires_grad
    return passage(n, slot) in (Passage.MOVED, Passage.ADDED)
