"""Simplification: the same outputs from fewer operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core import gates
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor

from .edges import rebuilt


def simplify(tape: Tape) -> Tape:
    """Merge equal computations, drop aliases and operations with neutral elements (x * 1, x + 0, x / 1, x ** 1).

    What is recomputed is merged with nothing: to hold one value in place of two is what was to be avoided.
    """
    new: dict[Tensor, Tensor] = {}
    known: dict[Any, Tensor] = {}
    kept = set(tape.outputs)
    for node in tape.nodes:
        copy = node.with_inputs(tuple(new[x] for x in node.inputs))
        same = _neutral(copy)
        if (
            same is None
            and not copy.recomputed
            and copy.fn not in (None, gates.on_backward, gates.clip_grad)
        ):
            same = known.setdefault((copy.fn, copy.inputs, repr(copy.kwargs), node.time), copy)
        new[node] = copy if same is None or node in kept else same
    return rebuilt(tape, [new[o] for o in tape.outputs])


_NEUTRAL = {
    np.add: 0,
    np.subtract: 0,
    np.multiply: 1,
    np.divide: 1,
    np.power: 1,
    gates.scale_grad: 1,
}


def _neutral(node: Tensor) -> Tensor | None:
    """The input that node merely repeats, if it does."""
    if node.fn is gates.alias:
        return node.inputs[0]
    if node.name or node.fn not in _NEUTRAL:
        return None
    a, b = node.inputs
    pairs = [(a, b), (b, a)] if node.fn in (np.add, np.multiply) else [(a, b)]
    for x, unit in pairs:
        constant = unit.fn is None and not unit.requires_grad and unit.name is None
        if (
            constant
            and np.all(unit.data == _NEUTRAL[node.fn])
            and (x.shape, x.dtype) == (node.shape, node.dtype)
        ):
            return x
    return None
