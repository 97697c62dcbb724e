"""What a gate does to the gradient, as a mark on the edge it sits on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minigrad import Tensor
from minigrad.internal import gates
from minigrad.viz import style


class Mark(NamedTuple):
    """A gate in a picture: what is written on it, whether nothing passes, its classes if not.

    name: of the factor, as the text has it. after: how many steps back what is cut has come, each
    of several ways that share the picture's arrow.
    """

    text: str
    closed: bool
    kind: str = "gate"
    name: str = ""
    after: tuple[int, ...] = ()

    @property
    def classes(self) -> str:
        """What a picture calls it."""
        return CUT if self.closed else self.kind


CUT = "cut"
SCALED = "gate scaled"
CLIPPED = "gate clipped"


def mark(gate: Tensor) -> Mark:
    """The mark of a gate node."""
    return MARKS[gate.fn](gate)


def _detached(gate: Tensor) -> Mark:
    return Mark("✂", closed=True)


def _scaled(gate: Tensor) -> Mark:
    factor = gate.inputs[1]
    if factor.size != 1:
        name = factor.label if factor.name else "…"
        return Mark(f"× {name}", not np.any(factor.data), SCALED, factor.name or "")
    value = float(factor.item())
    text = f"× {value:.4g}"
    if factor.name:
        text = f"{factor.label} = {value:.4g}"
    if value == 0:
        text = f"✂ {text}"
    return Mark(text, value == 0, SCALED, factor.name or "")


def _clipped(gate: Tensor) -> Mark:
    return Mark(f"‖g‖ ≤ {gate.kwargs['max_norm']:.4g}", False, CLIPPED)


def _watched(gate: Tensor) -> Mark:
    fn = gate.kwargs["fn"]
    name = getattr(fn, "__name__", type(fn).__name__)
    return Mark(style.plain(name), closed=False)


def _renamed(gate: Tensor) -> Mark:
    return Mark("", closed=False)


def _recomputed(gate: Tensor) -> Mark:
    return Mark("again", closed=False)


MARKS: dict[object, Callable[[Tensor], Mark]] = {
    gates.detach: _detached,
    gates.scale_grad: _scaled,
    gates.clip_grad: _clipped,
    gates.on_backward: _watched,
    gates.alias: _renamed,
    gates.recompute: _recomputed,
}
"""How the mark of each gate is made."""


def is_gate(n: Tensor) -> bool:
    """Whether the node is a gate: the identity, with an opinion about the gradient."""
    return n.fn in gates.GATES


def closed(n: Tensor) -> bool:
    """Whether the node is a gate that lets no gradient pass."""
    return is_gate(n) and mark(n).closed


def inlined(gate: Tensor) -> tuple[Tensor, ...]:
    """The inputs of a gate that its mark already tells: the one number of scale_grad."""
    return tuple(x for x in gate.inputs[1:] if x.fn is None and x.size == 1)


def through(node: Tensor) -> tuple[Tensor, tuple[Mark, ...]]:
    """What a reader of this node really reads, behind unnamed gates, and their marks."""
    marks: list[Mark] = []
    while is_gate(node) and not node.name:
        marks.append(mark(node))
        node = node.inputs[0]
    return node, tuple(m for m in reversed(marks) if m.text)
