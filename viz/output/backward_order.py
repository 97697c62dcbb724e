"""When a backward pass comes to what is drawn: the order of the sweep, as the tape has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from minigrad import Tape, Tensor
from minigrad.viz.graphs.picture import Shown
from minigrad.viz.graphs.selection import adjoint_nodes, closed, reached_nodes

from .backward_paths import Arrow, members_of


def backward_order(parts: Iterable[Shown], arrows: Sequence[Arrow]) -> dict[str, int]:
    """At which moment, from 0, the pass comes to each drawn node that it comes to.

    A node that stands for several tensors is reached with the first of them. Tapes side by side
    keep in step. Of a recorded backward pass these are the operations of the pass itself.
    """
    moments: dict[str, int] = {}
    for part in parts:
        swept = _swept(part.tape)
        turn = {n: k for k, n in enumerate(swept)}
        first: dict[str, int] = {}
        for name, tensors in members_of(part, arrows).items():
            turns = [turn[n] for n in tensors if n in turn]
            if turns:
                first[name] = min(turns)
        behind = _behind(first, arrows)
        # A circle is reached after its box, with which it shares a tensor.
        box_first = sorted(first, key=behind.__contains__)
        box_first.sort(key=first.__getitem__)
        moments |= {name: k for k, name in enumerate(box_first)}
    return moments


def _swept(tape: Tape) -> list[Tensor]:
    """The tensors that get an adjoint, in the order in which they are swept."""
    adjoint = adjoint_nodes(tape)
    if adjoint:
        return [n for n in tape.nodes if n in adjoint]
    reached = reached_nodes(tape)
    return [n for n in reversed(tape.nodes) if n in reached and not closed(n)]


def _behind(first: dict[str, int], arrows: Sequence[Arrow]) -> set[str]:
    """The nodes from which an arrow leads to one with the same turn."""
    behind = set()
    for a in arrows:
        if a.tail in first and first[a.tail] == first.get(a.head):
            behind.add(a.tail)
    return behind
