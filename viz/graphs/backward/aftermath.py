"""What a tape makes of its gradients, such as clipping: one labelled box in place of a bush."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from minigrad import Tape, Tensor
from minigrad.internal import Made
from minigrad.viz import style
from minigrad.viz.graphs.canvas import Looks
from minigrad.viz.graphs.shrink import shrink_of

# Operations that are named where nobody knows what they are for.
MAX_LISTED = 3


@dataclass(frozen=True)
class After:
    """Operations on gradients that belong together.

    rows: what they do. wrt: of what the gradients are that they read. clips: whether they bound
    them.
    """

    rows: tuple[str, ...]
    wrt: tuple[Tensor, ...]
    nodes: tuple[Tensor, ...]
    clips: bool

    @property
    def looks(self) -> Looks:
        """Of the box that stands for them."""
        return {
            "shape": "box",
            "style": "rounded,filled",
            "fillcolor": style.ADJOINT,
            "fontname": style.SANS,
            "color": style.GATE if self.clips else "black",
            "fontcolor": style.GATE if self.clips else "black",
            "class": "rule gate clipped" if self.clips else "rule adjoint",
            "tooltip": style.tooltip(self.tip),
        }

    @property
    def tip(self) -> str:
        """How many operations that are, and of what."""
        return f"{'; '.join(self.rows)}: {len(self.nodes)} operations on {len(self.wrt)} gradients"


def afters(tape: Tape, forward: set[Tensor], made: Mapping[Tensor, Made]) -> list[After]:
    """What is made of the gradients on a tape, one after the other.

    forward: the nodes of the forward pass. made: what the backward pass made of them.
    """
    if not made:
        return []
    wrt = set(tape.wrt)
    gradients: dict[Tensor, Tensor] = {}
    for m in made.values():
        if m.node in wrt and m.adjoint is not None:
            gradients[m.adjoint] = m.node
    recorded = set(forward)
    for m in made.values():
        recorded |= {*m.rule, *m.total}
    outside = [n for n in tape.nodes if n.fn and n not in recorded and not n.recomputed]
    alike: dict[tuple[str, ...], list[After]] = {}
    for nodes in _connected(outside):
        after = _after(nodes, gradients)
        alike.setdefault(after.rows, []).append(after)
    return [_joined(each) for each in alike.values()]


def _joined(alike: list[After]) -> After:
    """One for all that do the same."""
    wrt = tuple(x for after in alike for x in after.wrt)
    count = "1 gradient" if len(wrt) == 1 else f"{len(wrt)} gradients"
    nodes = tuple(n for after in alike for n in after.nodes)
    first, *others = alike[0].rows
    return After((f"{first}, of {count}", *others), wrt, nodes, alike[0].clips)


def _connected(nodes: list[Tensor]) -> list[list[Tensor]]:
    """The nodes in groups that read each other, in the order of execution."""
    group_of: dict[Tensor, list[Tensor]] = {}
    for n in nodes:
        group = [n]
        for x in n.inputs:
            other = group_of.get(x)
            if other is not None and other is not group:
                small, group = sorted((other, group), key=len)
                group += small
                group_of.update(dict.fromkeys(small, group))
        group_of[n] = group
    order = {n: k for k, n in enumerate(nodes)}
    unique = {id(group): group for group in group_of.values()}
    for group in unique.values():
        group.sort(key=order.__getitem__)
    return list(unique.values())


def _after(nodes: list[Tensor], gradients: Mapping[Tensor, Tensor]) -> After:
    """What these operations do to the gradients."""
    read: dict[Tensor, None] = {}
    for n in nodes:
        read |= {gradients[x]: None for x in n.inputs if x in gradients}
    functions = {n.fn for n in nodes}
    rows = list(dict.fromkeys(_rows_of_clip(nodes)))
    clips = bool(rows) or {np.sqrt, np.minimum} <= functions
    if not rows:
        names = list(dict.fromkeys(n.op for n in nodes))
        listed = ", ".join(names[:MAX_LISTED])
        if len(names) > MAX_LISTED:
            listed += ", …"
        title = "clip by the norm" if clips else "of the gradients"
        rows = [title, f"{len(nodes)} operations: {listed}"]
    return After(tuple(rows), tuple(read), tuple(nodes), clips)


def _rows_of_clip(nodes: list[Tensor]) -> Iterator[str]:
    """What ``clip`` and ``clip_value`` do: the bound, and of a norm what it is."""
    for n in nodes:
        shrink = shrink_of(n)
        if shrink:
            yield f"clip ‖g‖ ≤ {shrink.limit:.4g}"
            yield f"‖g‖ = {shrink.norm:.4g}, × {n.item():.4g}"
        elif n.fn is np.minimum and n.inputs[0].fn is np.maximum:
            low = n.inputs[0].inputs[1]
            high = n.inputs[1]
            if low.size == high.size == 1:
                yield f"clip elements to [{low.item():.4g}, {high.item():.4g}]"
