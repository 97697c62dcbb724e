"""Drawing the unrolled graph: items, gates and arrows at given places, once or several times beside each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import graphviz

from minigrad.viz import style
from minigrad.viz.graphs.canvas import NAME_POINTS, TEXT_POINTS, Looks, Point, pin, put_text
from minigrad.viz.graphs.marks import Mark

from .variable_layout import Bus, Places
from .variable_model import Arrow, Item, Key
from .variable_sizes import (
    SIDE_POINTS,
    Gate,
    gate_size,
    gates_with_heads,
    item_size,
    lines,
)

# An invisible point where a branch leaves a trunk.
JOINT_SIZE = (0.4, 0.4)
JOINT_LOOKS = {"shape": "box", "label": "", "style": "invis", "class": "joint"}
# A caption has two lines.
CAPTION_HEIGHT_POINTS = 2.6 * TEXT_POINTS
CAPTION_MARGIN_POINTS = 4

Part = Key | Arrow


@dataclass(frozen=True)
class Panel:
    """How one copy of the picture is drawn.

    shift: how far it is moved, in points. prefix: what its identifiers start with. tips, fills,
    kinds: what is special about an item. added: what the other panels lack, drawn strong. missing:
    what only the others have, drawn pale.
    """

    shift: Point = (0.0, 0.0)
    prefix: str = ""
    tips: Mapping[Key, str] = field(default_factory=dict)
    fills: Mapping[Key, str] = field(default_factory=dict)
    kinds: Mapping[Key, str] = field(default_factory=dict)
    added: Collection[Part] = ()
    missing: Collection[Part] = ()

    def moved(self, point: Point) -> Point:
        """Where a point of the layout lies in this panel."""
        return point[0] + self.shift[0], point[1] + self.shift[1]

    def accent(self, part: Part) -> Looks:
        """How a part differs from what all panels have."""
        return _accent(part in self.added, part in self.missing)


def paint_variables(
    graph: graphviz.Digraph, items: list[Item], arrows: list[Arrow], spots: Places, panel: Panel
) -> None:
    """Draw one panel: the boxes and circles, the gates, the arrows, those that share a trunk last."""
    gates = gates_with_heads(items, arrows)
    ids = _identifiers(items, gates, panel)
    for item in items:
        _put_item(graph, ids[item.key], item, panel.moved(spots.item[item.key]), panel)
    time = {i.key: i.time for i in items}
    added = {Gate(a.tail, a.marks, time[a.head]) for a in arrows if a in panel.added}
    missing = {Gate(a.tail, a.marks, time[a.head]) for a in arrows if a in panel.missing}
    for gate in gates:
        accent = _accent(gate in added, gate in missing)
        _put_gate(graph, ids[gate], gate, panel.moved(spots.gate[gate]), accent)
        _join(graph, ids[gate.tail], ids[gate], _line(gate.marks) | accent)
    dots = {i.key for i in items if i.dots}
    branching = []
    for a in arrows:
        if a.tail in dots and a.head in dots:
            continue
        if a not in spots.branch:
            tail = Gate(a.tail, a.marks, time[a.head]) if a.marks else a.tail
            graph.edge(ids[tail], ids[a.head], **(_line(a.marks) | panel.accent(a)))
        elif a.head not in dots:
            branching.append(a)
    _put_trunks(graph, branching, spots, ids, panel)


def _identifiers(items: list[Item], gates: Collection[Gate], panel: Panel) -> dict[Key | Gate, str]:
    """A DOT identifier for each item and gate of a panel."""
    parts: list[Key | Gate] = [*dict.fromkeys(i.key for i in items), *gates]
    unique = style.identifiers(map(_name, parts))
    return {part: panel.prefix + name for part, name in zip(parts, unique, strict=True)}


def _name(part: Key | Gate) -> str:
    """What an identifier is made from."""
    if isinstance(part, Gate):
        return f"gate at {part.tail[1]}"
    kind, name = part
    return name if kind == "box" else f"to {name}"


def _put_item(graph: graphviz.Digraph, name: str, item: Item, centre: Point, panel: Panel) -> None:
    """Draw a box, a circle, or dots."""
    looks = item_looks(item)
    if item.key in panel.fills:
        looks["fillcolor"] = panel.fills[item.key]
        if item.parameter:
            looks |= {"color": style.PARAMETER, "penwidth": "2"}
    special = panel.kinds.get(item.key)
    if special:
        looks["class"] += f" {special}"
    is_missing = item.key in panel.missing
    looks |= _accent(item.key in panel.added, is_missing, line="dashed")
    if special == "recomputed":
        looks["style"] = "filled,dashed"
    if is_missing or special == "unreached":
        looks |= {"color": style.FAINT, "fontcolor": style.FAINT}
    text = ""
    if item.names:
        text = style.label(*lines(item), size=NAME_POINTS, note=item.note)
    tip = style.tooltip(panel.tips.get(item.key, item.tip))
    pin(graph, name, centre, item_size(item), label=text, tooltip=tip, **looks)


def item_looks(item: Item) -> Looks:
    """The shape, colour and class of a box, a circle, or dots."""
    if item.dots:
        return {"shape": "plaintext", "style": "", "class": "fold"}
    if not item.names:
        return {"shape": "circle", "fillcolor": style.CIRCLE, "class": "operation"}
    if item.parameter:
        return {"shape": "box", "fillcolor": style.PARAMETER, "class": "parameter"}
    return {"shape": "box", "fillcolor": style.BOX, "class": "variable"}


def _put_gate(graph: graphviz.Digraph, name: str, gate: Gate, centre: Point, accent: Looks) -> None:
    """Draw what stands on an arrow."""
    looks = _line(gate.marks) | accent
    text = style.label(*(m.text for m in gate.marks), size=TEXT_POINTS)
    ink = {"fontcolor": looks.get("color", style.GATE), "class": looks.get("class", "gate")}
    put_text(graph, name, centre, gate_size(gate), text, **ink)


def _join(graph: graphviz.Digraph, tail: str, head: str, looks: Looks) -> None:
    """A line without a head."""
    graph.edge(tail, head, arrowhead="none", **looks)


def _put_trunks(
    graph: graphviz.Digraph,
    arrows: list[Arrow],
    spots: Places,
    ids: Mapping[Key | Gate, str],
    panel: Panel,
) -> None:
    """The arrows of a parameter that many steps read: one line up beside them, a branch to each."""
    trunks: dict[Bus, list[Arrow]] = {}
    for a in arrows:
        trunks.setdefault(spots.branch[a].bus, []).append(a)
    for bus, branches in trunks.items():
        below = ids[bus.tail]
        # Only the first piece starts at the edge of a box, the others at a point.
        clip = "true"
        for a in sorted(branches, key=lambda a: spots.branch[a].point[1]):
            joint = f"{ids[bus.tail]} to {ids[a.head]}"
            pin(graph, joint, panel.moved(spots.branch[a].point), JOINT_SIZE, **JOINT_LOOKS)
            trunk = {"headclip": "false", "tailclip": clip, "class": "trunk"}
            _join(graph, below, joint, trunk)
            graph.edge(joint, ids[a.head], tailclip="false", **panel.accent(a))
            below = joint
            clip = "false"


def put_captions(graph: graphviz.Digraph, items: list[Item], spots: Places) -> None:
    """The captions of the folded runs, in two lines each, left of their rows of dots."""
    rows: dict[str, list[float]] = {}
    for i in items:
        if i.dots and i.time is not None:
            rows.setdefault(i.tip, []).append(spots.item[i.key][1])
    (left, _), _ = spots.corners
    for k, (text, ys) in enumerate(rows.items()):
        parts = text.replace(" (", "\n(").splitlines()
        wide = max(style.width(part, TEXT_POINTS) for part in parts) + CAPTION_MARGIN_POINTS
        centre = left - SIDE_POINTS - wide / 2, (min(ys) + max(ys)) / 2
        label = style.label(*parts, size=TEXT_POINTS)
        size = wide, CAPTION_HEIGHT_POINTS
        put_text(graph, f"folded {k + 1}", centre, size, label, **{"class": "caption"})


def _line(marks: tuple[Mark, ...]) -> Looks:
    """Red and dashed where no gradient passes."""
    if any(m.closed for m in marks):
        return {"color": style.CUT, "style": "dashed", "class": "cut"}
    return {}


def _accent(added: bool, missing: bool, line: str = "dotted") -> Looks:
    """Strong for what the others do not have, pale and dotted (or another line) for what they have."""
    if missing:
        return {"color": style.REMOVED, "style": line}
    if added:
        return {"penwidth": "2"}
    return {}
