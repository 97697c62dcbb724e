"""What Graphviz says of a picture in its JSON: shapes at places, and the lines of its labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html import unescape
from typing import Any, NamedTuple

from minigrad.internal import uncollected

Point = tuple[float, float]

# How Graphviz marks a run of text that stands low, high, or is bold.
_SUBSCRIPT = 16
_SUPERSCRIPT = 8
_BOLD = 1
# Runs of text this near, in points, are one line.
_NEAR_POINTS = 1.0
_DASHES = {"solid": "", "dashed": "dashed", "dotted": "dotted"}
# Of a colour's transparency.
_INVISIBLE = "00"


class Pen(NamedTuple):
    """How a shape is drawn: colours as ``#RRGGBB``, the fill "" for none; dash as in DOT."""

    stroke: str = "#000000"
    fill: str = ""
    width: float = 1.0
    dash: str = ""


class Shape(NamedTuple):
    """``box``, ``polygon``, ``ellipse``, ``line`` or ``curve`` through its points, which rise.

    An ellipse and a box have two points, the opposite corners around them.
    """

    kind: str
    points: tuple[Point, ...]
    pen: Pen
    radius: float = 0.0


class Run(NamedTuple):
    """Some text in one font; ``rise`` is "sub", "sup" or ""."""

    text: str
    size: float
    face: str
    rise: str = ""
    bold: bool = False


class Line(NamedTuple):
    """A line of text on its baseline: around x, from it on, or up to it, as ``anchor`` says."""

    x: float
    y: float
    runs: tuple[Run, ...]
    colour: str = "#000000"
    anchor: str = "middle"


Mark = Shape | Line


@dataclass(frozen=True)
class Group:
    """What is drawn for one node, edge or frame.

    ends: the names that an edge joins. step: the time step that a node is part of.
    """

    kind: str
    name: str
    classes: str
    title: str
    marks: tuple[Mark, ...]
    ends: tuple[str, ...] = ()
    step: int | None = None

    def moved(self, right: float, up: float) -> Group:
        """The same elsewhere."""
        return replace(self, marks=tuple(_moved(mark, right, up) for mark in self.marks))


def _moved(mark: Mark, right: float, up: float) -> Mark:
    if isinstance(mark, Line):
        return mark._replace(x=mark.x + right, y=mark.y + up)
    return mark._replace(points=tuple((x + right, y + up) for x, y in mark.points))


@dataclass(frozen=True)
class Scene:
    """A picture: its title, and its groups, those below first."""

    title: str
    groups: list[Group]


@uncollected
def read_scene(laid_out: bytes) -> Scene:
    """The scene in what Graphviz writes as ``-Tjson``."""
    graph = json.loads(laid_out)
    objects = graph.get("objects", [])
    names = [item["name"] for item in objects]
    frames = [_group("frame", item) for item in objects if "bb" in item]
    nodes = [_group("node", item) for item in objects if "pos" in item]
    edges: list[Group] = []
    for item in graph.get("edges", []):
        ends = names[item["tail"]], names[item["head"]]
        if item.get("dir") == "back":
            ends = ends[::-1]
        edges.append(replace(_group("edge", item), ends=ends))
    caption = Group("caption", "", "", "", tuple(_marks(graph, ("_ldraw_",))))
    groups = [group for group in (*frames, *edges, *nodes, caption) if group.marks]
    # Graphviz calls a graph without a name %3
    name = graph["name"].lstrip("%0123456789")
    return Scene(_told(graph) or name or "A graph", groups)


def _group(kind: str, item: dict[str, Any]) -> Group:
    keys = ("_draw_", "_tdraw_", "_hdraw_", "_ldraw_")
    marks = tuple(mark for mark in _marks(item, keys) if not _is_blank(mark))
    title = "" if kind == "frame" else _told(item)
    step = int(item["step"]) if item.get("step") else None
    return Group(kind, item.get("name", ""), item.get("class", ""), title, marks, step=step)


def _told(item: dict[str, Any]) -> str:
    """The tooltip as a person wrote it, without the entities that Graphviz asks for."""
    return unescape(item.get("tooltip", ""))


def _marks(item: dict[str, Any], keys: Iterable[str]) -> Iterator[Mark]:
    """The shapes and lines of one thing, from the strokes that Graphviz would draw."""
    runs: list[tuple[dict[str, Any], Run, str]] = []
    styles = item.get("style", "").split(",")
    for key in keys:
        pen = Pen()
        font = Run("", 0.0, "")
        for op in item.get(key, ()):
            kind = op["op"]
            if kind == "T":
                run = font._replace(text=op["text"])
                if runs and not _continues(runs[-1][0], op):
                    yield _line(runs)
                    runs = []
                runs.append((op, run, pen.stroke))
            elif kind in "Ft":
                font = _with_font(font, op)
            elif kind in "cCS":
                pen = _with_pen(pen, op)
            else:
                yield _shape(op, pen, styles)
    if runs:
        yield _line(runs)


def _is_blank(mark: Mark) -> bool:
    return isinstance(mark, Line) and not any(run.text.strip() for run in mark.runs)


def _continues(before: dict[str, Any], op: dict[str, Any]) -> bool:
    """Whether a run of text goes on where the one before it ends."""
    x, y = before["pt"]
    end = x + before["width"]
    if before["align"] != "l" or abs(op["pt"][1] - y) > _NEAR_POINTS:
        return False
    return bool(abs(op["pt"][0] - end) < _NEAR_POINTS)


def _line(runs: list[tuple[dict[str, Any], Run, str]]) -> Line:
    """Runs that follow each other, as one line around its middle."""
    first, _, colour = runs[0]
    last = runs[-1][0]
    x, y = first["pt"]
    anchor = "middle"
    if first["align"] == "l":
        x = (x + last["pt"][0] + last["width"]) / 2
    elif first["align"] == "r":
        anchor = "end"
    return Line(x, y, tuple(run for _, run, _ in runs), colour, anchor)


def _with_font(font: Run, op: dict[str, Any]) -> Run:
    if op["op"] == "F":
        return font._replace(size=op["size"], face=op["face"])
    flags = op["fontchar"]
    rise = "sub" if flags & _SUBSCRIPT else ""
    if flags & _SUPERSCRIPT:
        rise = "sup"
    return font._replace(rise=rise, bold=bool(flags & _BOLD))


def _with_pen(pen: Pen, op: dict[str, Any]) -> Pen:
    stroke, fill, width, dash = pen
    kind = op["op"]
    if kind == "S":
        name, _, argument = op["style"].partition("(")
        if name == "setlinewidth":
            width = float(argument.rstrip(")"))
        dash = _DASHES.get(name, dash)
    elif kind == "c":
        stroke = _colour(op)
    else:
        fill = _colour(op)
    return Pen(stroke, fill, width, dash)


def _colour(op: dict[str, Any]) -> str:
    """As ``#RRGGBB``; transparent is no colour."""
    colour: str = op.get("color", "#000000").upper()
    if len(colour) > len("#RRGGBB") and colour.endswith(_INVISIBLE):
        return ""
    return colour[: len("#RRGGBB")]


def _shape(op: dict[str, Any], pen: Pen, styles: list[str]) -> Shape:
    kind = op["op"].lower()
    if kind == "e":
        x, y, wide, tall = op["rect"]
        corners = (x - wide, y - tall), (x + wide, y + tall)
        return Shape("ellipse", corners, pen if op["op"] == "E" else pen._replace(fill=""))
    points = tuple((x, y) for x, y, *_ in op["points"])
    if kind == "b":
        # JSON and xdot name the filled and the open curve the other way round: the style decides
        if points[0] != points[-1] or "filled" not in styles:
            pen = pen._replace(fill="")
        if "rounded" in styles:
            return _rounded(points, pen)
        return Shape("curve", points, pen)
    if kind == "l":
        return Shape("line", points, pen._replace(fill=""))
    if op["op"] == "p":
        pen = pen._replace(fill="")
    if _is_box(points):
        return Shape("box", _corners(points), pen)
    return Shape("polygon", points, pen)


def _rounded(points: tuple[Point, ...], pen: Pen) -> Shape:
    """A box with round corners, which Graphviz draws as one long curve."""
    # from the corner of the box around it to where its first side begins
    (left, _), _ = corners = _corners(points)
    radius = min(x - left for x, _ in points if x > left)
    return Shape("box", corners, pen, radius)


def _is_box(points: tuple[Point, ...]) -> bool:
    """Whether these are the corners of a box that stands upright."""
    (left, low), (right, high) = _corners(points)
    corners = {(left, low), (left, high), (right, low), (right, high)}
    return len(points) == 4 and corners == {*points}


def _corners(points: tuple[Point, ...]) -> tuple[Point, Point]:
    xs, ys = zip(*points, strict=True)
    return (min(xs), min(ys)), (max(xs), max(ys))
