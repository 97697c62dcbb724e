"""Arrows of the unrolled graph, led round what stands in their way; rails, and what joins them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphviz import Digraph

from minigrad.viz.graphs.canvas import Looks, Point, pin
from minigrad.viz.graphs.curves import Path, position
from minigrad.viz.graphs.lines.outlines import Outline, outline
from minigrad.viz.graphs.lines.routing import routes

from .rails import Joint
from .variable_model import Arrow

# An invisible point where something joins or leaves a rail.
JOINT_SIZE = (0.4, 0.4)
JOINT_LOOKS = {
    "shape": "box",
    "label": "",
    "style": "invis",
    "class": "joint",
}
TRUNK_LOOKS = {
    "arrowhead": "none",
    "class": "trunk",
}

Wire = tuple[str, str, Looks]
"""From where to where, by identifiers, and how it looks."""


@dataclass(frozen=True)
class Wiring:
    """What stands in one panel, by its identifiers, and the arrows to draw there.

    back: they go from head to tail.
    """

    picture: Digraph
    prefix: str
    back: bool = False
    outlines: dict[str, Outline] = field(default_factory=dict)
    wires: list[Wire] = field(default_factory=list)
    drawn: list[Path] = field(default_factory=list)
    items: set[str] = field(default_factory=set)

    def add(self, name: str, centre: Point, size: Point, is_round: bool = False) -> None:
        """A box or circle, which no arrow but its own shall cross."""
        self.items.add(name)
        self.outlines[name] = outline(centre, size, is_round)

    def add_gate(self, name: str, centre: Point, size: Point) -> None:
        """What stands on an arrow, which no other shall cross."""
        self.outlines[name] = outline(centre, size)

    def join(self, tail: str, head: str, looks: Looks) -> None:
        """An arrow."""
        self.wires.append((tail, head, looks))

    def draw(self) -> None:
        """Draw all these arrows."""
        self._draw_wires(self.outlines, self.wires)

    def _draw_wires(self, outlines: dict[str, Outline], wires: list[Wire]) -> None:
        ends = [(tail, head) for tail, head, _ in wires]
        paths = routes(outlines, ends, self.drawn)
        self.drawn.extend(paths)
        for (tail, head, looks), path in zip(wires, paths, strict=True):
            if self.back:
                backwards = path[::-1]
                self._draw_back(head, tail, looks, backwards)
                continue
            pos = position(path, has_head="arrowhead" not in looks)
            self.picture.edge(tail, head, pos=pos, **looks)

    def _draw_back(self, tail: str, head: str, looks: Looks, path: Path) -> None:
        """The piece of an arrow that is turned round: it ends in a head where the arrow does."""
        own = dict(looks)
        own.pop("arrowhead", None)
        has_head = head in self.items
        if not has_head:
            own["arrowhead"] = "none"
        pos = position(path, has_head)
        self.picture.edge(tail, head, pos=pos, **own)

    def draw_rail(
        self,
        joints: Iterable[Joint],
        ids: Mapping[Any, str],
        looks: Mapping[Arrow, Looks],
        name: str,
    ) -> None:
        """Draw what of a rail these arrows use.

        ids: the identifiers of the ends. looks: of the arrows. name: of the rail.
        """
        tails = {a.tail for a in looks}
        heads = {a.head: each for a, each in looks.items()}
        trunk = _common(looks) | TRUNK_LOOKS
        joining: list[Wire] = []
        leaving: list[Wire] = []
        around = dict(self.outlines)
        before = ""
        for k, joint in enumerate(joints):
            starts = [key for key in joint.tails if key in tails]
            ends = [key for key in joint.heads if key in heads]
            if not starts and not ends:
                continue
            here = f"{self.prefix}{name} {k}"
            pin(self.picture, here, joint.point, JOINT_SIZE, **JOINT_LOOKS)
            around[here] = outline(joint.point, JOINT_SIZE)
            joining += [(ids[key], here, trunk) for key in starts]
            leaving += [(here, ids[key], heads[key]) for key in ends]
            if before:
                leaving.append((before, here, trunk))
            before = here
        self._draw_wires(around, joining)
        # Nothing stands in the way of these.
        alone: dict[str, Outline] = {}
        for tail, head, _ in leaving:
            alone[tail] = around[tail]
            alone[head] = around[head]
        self._draw_wires(alone, leaving)


def _common(looks: Mapping[Arrow, Looks]) -> Looks:
    """What all of these arrows share."""
    items = [set(each.items()) for each in looks.values()]
    if not items:
        return {}
    return dict(set.intersection(*items))
