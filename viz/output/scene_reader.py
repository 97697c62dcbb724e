"""What Graphviz says of a picture in its JSON, as a scene."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html import unescape
from typing import Any, NamedTuple

from minigrad.internal import uncollected

from .scene import Group, Line, Mark, Pen, Point, Run, Scene, Shape

Json = dict[str, Any]

# How Graphviz marks a run of text that stands low, high, or is bold.
_SUBSCRIPT = 16
_SUPERSCRIPT = 8
_BOLD = 1
# Runs of text this near, in points, are one line.
_NEAR_POINTS = 1.0
_DASHES = {"solid": "", "dashed": "dashed", "dotted": "dotted"}
# Of a colour's transparency.
_INVISIBLE = "00"


class _Piece(NamedTuple):
    """A run of text, what Graphviz says of it, and its colour."""

    op: Json
    run: Run
    colour: str


@uncollected
def read_scene(laid_out: bytes) -> Scene:
    """The scene in what Graphviz writes as ``-Tjson``."""
    graph = json.loads(laid_out)
    objects = graph.get("objects", [])
    frames = [_group("frame", item) for item in objects if "bb" in item]
    nodes = [_group("node", item) for item in objects if "pos" in item]
    edges = [_edge(item, objects) for item in graph.get("edges", [])]
    marks = _marks(graph, ["_ldraw_"])
    caption = Group("caption", "", "", "", tuple(marks))
    groups = [group for group in (*frames, *edges, *nodes, caption) if group.marks]
    # Graphviz calls a graph without a name %3
    name = graph["name"].lstrip("%0123456789")
    return Scene(_told(graph) or name or "A graph", groups)


def _group(kind: str, item: Json) -> Group:
    keys = ("_draw_", "_tdraw_", "_hdraw_", "_ldraw_")
    marks = [mark for mark in _marks(item, keys) if not _is_blank(mark)]
    name = item.get("name", "")
    classes = item.get("class", "")
    title = "" if kind == "frame" else _told(item)
    step = int(item["step"]) if item.get("step") else None
    return Group(kind, name, classes, title, tuple(marks), step=step)


def _edge(item: Json, objects: list[Json]) -> Group:
    tail = objects[item["tail"]]
    head = objects[item["head"]]
    ends = tail["name"], head["name"]
    if item.get("dir") == "back":
        ends = ends[::-1]
    return replace(_group("edge", item), ends=ends)


def _told(item: Json) -> str:
    """The tooltip as a person wrote it, without the entities that Graphviz asks for."""
    return unescape(item.get("tooltip", ""))


def _marks(item: Json, keys: Iterable[str]) -> Iterator[Mark]:
    """The shapes and lines of one thing, from the strokes that Graphviz would draw."""
    pieces: list[_Piece] = []
    styles = item.get("style", "").split(",")
    for key in keys:
        pen = Pen()
        font = Run("", 0.0, "")
        for op in item.get(key, ()):
            kind = op["op"]
            if kind == "T":
                run = font._replace(text=op["text"])
                if pieces and not _continues(pieces[-1], op):
                    yield _line(pieces)
                    pieces = []
                pieces.append(_Piece(op, run, pen.stroke))
            elif kind in "Ft":
                font = _with_font(font, op)
            elif kind in "cCS":
                pen = _with_pen(pen, op)
            else:
                yield _shape(op, pen, styles)
    if pieces:
        yield _line(pieces)


def _is_blank(mark: Mark) -> bool:
    return isinstance(mark, Line) and not any(run.text.strip() for run in mark.runs)


def _continues(before: _Piece, op: Json) -> bool:
    """Whether a run of text goes on where the one before it ends."""
    if before.op["align"] != "l":
        return False
    x, y = before.op["pt"]
    start, height = op["pt"]
    gap: float = start - (x + before.op["width"])
    rise: float = height - y
    return abs(rise) <= _NEAR_POINTS and abs(gap) < _NEAR_POINTS


def _line(pieces: list[_Piece]) -> Line:
    """Runs that follow each other, as one line around its middle."""
    first = pieces[0]
    x, y = first.op["pt"]
    align = first.op["align"]
    if align == "l":
        last = pieces[-1].op
        start, _ = last["pt"]
        x = (x + start + last["width"]) / 2
    anchor = "end" if align == "r" else "middle"
    runs = [piece.run for piece in pieces]
    return Line(x, y, tuple(runs), first.colour, anchor)


def _with_font(font: Run, op: Json) -> Run:
    if op["op"] == "F":
        return font._replace(size=op["size"], face=op["face"])
    flags = op["fontchar"]
    rise = "sub" if flags & _SUBSCRIPT else ""
    if flags & _SUPERSCRIPT:
        rise = "sup"
    return font._replace(rise=rise, bold=bool(flags & _BOLD))


def _with_pen(pen: Pen, op: Json) -> Pen:
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


def _colour(op: Json) -> str:
    """As ``#RRGGBB``; transparent is no colour."""
    colour: str = op.get("color", "#000000").upper()
    if len(colour) > len("#RRGGBB") and colour.endswith(_INVISIBLE):
        return ""
    return colour[: len("#RRGGBB")]


def _shape(op: Json, pen: Pen, styles: list[str]) -> Shape:
    kind = op["op"].lower()
    outline = pen._replace(fill="")
    if kind == "e":
        x, y, wide, tall = op["rect"]
        corners = (x - wide, y - tall), (x + wide, y + tall)
        return Shape("ellipse", corners, pen if op["op"] == "E" else outline)
    points = tuple((x, y) for x, y, *_ in op["points"])
    if kind == "b":
        # JSON and xdot name the filled and the open curve the other way round: the style decides
        is_filled = points[0] == points[-1] and "filled" in styles
        curve_pen = pen if is_filled else outline
        if "rounded" in styles:
            return _rounded(points, curve_pen)
        return Shape("curve", points, curve_pen)
    if kind == "l":
        return Shape("line", points, outline)
    if op["op"] == "p":
        pen = outline
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
