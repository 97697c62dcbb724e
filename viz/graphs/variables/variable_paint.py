"""Drawing the unrolled graph: items, gates and arrows at given places, in one panel or several."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from minigrad.viz import style
from minigrad.viz.graphs.canvas import NAME_POINTS, TEXT_POINTS, Looks, Point, pin, put_text
from minigrad.viz.graphs.fold import fold_name
from minigrad.viz.graphs.picture import Picture

from .rails import Joint, Rail
from .variable_model import Arrow, Item, Key, VariableGraph
from .variable_places import Places
from .variable_sizes import (
    Gate,
    gate_of,
    gate_size,
    gates_with_heads,
    item_size,
    lines,
)
from .wiring import Wiring

CUT_LINE = {
    "color": style.CUT,
    "style": "dashed",
    "class": "cut",
}

BACK_LINE = {"color": style.BACKWARD, "class": "backward"}
# Of a parameter whose fill says its norm.
NORM_OUTLINE = {"color": style.PARAMETER, "penwidth": "2"}

# What arrows lead to in place of folded items, in points: the dots themselves.
DOTS_SIZE = {"⋯": (18.0, 8.0), "⋮": (8.0, 18.0)}

Part = Key | Arrow
Identifiers = dict[Key | Gate, str]
Texts = Mapping[Key, str]


@dataclass(frozen=True)
class Panel:
    """How one copy of the picture is drawn.

    shift: how far it is moved, in points. prefix: what its identifiers start with. tips, fills,
    kinds: what is special about an item. added: what the other panels lack, drawn strong. missing:
    what only the others have, drawn pale. back: arrows go from head to tail, as the gradient does.
    """

    shift: Point = (0.0, 0.0)
    prefix: str = ""
    tips: Texts = field(default_factory=dict)
    fills: Texts = field(default_factory=dict)
    kinds: Texts = field(default_factory=dict)
    added: Collection[Part] = ()
    missing: Collection[Part] = ()
    back: bool = False

    def moved(self, point: Point) -> Point:
        """Where a point of the layout lies in this panel."""
        x, y = point
        right, up = self.shift
        return x + right, y + up

    def joint(self, joint: Joint) -> Joint:
        """A joint of a rail in this panel."""
        return joint._replace(point=self.moved(joint.point))

    def accent(self, part: Part) -> Looks:
        """Strong for what the other panels lack, pale and dotted for what only they have."""
        if part in self.missing:
            return {"color": style.REMOVED, "style": "dotted"}
        if part in self.added:
            return {"penwidth": "2", "class": "differs"}
        return {}


def paint_variables(
    picture: Picture, graph: VariableGraph, spots: Places, panel: Panel
) -> Identifiers:
    """Draw one panel: boxes and circles, gates, arrows; returns the identifiers in it.

    spots: where the items and gates of the graph stand. panel: how this copy of it is drawn.
    """
    gates = gates_with_heads(graph, graph.arrows)
    ids = _identifiers(graph, gates, panel)
    wiring = Wiring(picture, panel.prefix, panel.back)
    for item in graph.items:
        name = ids[item.key]
        centre = panel.moved(spots.item[item.key])
        _put_item(picture, name, item, centre, panel)
        size = DOTS_SIZE[item.names[0]] if item.dots else item_size(item)
        wiring.add(name, centre, size, is_round=not item.names)
    _put_gates(wiring, graph, spots, ids, panel)
    _put_arrows(wiring, graph, spots, ids, panel)
    return ids


def _put_arrows(
    wiring: Wiring, graph: VariableGraph, spots: Places, ids: Identifiers, panel: Panel
) -> None:
    """Draw the arrows, those between dots left out: along the rails, then each for itself."""
    times = graph.times
    dots = {i.key for i in graph.items if i.dots}
    drawn = [a for a in graph.arrows if not dots >= {a.tail, a.head}]
    looks = {a: _combined(_line(a, panel), panel.accent(a)) for a in drawn}
    on_rails: set[Arrow] = set()
    for k, rail in enumerate(spots.rails, start=1):
        used = {a: looks[a] for a in rail.arrows if a in looks and a.head not in dots}
        on_rails |= _along(rail, used)
        joints = [panel.joint(joint) for joint in rail.joints]
        wiring.draw_rail(joints, ids, used, f"rail {k}")
    for a, own in looks.items():
        if a in on_rails:
            continue
        tail = gate_of(a, times) if a.marks else a.tail
        wiring.join(ids[tail], ids[a.head], own)
    wiring.draw()


def _along(rail: Rail, used: Iterable[Arrow]) -> set[Arrow]:
    """The arrows that a rail stands for.

    What only folded steps read has none, and its arrow ends at their dots.
    """
    tails = {a.tail for a in used}
    return {a for a in rail.arrows if a.tail in tails}


def _identifiers(graph: VariableGraph, gates: Iterable[Gate], panel: Panel) -> Identifiers:
    """A DOT identifier for each item and gate of a panel."""
    parts: list[Key | Gate] = [*graph.times, *gates]
    unique = style.identifiers(map(_name, parts))
    names = [panel.prefix + name for name in unique]
    return dict(zip(parts, names, strict=True))


def _name(part: Key | Gate) -> str:
    """What an identifier is made from."""
    if isinstance(part, Gate):
        return f"gate at {part.tail[1]}"
    kind, name = part
    return name if kind == "box" else f"to {name}"


def _put_item(picture: Picture, name: str, item: Item, centre: Point, panel: Panel) -> None:
    """Draw a box, a circle, or dots, under an identifier, around its centre in the panel."""
    if item.strip:
        picture.opens(name, fold_name(item.strip.steps))
    looks = item_looks(item)
    if item.key in panel.fills:
        looks["fillcolor"] = panel.fills[item.key]
        if item.parameter:
            looks |= NORM_OUTLINE
    special = panel.kinds.get(item.key, "").split()
    looks["class"] = " ".join([looks["class"], *special])
    if "state" in special:
        looks["penwidth"] = style.STATE_WIDTH
    looks = _combined(looks, panel.accent(item.key))
    is_missing = item.key in panel.missing
    if is_missing:
        looks["style"] = "dashed"
    if "recomputed" in special:
        looks["style"] = "filled,dashed"
    is_faint = "unreached" in special and "nonfinite" not in special
    if is_missing or is_faint:
        looks["color"] = style.FAINT
        looks["fontcolor"] = style.FAINT
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
    kind = "variable constant" if item.leaf else "variable"
    return {"shape": "box", "fillcolor": style.BOX, "class": kind}


def _put_gates(
    wiring: Wiring, graph: VariableGraph, spots: Places, ids: Identifiers, panel: Panel
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
        open_line = BACK_LINE if panel.back else {}
        line = _combined(CUT_LINE if closed else open_line, accent)
        kinds = sorted({m.classes for m in gate.marks})
        texts = [m.text for m in gate.marks]
        looks = {
            "label": style.label(*texts, size=TEXT_POINTS),
            "fontcolor": style.CUT if closed else accent.get("color", style.GATE),
            "class": " ".join(kinds),
        }
        centre = panel.moved(spots.gate[gate])
        name = ids[gate]
        size = gate_size(gate)
        put_text(wiring.picture, name, centre, size, **looks)
        wiring.add_gate(name, centre, size)
        wiring.join(ids[gate.tail], name, {"arrowhead": "none", **line})


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
        return BACK_LINE
    return {}
