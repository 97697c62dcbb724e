"""The style that a user asked for, put on a scene, so that every format has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from minigrad.viz import style as palette
from minigrad.viz.graphs.looks import ROLES

from .scene import Group, Line, Mark, Pen, Point, Scene, Shape
from .schemes import DARK_FILLS, INK

RADIUS_POINTS = 8.0
# On a fill darker than this text is white; as no colour of ours, so that it stays in either scheme.
DARK_SHARE = 0.45
WHITE = "#FEFEFE"
SIGNS = {"cut": palette.CUT, "gate": palette.GATE}
"""What has a colour of its own: the signs of it on folds and their strips have it too."""


def restyled(scene: Scene, style: Mapping[str, Any]) -> Scene:
    """The scene as the style has it; the same style gives the same scene."""
    groups = scene.groups
    for role in ROLES:
        if role in style:
            groups = [_with_role(group, role, style[role]) for group in groups]
    if "font_size" in style:
        factor = style["font_size"] / _name_size(groups)
        groups = [_scaled(group, factor) for group in groups]
    return Scene(scene.title, groups)


def _name_size(groups: list[Group]) -> float:
    """The font size of names in points: the largest in a node."""
    sizes = [1.0]
    for group in groups:
        if group.kind != "node":
            continue
        for line in group.lines:
            sizes += [run.size for run in line.runs]
    return max(sizes)


def _with_role(group: Group, role: str, looks: Mapping[str, str]) -> Group:
    # of what a fold hides it has the signs alone
    if group.has(ROLES[role]) and (role == "fold" or not group.has("fold")):
        return _dressed(group, looks)
    if role in SIGNS:
        marks = [_recoloured(mark, SIGNS[role], looks) for mark in group.marks]
        return replace(group, marks=tuple(marks))
    return group


def _recoloured(mark: Mark, colour: str, looks: Mapping[str, str]) -> Mark:
    """A sign in the colour that is asked for; whatever has another colour than it stays."""
    line = looks.get("line", colour).upper()
    if isinstance(mark, Line):
        text = looks.get("text", line).upper()
        return mark._replace(colour=text) if mark.colour == colour else mark
    stroke = line if mark.pen.stroke == colour else mark.pen.stroke
    fill = line if mark.pen.fill == colour else mark.pen.fill
    return mark._replace(pen=mark.pen._replace(stroke=stroke, fill=fill))


def _dressed(group: Group, looks: Mapping[str, str]) -> Group:
    # a sign without an outline, and what is written on an arrow, have the colour of the line
    if "line" in looks and (group.kind == "edge" or not group.shapes):
        looks = {"text": looks["line"], **looks}
    marks: list[Mark] = []
    for mark in group.marks:
        if isinstance(mark, Line):
            ink = _ink(mark.colour, looks)
            marks.append(mark._replace(colour=ink.upper()))
            continue
        dressed = mark._replace(pen=_pen(mark.pen, looks, group.kind))
        if group.kind == "node" and mark.kind == "box":
            dressed = _shaped(dressed, looks.get("shape", ""))
        marks.append(dressed)
    return replace(group, marks=tuple(marks))


def _pen(pen: Pen, looks: Mapping[str, str], kind: str) -> Pen:
    """The pen of a shape of a node, or of an edge, whose head has the colour of its line."""
    stroke = looks.get("line", pen.stroke)
    fill = pen.fill
    if fill and kind == "edge":
        fill = looks.get("line", fill)
    # a fill of another colour says a norm, or that something is not finite
    elif fill in DARK_FILLS:
        fill = looks.get("fill", fill)
    return pen._replace(fill=fill.upper(), stroke=stroke.upper())


def _ink(colour: str, looks: Mapping[str, str]) -> str:
    """The colour of text: what is asked for, else one that is legible on the fill."""
    if "text" in looks:
        return looks["text"]
    fill = looks.get("fill")
    if fill is None or colour != INK:
        return colour
    red, green, blue = bytes.fromhex(fill.removeprefix("#"))
    brightness = (0.3 * red + 0.59 * green + 0.11 * blue) / 255
    return WHITE if brightness < DARK_SHARE else colour


def _shaped(box: Shape, shape: str) -> Shape:
    (left, low), (right, high) = box.points
    corner = min(RADIUS_POINTS, (right - left) / 3, (high - low) / 3)
    if shape == "octagon":
        points: tuple[Point, ...] = (
            (left + corner, low),
            (right - corner, low),
            (right, low + corner),
            (right, high - corner),
            (right - corner, high),
            (left + corner, high),
            (left, high - corner),
            (left, low + corner),
        )
        return box._replace(kind="polygon", points=points, radius=0.0)
    if shape == "rounded":
        return box._replace(radius=corner)
    return box._replace(radius=0.0) if shape else box


def _scaled(group: Group, factor: float) -> Group:
    """The same, larger: names, boxes and lines alike, so that nothing overlaps."""
    marks: list[Mark] = []
    for mark in group.marks:
        if isinstance(mark, Line):
            x = mark.x * factor
            y = mark.y * factor
            runs = [run._replace(size=run.size * factor) for run in mark.runs]
            marks.append(mark._replace(x=x, y=y, runs=tuple(runs)))
        else:
            points = [(x * factor, y * factor) for x, y in mark.points]
            pen = mark.pen._replace(width=mark.pen.width * factor)
            radius = mark.radius * factor
            marks.append(mark._replace(points=tuple(points), pen=pen, radius=radius))
    return replace(group, marks=tuple(marks))
