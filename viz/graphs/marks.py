"""What a gate does to the gradient, as a mark on the edge it sits on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minigrad import Tensor
from minigrad.core import gates
from minigrad.viz import style


class Mark(NamedTuple):
    """A gate in a picture: what is written on it, and whether nothing passes."""

    text: str
    closed: bool


def mark(gate: Tensor) -> Mark:
    """The mark of a gate node."""
    return GATES[gate.fn](gate)


def _scaled(gate: Tensor) -> Mark:
    factor = gate.inputs[1]
    if factor.size != 1:
        return Mark("× " + (factor.name or "…"), not np.any(factor.data))
    value = float(factor.item())
    text = f"{factor.name} = {value:.4g}" if factor.name else f"× {value:.4g}"
    return Mark(f"✂ {text}" if value == 0 else text, value == 0)


def _watched(gate: Tensor) -> Mark:
    fn = gate.kwargs["fn"]
    return Mark(style.plain(getattr(fn, "__name__", type(fn).__name__)), False)


GATES: dict[object, Callable[[Tensor], Mark]] = {
    gates.detach: lambda _: Mark("✂", True),
    gates.scale_grad: _scaled,
    gates.clip_grad: lambda gate: Mark(f"‖g‖ ≤ {gate.kwargs['max_norm']:.4g}", False),
    gates.on_backward: _watched,
    gates.alias: lambda _: Mark("", False),
    gates.recompute: lambda _: Mark("again", False),
}


def inlined(gate: Tensor) -> tuple[Tensor, ...]:
    """The inputs of a gate that its mark already tells: the one number of scale_grad."""
    return tuple(x for x in gate.inputs[1:] if x.fn is None and x.size == 1)


def through(node: Tensor) -> tuple[Tensor, tuple[Mark, ...]]:
    """What a reader of this node really reads, behind unnamed gates, and their marks."""
    marks: list[Mark] = []
    while node.fn in GATES and not node.name:
        marks.append(mark(node))
        node = node.inputs[0]
    return node, tuple(m for m in reversed(marks) if m.text)
