"""Drawing the unrolled graph: items, gates and arrows at given places, once or several times beside each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import graphviz

from minigrad.viz import style
from minigrad.viz.graphs.marks import Mark

from .grid import cells
from .variable_layout import FONT, SIZE, SMALL, Gate, Point, buses, gate_size, lines, points, size
from .variable_model import Arrow, Item, Key

MANY = 150  # beyond, arrows are straight: the time to lead them round the boxes grows with the cube
_TRUNK, _BELOW = (
    19.0,
    15.0,
)  # from a circle's centre to the trunk beside it, and down to where the branch leaves it
Looks = dict[str, str]
Bus = tuple[Key, int]  # the tail of the arrows that share a trunk, and their heads' column


@dataclass(frozen=True)
class Places:
    """The centre of each item and gate; the branch on a trunk for each arrow that has one."""

    item: dict[Key, Point]
    gate: dict[Gate, Point]
    branch: dict[Arrow, tuple[Bus, Point]]

    @property
    def corners(self) -> tuple[Point, Point]:
        """The lowest and the highest centre in either direction."""
        xs, ys = zip(*(self.item or {("box", ""): (0.0, 0.0)}).values(), strict=True)
        return (min(xs), min(ys)), (max(xs), max(ys))


def places(items: list[Item], arrows: list[Arrow], shown: list[Arrow] | None = None) -> Places:
    """The places of the book's layout, with room for all arrows; gates on those that are shown together."""
    cell = cells(items, arrows)
    item, gate = points(items, arrows, cell, arrows if shown is None else shown)
    branch: dict[Arrow, tuple[Bus, Point]] = {}
    beside: dict[int, int] = {}
    for (tail, column), its in buses(items, arrows, cell).items():
        k = beside[column] = beside.get(column, -1) + 1
        for a in its:
            x, y = item[a.head]
            branch[a] = (tail, column), (x - _TRUNK - 5 * k, y - _BELOW)
    return Places(item, gate, branch)


@dataclass(frozen=True)
class Paint:
    """How one panel is drawn: moved by ``shift``, its identifiers after ``prefix``, what is special about an item."""

    shift: Point = (0.0, 0.0)
    prefix: str = ""
    tips: Mapping[Key, str] = field(default_factory=dict)
    fills: Mapping[Key, str] = field(default_factory=dict)
    kinds: Mapping[Key, str] = field(default_factory=dict)
    new: Collection[Key | Arrow] = ()  # drawn strong
    gone: Collection[Key | Arrow] = ()  # drawn as what is not there any more


def blank(name: str, crowded: bool) -> graphviz.Digraph:
    """A graph whose nodes stay where they are put."""
    graph = graphviz.Digraph(name, engine="neato")
    # inputscale: positions are in points; the exclamation mark that follows each: it is final
    splines = "line" if crowded else "true"
    graph.attr(inputscale="72", splines=splines, esep="+2", outputorder="edgesfirst", pad="0.06")
    graph.attr(
        "node",
        fontname=style.MATH,
        fontsize=f"{FONT:g}",
        margin="0",
        style="filled",
        penwidth="0.8",
    )
    graph.attr("edge", arrowsize="0.5", penwidth="0.8")
    return graph


def paint(
    graph: graphviz.Digraph, items: list[Item], arrows: list[Arrow], at: Places, how: Paint
) -> None:
    """Draw one panel."""
    time = {i.key: i.time for i in items}
    dots = {i.key for i in items if i.dots}

    def gate_of(a: Arrow) -> Gate:
        return Gate(a.tail, a.marks, time[a.head])

    gates = list(dict.fromkeys(gate_of(a) for a in arrows if a.marks))
    named: list[Key | Gate] = [*time, *gates]
    ids = dict(
        zip(named, [how.prefix + i for i in style.identifiers(map(_name, named))], strict=True)
    )
    for item in items:
        _box(graph, ids[item.key], item, _moved(at.item[item.key], how), how)
    strong = {gate_of(a) for a in arrows if a in how.new}
    weak = {gate_of(a) for a in arrows if a in how.gone}
    for gate in gates:
        looks = _line(gate.marks) | _accent(gate in strong, gate in weak)
        text = style.label(*(m.text for m in gate.marks), size=SMALL)
        closed = any(m.closed for m in gate.marks)
        ink = {"fontcolor": looks.get("color", style.GATE), "class": "cut" if closed else "gate"}
        put_text(graph, ids[gate], _moved(at.gate[gate], how), gate_size(gate), text, **ink)
        graph.edge(ids[gate.tail], ids[gate], arrowhead="none", **looks)
    drawn = [a for a in arrows if a.tail not in dots or a.head not in dots]
    for a in drawn:
        if a not in at.branch:
            tail = gate_of(a) if a.marks else a.tail
            graph.edge(
                ids[tail], ids[a.head], **_line(a.marks), **_accent(a in how.new, a in how.gone)
            )
    _trunks(graph, [a for a in drawn if a in at.branch and a.head not in dots], at, ids, how)


def _trunks(
    graph: graphviz.Digraph, arrows: list[Arrow], at: Places, ids: dict[Key | Gate, str], how: Paint
) -> None:
    """The arrows of a parameter that many steps read: one line up beside them, a branch to each."""
    trunks: dict[Bus, list[Arrow]] = {}
    for a in arrows:
        trunks.setdefault(at.branch[a][0], []).append(a)
    for (tail, _), its in trunks.items():
        below, clip = ids[tail], "true"
        for a in sorted(its, key=lambda a: at.branch[a][1][1]):
            joint = f"{ids[tail]} to {ids[a.head]}"
            spot = {"shape": "box", "label": "", "style": "invis", "class": "joint"}
            pin(graph, joint, _moved(at.branch[a][1], how), (0.4, 0.4), **spot)
            graph.edge(
                below,
                joint,
                arrowhead="none",
                headclip="false",
                tailclip=clip,
                **{"class": "trunk"},
            )
            clip = "false"
            graph.edge(joint, ids[a.head], tailclip="false", **_accent(a in how.new, a in how.gone))
            below = joint


def put_text(
    graph: graphviz.Digraph, name: str, at: Point, measures: Point, text: str, **attributes: str
) -> None:
    """Plain text, centred there."""
    plain = {"shape": "plaintext", "style": "", "fontname": style.SANS, "fontsize": f"{SMALL:g}"}
    pin(graph, name, at, measures, label=text, **plain, **attributes)


def put_captions(graph: graphviz.Digraph, items: list[Item], at: Places) -> None:
    """The captions of the folded runs, in two lines each, left of their rows of dots."""
    rows: dict[str, list[float]] = {}
    for i in items:
        if i.dots and i.time is not None:
            rows.setdefault(i.tip, []).append(at.item[i.key][1])
    for k, (text, ys) in enumerate(rows.items()):
        parts = text.replace(" (", "\n(").splitlines()
        wide = max(style.width(part, SMALL) for part in parts) + 4
        where = at.corners[0][0] - SIZE - wide / 2, (min(ys) + max(ys)) / 2
        label = style.label(*parts, size=SMALL)
        put_text(
            graph, f"folded {k + 1}", where, (wide, 2.6 * SMALL), label, **{"class": "caption"}
        )


def pin(graph: graphviz.Digraph, name: str, at: Point, measures: Point, **attributes: str) -> None:
    """A node of these measures, its centre there for good."""
    sides = {"width": f"{measures[0] / 72:.4g}", "height": f"{measures[1] / 72:.4g}"}
    graph.node(name, pos=f"{at[0]:.6g},{at[1]:.6g}!", id=f"node_{name}", **sides, **attributes)


def _name(what: Key | Gate) -> str:
    if isinstance(what, Gate):
        return f"gate at {what.tail[1]}"
    return what[1] if what[0] == "box" else f"to {what[1]}"


def _moved(at: Point, how: Paint) -> Point:
    return at[0] + how.shift[0], at[1] + how.shift[1]


def _box(graph: graphviz.Digraph, name: str, item: Item, at: Point, how: Paint) -> None:
    looks = {"shape": "box", "fillcolor": style.PARAMETER if item.parameter else style.BOX}
    kind = "parameter" if item.parameter else "variable"
    if item.dots:
        looks, kind = {"shape": "plaintext", "style": ""}, "fold"
    elif not item.names:
        looks, kind = {"shape": "circle", "fillcolor": style.CIRCLE}, "operation"
    if item.key in how.fills:
        looks["fillcolor"] = how.fills[item.key]
        looks |= {"color": style.PARAMETER, "penwidth": "2"} if item.parameter else {}
    kind = " ".join(filter(None, (kind, how.kinds.get(item.key, ""))))
    looks |= _accent(item.key in how.new, item.key in how.gone, "fontcolor")
    if "recomputed" in kind:
        looks["style"] = "filled,dashed"
    if "unreached" in kind or item.key in how.gone:
        looks |= {"color": style.FAINT, "fontcolor": style.FAINT}
    text = style.label(*lines(item), size=FONT, note=item.note) if item.names else ""
    tip = style.tooltip(how.tips.get(item.key, item.tip))
    pin(graph, name, at, size(item), label=text, tooltip=tip, **looks, **{"class": kind})


def _line(marks: tuple[Mark, ...]) -> Looks:
    return (
        {"color": style.CUT, "style": "dashed", "class": "cut"}
        if any(m.closed for m in marks)
        else {}
    )


def _accent(new: bool, gone: bool, *also: str) -> Looks:
    """Strong for what the others do not have, pale and dotted for what they have."""
    if gone:
        return {"color": style.REMOVED, "style": "dotted" if not also else "dashed"}
    return {"penwidth": "2"} if new else {}
