"""Drawing the unrolled graph: items, gates and arrows at given places, in one panel or several."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from graphviz import Digraph

from minigrad.viz import style
from minigrad.viz.graphs.canvas import NAME_POINTS, TEXT_POINTS, Looks, Point, pin, put_text

from .variable_layout import Places
from .variable_model import Arrow, Item, Key, VariableGraph
from .variable_room import Bus
from .variable_sizes import (
    Gate,
    gate_of,
    gate_size,
    gates_with_heads,
    item_size,
    lines,
)

# An invisible point where a branch leaves a trunk.
JOINT_SIZE = (0.4, 0.4)
JOINT_LOOKS = {
    "shape": "box",
    "label": "",
    "style": "invis",
    "class": "joint",
}
TRUNK_LOOKS = {
    "arrowhead": "none",
    "headclip": "false",
    "class": "trunk",
}
CUT_LINE = {
    "color": style.CUT,
    "style": "dashed",
    "class": "cut",
}

Part = Key | Arrow
Identifiers = dict[Key | Gate, str]
Texts = Mapping[Key, str]


@dataclass(frozen=True)
class Panel:
    """How one copy of the picture is drawn.

    shift: how far it is moved, in points. prefix: what its identifiers start with. tips, fills,
    kinds: what is special about an item. added: what the other panels lack, drawn strong. missing:
    what only the others have, drawn pale.
    """

    shift: Point = (0.0, 0.0)
    prefix: str = ""
    tips: Texts = field(default_factory=dict)
    fills: Texts = field(default_factory=dict)
    kinds: Texts = field(default_factory=dict)
    added: Collection[Part] = ()
    missing: Collection[Part] = ()

    def moved(self, point: Point) -> Point:
        """Where a point of the layout lies in this panel."""
        x, y = point
        right, up = self.shift
        return x + right, y + up

    def accent(self, part: Part) -> Looks:
        """Strong for what the other panels lack, pale and dotted for what only they have."""
        if part in self.missing:
            return {"color": style.REMOVED, "style": "dotted"}
        if part in self.added:
            return {"penwidth": "2", "class": "differs"}
        return {}


def paint_variables(picture: Digraph, graph: VariableGraph, spots: Places, panel: Panel) -> None:
    """Draw one panel: boxes and circles, gates, arrows, those that share a trunk last.

    spots: where the items and gates of the graph stand. panel: how this copy of it is drawn.
    """
    gates = gates_with_heads(graph, graph.arrows)
    ids = _identifiers(graph, gates, panel)
    for item in graph.items:
        centre = panel.moved(spots.item[item.key])
        _put_item(picture, ids[item.key], item, centre, panel)
    _put_gates(picture, graph, spots, ids, panel)
    times = graph.times
    dots = {i.key for i in graph.items if i.dots}
    branching = []
    for a in graph.arrows:
        if a.tail in dots and a.head in dots:
            continue
        if a not in spots.branch:
            tail = gate_of(a, times) if a.marks else a.tail
            head = ids[a.head]
            looks = _combined(_line(a, panel), panel.accent(a))
            picture.edge(ids[tail], head, **looks)
        elif a.head not in dots:
            branching.append(a)
    _put_trunks(picture, branching, spots, ids, panel)


def _identifiers(graph: VariableGraph, gates: Iterable[Gate], panel: Panel) -> Identifiers:
    """A DOT identifier for each item and gate of a panel."""
    parts: list[Key | Gate] = [*graph.times, *gates]
    unique = style.identifiers(map(_name, parts))
    ids: Identifiers = {}
    for part, name in zip(parts, unique, strict=True):
        ids[part] = panel.prefix + name
    return ids


def _name(part: Key | Gate) -> str:
    """What an identifier is made from."""
    if isinstance(part, Gate):
        return f"gate at {part.tail[1]}"
    kind, name = part
    return name if kind == "box" else f"to {name}"


def _put_item(picture: Digraph, name: str, item: Item, centre: Point, panel: Panel) -> None:
    """Draw a box, a circle, or dots, under an identifier, around its centre in the panel."""
    looks = item_looks(item)
    if item.key in panel.fills:
        looks["fillcolor"] = panel.fills[item.key]
        if item.parameter:
            looks |= {"color": style.PARAMETER, "penwidth": "2"}
    special = panel.kinds.get(item.key, "").split()
    looks["class"] = " ".join([looks["class"], *special])
    if "state" in special:
        looks["penwidth"] = style.STATE_WIDTH
    is_missing = item.key in panel.missing
    looks = _combined(looks, panel.accent(item.key))
    if is_missing:
        looks["style"] = "dashed"
    if "recomputed" in special:
        looks["style"] = "filled,dashed"
    is_faint = "unreached" in special and "nonfinite" not in special
    if is_missing or is_faint:
        looks |= {"color": style.FAINT, "fontcolor": style.FAINT}
    looks["label"] = ""
    if item.names:
        text = lines(item)
        looks["label"] = style.label(*text, size=NAME_POINTS, note=item.note)
    tip = panel.tips.get(item.key, item.tip)
    if item.time is not None:
        looks["step"] = f"{item.time}"
    looks["tooltip"] = style.tooltip(tip)
    pin(picture, name, centre, item_size(item), **looks)


def item_looks(item: Item) -> Looks:
    """The shape, colour and class of a box, a circle, or dots."""
    if item.dots:
        return {"shape": "plaintext", "style": "", "class": "fold"}
    if not item.names:
        return {"shape": "circle", "fillcolor": style.CIRCLE, "class": "operation"}
    if item.parameter:
        return {"shape": "box", "fillcolor": style.PARAMETER, "class": "parameter"}
    return {"shape": "box", "fillcolor": style.BOX, "class": "variable"}


def _put_gates(
    picture: Digraph, graph: VariableGraph, spots: Places, ids: Identifiers, panel: Panel
) -> None:
    """Draw what stands on the arrows, and the lines that lead there.

    spots: where everything stands. ids: the identifiers of items and gates in the panel.
    """
    times = graph.times
    # A gate on several arrows is drawn strong where one of them is.
    accents: dict[Gate, Looks] = {}
    for a in graph.arrows:
        if a.marks:
            gate = gate_of(a, times)
            accent = accents.setdefault(gate, {})
            accent.update(panel.accent(a))
    for gate, accent in accents.items():
        closed = any(m.closed for m in gate.marks)
        line = _combined(CUT_LINE if closed else {}, accent)
        kinds = [m.classes for m in gate.marks]
        texts = [m.text for m in gate.marks]
        looks = {
            "label": style.label(*texts, size=TEXT_POINTS),
            "fontcolor": line.get("color", style.GATE),
            "class": "cut" if closed else " ".join(kinds),
        }
        centre = panel.moved(spots.gate[gate])
        name = ids[gate]
        put_text(picture, name, centre, gate_size(gate), **looks)
        picture.edge(ids[gate.tail], name, arrowhead="none", **line)


def _put_trunks(
    picture: Digraph, arrows: list[Arrow], spots: Places, ids: Identifiers, panel: Panel
) -> None:
    """Draw the arrows of a parameter that many steps read: one line up, a branch to each.

    arrows: those that share a trunk. spots: where they branch. ids: the identifiers of items.
    """

    def height(a: Arrow) -> float:
        return spots.branch[a].point[1]

    trunks: dict[Bus, list[Arrow]] = {}
    for a in arrows:
        bus = spots.branch[a].bus
        trunks.setdefault(bus, []).append(a)
    for bus, branches in trunks.items():
        below = ids[bus.tail]
        # Only the first piece starts at the edge of a box, the others at a point.
        clip = "true"
        for a in sorted(branches, key=height):
            head = ids[a.head]
            joint = f"{ids[bus.tail]} to {head}"
            point = panel.moved(spots.branch[a].point)
            pin(picture, joint, point, JOINT_SIZE, **JOINT_LOOKS)
            picture.edge(below, joint, tailclip=clip, **TRUNK_LOOKS)
            looks = _combined(_line(a, panel), panel.accent(a))
            picture.edge(joint, head, tailclip="false", **looks)
            below = joint
            clip = "false"


def _combined(looks: Looks, accent: Looks) -> Looks:
    """Both; of their classes all."""
    names = [each["class"] for each in (looks, accent) if "class" in each]
    combined = looks | accent
    if names:
        combined["class"] = " ".join(names)
    return combined


def _line(a: Arrow, panel: Panel) -> Looks:
    """Red and dashed where no gradient passes, brown on the way back."""
    if a.closed:
        return CUT_LINE
    if "adjoint" in panel.kinds.get(a.head, "").split():
        return {"color": style.BACKWARD, "class": "backward"}
    return {}
