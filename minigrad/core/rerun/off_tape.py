"""Values that were computed off the tape: leaves that remember by what, not from what.

``detach()``, ``no_grad()``, ``mg.grad`` and ``mg.tensor(t)`` give leaves. Where an input or a
parameter lies behind one, running the tape again would repeat its old value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from minigrad.errors import GradientError

if TYPE_CHECKING:
    from minigrad.core.tensor import Tensor


def mark(leaf: Tensor, inputs: Sequence[Tensor], how: str) -> Tensor:
    """The leaf, which knows by what it was computed from these; no mark where all is constant."""
    if any(x.requires_grad for x in inputs):
        leaf.cut = how
        return leaf
    leaf.cut = next((x.cut for x in inputs if x.cut), "")
    source = nearest(inputs, varies)
    if source is not None:
        leaf.off_tape = source.off_tape or how
    return leaf


def nearest(nodes: Iterable[Tensor], wanted: Callable[[Tensor], bool]) -> Tensor | None:
    """The first that is wanted of these nodes and what lies behind them, if any is."""
    waiting = list(nodes)
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        if wanted(node):
            return node
        for x in node.inputs:
            if x not in seen:
                seen.add(x)
                waiting.append(x)
    return None


def varies(node: Tensor) -> bool:
    """Whether it is an input, needs a gradient, or was computed from such a one off the tape."""
    is_input = node.fn is None and node.name is not None
    return node.requires_grad or is_input or is_frozen(node)


def is_frozen(leaf: Tensor) -> bool:
    """Whether a leaf was computed from inputs or parameters off the tape, and cannot be fed.

    One with a name is an input itself; one that needs a gradient is a parameter.
    """
    is_constant = leaf.name is None and not leaf.requires_grad
    return is_constant and bool(leaf.cut or leaf.off_tape)


def frozen_refusal(subject: str, leaf: Tensor) -> GradientError:
    """The error for running a tape again that holds such a leaf."""
    how = leaf.cut or leaf.off_tape
    remedy = "Compute it on the tape, with mg.detach where no gradient is to pass"
    if how == "mg.grad()":
        remedy = "Pass create_graph=True, which keeps it on the tape"
    return GradientError(
        subject,
        got=f"'{leaf.label}' was computed from an input or parameter off the tape, by {how}",
        expected="it would keep its value, whatever is fed or assigned",
        remedy=f"{remedy}, or make it an input: .named('s')",
        where=leaf.where,
    )
