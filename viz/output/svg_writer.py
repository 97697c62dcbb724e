"""A scene as SVG: a line of text is one element, so that every viewer sets it in its own font."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import NamedTuple, Protocol

from minigrad.viz import style
from minigrad.viz.lettering.font_widths import MATH_WIDTHS, SANS_WIDTHS, text_ems

from .legend import shown_groups
from .lighting import MAX_RULE_BYTES, scoped
from .scene import Group, Line, Mark, Point, Run, Scene, Shape
from .schemes import DARK_FILLS, FIXED_INK, INK, PAGE, dark_rules

# Around everything.
MARGIN_POINTS = 4.32
SERIF = "Times New Roman, Times, Liberation Serif, serif"
SANS = "Helvetica, Arial, Liberation Sans, sans-serif"
MONO = "Courier New, Courier, Liberation Mono, monospace"
MONO_EMS = 0.61
BOLD_STRETCH = 1.2
ITALIC = (SERIF, "italic", "normal")
# Family, style and weight of each font that a picture names.
FACES = {
    "Times-Italic": ITALIC,
    "Times-Roman": (SERIF, "normal", "normal"),
    "Times-Bold": (SERIF, "normal", "bold"),
    "Helvetica": (SANS, "normal", "normal"),
    "Courier": (MONO, "normal", "normal"),
}
# How far an index is lowered or raised, as shares of its own size.
SHIFTS = {"sub": 0.28, "sup": -0.5, "": 0.0}
DASHES = {"dashed": "4 2.5", "dotted": "1 2.5"}
# Which share of a line lies left of its place.
_ANCHORS = {"start": 0.0, "middle": 0.5, "end": 1.0}
Corners = tuple[float, float, float, float]
"""Left, bottom, right and top."""
_ATTRIBUTES = ("font-family", "font-style", "font-weight")


class Dress(Protocol):
    """Further classes, of each group of a scene, and the style sheet that says what they mean."""

    @property
    def classes(self) -> list[str]:
        """Of each group."""

    def rules(self, picture: str) -> str:
        """The rules for the picture of this class."""


class Sheet(NamedTuple):
    """What an SVG element holds, its measures, and the colours in it.

    size: the attributes with width, height and view. told: title and description.
    """

    size: str
    told: str
    body: str
    colours: frozenset[str]


def svg_text(scene: Scene, lighting: Dress | None = None, size: str = "") -> str:
    """The picture as the text of an SVG element; the same scene gives the same text.

    size: of a part of it, as a ``Sheet`` has it.
    """
    made = sheet(scene, lighting)
    rules = dark_rules(made.colours)
    classes = "minigrad"
    if lighting:
        name = scoped(made.body)
        lit = lighting.rules(name)
        if len(lit) <= MAX_RULE_BYTES:
            classes += f" {name}"
            # as XML has it
            rules += lit.replace("&", "&amp;")
        else:
            made = sheet(scene)
    head = f'class="{classes}" role="img" {size or made.size} style="max-width:100%;height:auto"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {head} {FONT}>\n'
        f"{made.told}\n<style>{rules}</style>\n{made.body}</svg>\n"
    )


def sheet(scene: Scene, lighting: Dress | None = None) -> Sheet:
    """The inside of the SVG element."""
    lit = dict(zip(map(id, scene.groups), lighting.classes, strict=True)) if lighting else {}
    groups = shown_groups(scene)
    left, bottom, right, top = bounds(mark for group in groups for mark in group.marks)
    wide, tall = right - left, top - bottom
    x, y, width, height = map(decimal, (left, -top, wide, tall))
    size = f'width="{width}pt" height="{height}pt" viewBox="{x} {y} {width} {height}"'
    told = f"<title>{escape(scene.title)}</title>\n<desc>{escape(_description(groups))}</desc>"
    parts = [
        f'<rect class="page" x="{x}" y="{y}" width="{width}" height="{height}" fill="{PAGE}"/>',
    ]
    parts += [_group(group, lit.get(id(group), "")) for group in groups]
    colours = {PAGE}
    for group in groups:
        colours.update(group.colours)
    return Sheet(size, told, "\n".join([*parts, ""]), frozenset(colours))


def bounds(marks: Iterable[Mark]) -> Corners:
    """The corners of what is drawn, with the margin around it."""
    xs: list[float] = []
    ys: list[float] = []
    for mark in marks:
        for x, y in _extent(mark):
            xs.append(x)
            ys.append(y)
    if not xs:
        xs = ys = [0.0]
    margin = MARGIN_POINTS
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def _extent(mark: Mark) -> Iterable[Point]:
    if isinstance(mark, Shape):
        return mark.points
    wide = sum(map(_width, mark.runs))
    tall = max(run.size for run in mark.runs)
    left = mark.x - wide * _ANCHORS[mark.anchor]
    return (left, mark.y - 0.3 * tall), (left + wide, mark.y + 0.8 * tall)


def _width(run: Run) -> float:
    family, _, weight = _face(run)
    if family == MONO:
        return MONO_EMS * run.size * len(run.text)
    ems = text_ems(run.text, SANS_WIDTHS if family == SANS else MATH_WIDTHS)
    return ems * run.size * (BOLD_STRETCH if weight == "bold" else 1)


def _description(groups: list[Group]) -> str:
    """What the picture shows, for those who do not see it."""
    nodes = [group for group in groups if group.kind == "node"]
    edges = [group for group in groups if group.kind == "edge"]
    names = ", ".join(filter(None, map(_said, nodes)))
    text = f"{len(nodes)} nodes and {len(edges)} arrows: {names}"
    return style.plain(text, style.MAX_TOOLTIP_CHARACTERS)


def _said(group: Group) -> str:
    """The first line of a label."""
    if not group.lines:
        return ""
    first = group.lines[0]
    return "".join(run.text for run in first.runs)


def _group(group: Group, lit: str) -> str:
    """A group with its tooltip, under the name that a page finds it by; lit: further classes."""
    names = ""
    if group.ends:
        tail, head = group.ends
        names = f' data-tail="{escape(tail)}" data-head="{escape(head)}"'
    elif group.name:
        names = f' data-name="{escape(group.name)}"'
    classes = " ".join(f"{group.kind} {group.classes} {lit}".split())
    title = f"<title>{escape(group.title)}</title>" if group.title.strip() else ""
    body = "".join(_marks(group))
    return f'<g class="{escape(classes)}"{names}>{title}{body}</g>'


def _marks(group: Group) -> Iterator[str]:
    """The shapes and lines; text takes the ink that suits the shape it stands on."""
    below: list[Shape] = []
    for mark in group.marks:
        if isinstance(mark, Line):
            fills = [shape.pen.fill for shape in below if shape.pen.fill and _covers(shape, mark)]
            fixed = bool(fills) and fills[-1] not in DARK_FILLS
            yield _line(mark, fixed)
        else:
            below.append(mark)
            yield _shape(mark)


def _covers(shape: Shape, line: Line) -> bool:
    """Whether the text stands on the shape."""
    xs, ys = zip(*shape.points, strict=True)
    return bool(min(xs) <= line.x <= max(xs) and min(ys) <= line.y <= max(ys))


def _shape(shape: Shape) -> str:
    pen = shape.pen
    looks = f'fill="{pen.fill or "none"}"'
    if pen.stroke:
        looks += f' stroke="{pen.stroke}"'
        if pen.width != 1:
            looks += f' stroke-width="{decimal(pen.width)}"'
        if pen.dash:
            looks += f' stroke-dasharray="{DASHES[pen.dash]}"'
    if shape.kind == "curve":
        return f'<path d="{_path(shape.points)}" {looks}/>'
    if shape.kind in ("line", "polygon"):
        tag = "polyline" if shape.kind == "line" else "polygon"
        return f'<{tag} points="{" ".join(map(_point, shape.points))}" {looks}/>'
    (left, bottom), (right, top) = shape.points
    wide, tall = right - left, top - bottom
    if shape.kind == "ellipse":
        x, y = (left + right) / 2, -(bottom + top) / 2
        radii = f'rx="{decimal(wide / 2)}" ry="{decimal(tall / 2)}"'
        return f'<ellipse cx="{decimal(x)}" cy="{decimal(y)}" {radii} {looks}/>'
    corner = f' rx="{decimal(shape.radius)}"' if shape.radius else ""
    place = (
        f'x="{decimal(left)}" y="{decimal(-top)}" width="{decimal(wide)}" height="{decimal(tall)}"'
    )
    return f"<rect {place}{corner} {looks}/>"


def _path(points: tuple[Point, ...]) -> str:
    """A chain of cubic Bézier curves."""
    start, *others = map(_point, points)
    return f"M{start}C{' '.join(others)}"


def _point(point: Point) -> str:
    x, y = point
    return f"{decimal(x)},{decimal(-y)}"


def decimal(value: float) -> str:
    """A coordinate to a hundredth of a point."""
    # adding nothing makes a negative zero a zero
    return f"{round(value, 2) + 0.0:.8g}"


def _line(line: Line, fixed: bool) -> str:
    """One text element; indices are spans of it, moved relative to what stands before them."""
    first = line.runs[0]
    base = _face(first)
    colour = FIXED_INK if fixed and line.colour == INK else line.colour
    font = "" if base == ITALIC else f" {_font(base)}"
    size = max(run.size for run in line.runs)
    text = ""
    height = 0.0
    for run in line.runs:
        shift = SHIFTS[run.rise] * run.size
        looks = ""
        if shift != height:
            looks += f' dy="{decimal(shift - height)}"'
        if run.size != size:
            looks += f' font-size="{decimal(run.size)}"'
        if _face(run) != base:
            looks += f" {_font(_face(run))}"
        written = escape(run.text, quote=False)
        text += f"<tspan{looks}>{written}</tspan>" if looks else written
        height = shift
    return (
        f'<text x="{decimal(line.x)}" y="{decimal(-line.y)}" text-anchor="{line.anchor}" '
        f'font-size="{decimal(size)}"{font} fill="{colour}">{text}</text>'
    )


def _face(run: Run) -> tuple[str, str, str]:
    family, slant, weight = FACES.get(run.face, (run.face, "normal", "normal"))
    return family, slant, "bold" if run.bold else weight


def _font(face: tuple[str, str, str]) -> str:
    pairs = zip(_ATTRIBUTES, face, strict=True)
    return " ".join(f'{name}="{escape(value)}"' for name, value in pairs)


FONT = _font(ITALIC)
"""Of a picture, where a line has no other."""
