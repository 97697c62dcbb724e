"""What a gate does to the gradient, as a mark on the edge it sits on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad import Tensor, gates

from . import style

GATES = frozenset({gates.detach, gates.scale_grad, gates.clip_grad, gates.on_backward, gates.alias})


class Mark(NamedTuple):
    """A gate in a picture: what is written on it, and whether nothing passes."""

    text: str
    closed: bool


def mark(gate: Tensor) -> Mark:
    """The mark of a gate node."""
    if gate.fn is gates.detach:
        return Mark("✂", True)
    if gate.fn is gates.scale_grad:
        return _scaled(gate.inputs[1])
    if gate.fn is gates.clip_grad:
        return Mark(f"‖g‖ ≤ {gate.kwargs['max_norm']:.4g}", False)
    if gate.fn is gates.on_backward:
        fn = gate.kwargs["fn"]
        return Mark(style.plain(getattr(fn, "__name__", type(fn).__name__)), False)
    return Mark("", False)


def _scaled(factor: Tensor) -> Mark:
    if factor.size != 1:
        return Mark("× " + (factor.name or "…"), not np.any(factor.data))
    value = float(factor.item())
    text = f"{factor.name} = {value:.4g}" if factor.name else f"× {value:.4g}"
    return Mark(f"✂ {text}" if value == 0 else text, value == 0)


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
