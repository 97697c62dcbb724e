"""Simplification: the same outputs from fewer operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core import gates
from minigrad.core.arguments import refuse_no_tape
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.ops.table import Fn

from .rewrite import rewritten

NEUTRAL: dict[Fn, int] = {
    np.add: 0,
    np.subtract: 0,
    np.multiply: 1,
    np.divide: 1,
    np.power: 1,
    gates.scale_grad: 1,
}
"""The second operand with which each of these functions repeats its first."""
COMMUTATIVE = (np.add, np.multiply)
# Each on_backward is an effect, and each clip_grad has a norm of its own: two are never one.
NEVER_MERGED = {None} | gates.GATES - gates.LINEAR


def simplify(tape: Tape) -> Tape:
    """Merge equal computations; drop aliases and neutral elements (x * 1, x + 0, x / 1, x ** 1).

    What is recomputed is merged with nothing: to hold one value in place of two is what was to be
    avoided.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> tape = mg.Tape.of(np.sum(np.tanh(x) * 1 + np.tanh(x)))
    >>> print(mg.transforms.simplify(tape))
    x: float64[2] = parameter
    tanh: float64[2] = tanh(x)
    add: float64[2] = add(tanh, tanh)
    sum: float64[] = sum(add)
    return sum

    Raises: ArgumentError for a loss in place of a tape.
    """
    refuse_no_tape("simplify", tape)
    outputs = set(tape.outputs)
    first_of: dict[Any, Tensor] = {}

    def rule(node: Tensor, inputs: list[Tensor]) -> Tensor:
        # Compared after its inputs were merged: equal work on equal work is equal work.
        copy = node.with_inputs(tuple(inputs))
        simpler = _repeated_input(copy)
        if simpler is None and _may_be_merged(copy):
            # By their text: keywords need not be hashable.
            keywords = repr(copy.kwargs)
            computation = (copy.fn, copy.inputs, keywords, node.time)
            simpler = first_of.setdefault(computation, copy)
        # An output keeps its own name and place, whatever equals it.
        if simpler is None or node in outputs:
            return copy
        return simpler

    return rewritten(tape, rule)


def _may_be_merged(node: Tensor) -> bool:
    """Whether another node that computes the same can take its place."""
    return not node.recomputed and node.fn not in NEVER_MERGED


def _repeated_input(node: Tensor) -> Tensor | None:
    """The input that node merely repeats, if it does."""
    if node.fn is gates.alias:
        return node.inputs[0]
    # A name was given to be found again.
    if node.name or node.fn is None or node.fn not in NEUTRAL:
        return None
    a, b = node.inputs
    neutral = NEUTRAL[node.fn]
    if _is_constant(b, neutral) and _is_alike(a, node):
        return a
    if node.fn in COMMUTATIVE and _is_constant(a, neutral) and _is_alike(b, node):
        return b
    return None


def _is_constant(x: Tensor, value: int) -> bool:
    """Whether every element of x is that value, and stays so: a named leaf may be fed another."""
    is_unnamed_leaf = x.fn is None and x.name is None
    if not is_unnamed_leaf or x.requires_grad:
        return False
    return bool(np.all(x.data == value))


def _is_alike(x: Tensor, node: Tensor) -> bool:
    """Whether node neither broadcast nor promoted x."""
    return (x.shape, x.dtype) == (node.shape, node.dtype)
