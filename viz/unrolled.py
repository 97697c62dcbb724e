"""Fig. 9.7.2 of any tape: the unrolled graph, time from bottom to top, the stages of a step from left to right."""

from __future__ import annotations

import graphviz

from minigrad import Tape

from . import style
from .circles import Item, Key, circles
from .folding import folded
from .grid import cells
from .marks import Mark
from .spacing import FONT, SIZE, SMALL, Gate, Point, gate_size, lines, points, size

MANY = 150  # beyond, arrows are straight: the time to lead them round the boxes grows with the cube


def unrolled(tape: Tape) -> graphviz.Digraph:
    """The unrolled computational graph of a tape, each named tensor a box, in the layout of D2L's Fig. 9.7.2.

    Gates stand on the arrows; an arrow through which no gradient passes is red and dashed.
    """
    items, arrows, caption = folded(*circles(tape))
    place, gate_place = points(items, arrows, cells(items, arrows))
    named: list[Key | Gate] = [*place, *gate_place]
    ids = dict(zip(named, style.identifiers(map(_name, named)), strict=True))
    graph = _blank("true" if len(items) <= MANY else "line")
    for item in items:
        _box(graph, ids[item.key], item, place[item.key])
    for gate, at in gate_place.items():
        text = style.label(*(m.text for m in gate.marks), size=SMALL)
        _text(graph, ids[gate], at, gate_size(gate), text, fontcolor=_line(gate.marks).get("color", style.GATE))
        graph.edge(ids[gate.tail], ids[gate], arrowhead="none", **_line(gate.marks))
    time = {i.key: i.time for i in items}
    dots = {i.key for i in items if i.dots}
    for arrow in arrows:
        if arrow.tail not in dots or arrow.head not in dots:
            tail = Gate(arrow.tail, arrow.marks, time[arrow.head]) if arrow.marks else arrow.tail
            graph.edge(ids[tail], ids[arrow.head], **_line(arrow.marks))
    if caption:
        y = next(place[i.key][1] for i in items if i.dots and i.time is not None)
        wide = style.width(caption, SMALL) + 4
        _text(graph, "folded", (-(wide + SIZE) / 2, y), (wide, FONT), style.label(caption, size=SMALL))
    return graph


def _blank(splines: str) -> graphviz.Digraph:
    graph = graphviz.Digraph("unrolled", engine="neato")
    # inputscale: positions are in points; the exclamation mark that follows each: it is final
    graph.attr(inputscale="72", splines=splines, esep="+2", outputorder="edgesfirst", pad="0.06")
    graph.attr("node", fontname=style.MATH, fontsize=f"{FONT:g}", margin="0", style="filled", penwidth="0.8")
    graph.attr("edge", arrowsize="0.5", penwidth="0.8")
    return graph


def _name(what: Key | Gate) -> str:
    if isinstance(what, Gate):
        return f"gate at {what.tail[1]}"
    return what[1] if what[0] == "box" else f"to {what[1]}"


def _pin(graph: graphviz.Digraph, name: str, at: Point, measures: Point, **attributes: str) -> None:
    sides = {"width": f"{measures[0] / 72:.4g}", "height": f"{measures[1] / 72:.4g}"}
    graph.node(name, pos=f"{at[0]:.6g},{at[1]:.6g}!", **sides, **attributes)


def _text(graph: graphviz.Digraph, name: str, at: Point, measures: Point, text: str, **attributes: str) -> None:
    plain = {"shape": "plaintext", "style": "", "fontname": style.SANS, "fontsize": f"{SMALL:g}"}
    _pin(graph, name, at, measures, label=text, **plain, **attributes)


def _box(graph: graphviz.Digraph, name: str, item: Item, at: Point) -> None:
    looks = {"shape": "box", "fillcolor": style.PARAMETER if item.parameter else style.BOX}
    if item.dots:
        looks = {"shape": "plaintext", "style": ""}
    elif not item.names:
        looks = {"shape": "circle", "fillcolor": style.CIRCLE}
    text = style.label(*lines(item), size=FONT) if item.names else ""
    _pin(graph, name, at, size(item), label=text, tooltip=style.tooltip(item.tip), **looks)


def _line(marks: tuple[Mark, ...]) -> dict[str, str]:
    return {"color": style.CUT, "style": "dashed"} if any(m.closed for m in marks) else {}
