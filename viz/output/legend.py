"""What the colours, outlines and signs of a picture mean: one entry for each that occurs in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from minigrad.viz import style
from minigrad.viz.lettering.font_widths import SANS_WIDTHS, text_ems

from .scene import (
    Group,
    Line,
    Pen,
    Point,
    Run,
    Scene,
    Shape,
)
from .schemes import INK, PAGE

TEXT_POINTS = 9.0
SWATCH_SIZE = (14.0, 9.0)
MAX_RADIUS = 3.0
GAP_POINTS = 4.0
BETWEEN_POINTS = 12.0
ROW_POINTS = 14.0
ABOVE_POINTS = 10.0
MIN_WIDTH_POINTS = 190.0

MEANINGS = {
    "parameter": "parameter",
    "state": "state",
    "adjoint": "adjoint",
    "cut": "gradient cut",
    "scaled": "gradient scaled",
    "clipped": "gradient clipped",
    "recomputed": "recomputed",
    "unreached": "no gradient",
    "differs": "differs here",
    "missing": "missing here",
    "nonfinite": "not finite",
}
"""What the class of a node or an edge says, in the order of the legend."""

SIGNS = {"scaled": "×", "clipped": "≤", "cut": "✂"}
"""What stands for a mark that is text alone."""


class _Entry(NamedTuple):
    """A class, how it looks, and whether that is a line or a box.

    Without a pen it is a sign of this colour.
    """

    name: str
    pen: Pen | None = None
    colour: str = style.GATE
    radius: float = 0.0
    is_line: bool = False

    @property
    def width(self) -> float:
        text = TEXT_POINTS * text_ems(MEANINGS[self.name], SANS_WIDTHS)
        return SWATCH_SIZE[0] + GAP_POINTS + text


def shown_groups(scene: Scene) -> list[Group]:
    """All that is drawn of a scene: its groups, and the legend below them."""
    scales = [group for group in scene.groups if group.has("legend")]
    groups = [group for group in scene.groups if group not in scales]
    return groups + legend_of(groups, scales)


def legend_of(groups: list[Group], scales: list[Group]) -> list[Group]:
    """The legend below these groups: the scale of the colours, then the entries in rows.

    scales: legends that Graphviz laid out itself, to be moved where they belong.
    """
    xs: list[float] = []
    ys: list[float] = []
    for group in groups:
        for shape in group.shapes:
            xs += [x for x, _ in shape.points]
            ys += [y for _, y in shape.points]
    if not xs:
        return []
    left = min(xs)
    width = max(max(xs) - left, MIN_WIDTH_POINTS)
    for group in groups:
        ys += [line.y for line in group.lines]
    y = min(ys) - ABOVE_POINTS
    legend = []
    for scale in scales:
        x_low, y_low, y_high = _spread(scale)
        moved = scale.moved(left - x_low, y - y_high)
        legend.append(replace(moved, kind="legend", name="", classes="scale"))
        y -= y_high - y_low + ABOVE_POINTS
    x = left
    y -= SWATCH_SIZE[1]
    for entry in _entries(groups, has_scale=bool(scales)):
        if x > left and x + entry.width > left + width:
            x = left
            y -= ROW_POINTS
        legend.append(_drawn(entry, x, y))
        x += entry.width + BETWEEN_POINTS
    return legend


def _spread(scale: Group) -> tuple[float, float, float]:
    """Its least x, its least and its greatest y."""
    points: list[Point] = []
    for shape in scale.shapes:
        points += shape.points
    for line in scale.lines:
        top = line.y + line.runs[0].size
        points += [(line.x, line.y), (line.x, top)]
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(ys)


def _entries(groups: list[Group], has_scale: bool) -> Iterator[_Entry]:
    """What occurs, as the first that has a shape looks; a box comes before a line."""
    order = sorted(groups, key=lambda group: group.kind != "node")
    looks: dict[str, _Entry] = {}
    for group in order:
        shape = group.shape
        for name in group.classes.split():
            if shape is None or _is_sign(name, group):
                # on a fold the signs of what it hides come last
                colour = group.lines[-1].colour if group.lines else style.GATE
                looks.setdefault(name, _Entry(name, colour=colour))
            elif name not in looks or looks[name].pen is None:
                is_line = group.kind == "edge"
                looks[name] = _Entry(name, shape.pen, radius=shape.radius, is_line=is_line)
    for name in MEANINGS:
        if name in looks:
            entry = looks[name]
            # the fill of a box says its norm, not what it is
            if has_scale and entry.pen and name not in ("nonfinite", "unreached"):
                entry = entry._replace(pen=entry.pen._replace(fill=PAGE))
            yield entry


def _is_sign(name: str, group: Group) -> bool:
    """Whether what has a shape has it for something else: a fold, or the arrow of a gate."""
    is_gate = name in SIGNS and name != "cut"
    return group.has("fold") or (is_gate and group.kind == "edge")


def _drawn(entry: _Entry, x: float, y: float) -> Group:
    """The entry from x on, its swatch standing on y."""
    wide, tall = SWATCH_SIZE
    middle = x + wide / 2
    base = y + 0.15 * tall
    swatch: Shape | Line
    if entry.pen is None:
        sign = Run(SIGNS.get(entry.name, "•"), TEXT_POINTS, style.SANS)
        swatch = Line(middle, base, (sign,), entry.colour)
    elif entry.is_line:
        ends = (x, y + tall / 2), (x + wide, y + tall / 2)
        swatch = Shape("line", ends, entry.pen._replace(fill=""))
    else:
        corners = (x, y), (x + wide, y + tall)
        swatch = Shape("box", corners, entry.pen, min(entry.radius, MAX_RADIUS))
    text = Run(MEANINGS[entry.name], TEXT_POINTS, style.SANS)
    start = x + wide + GAP_POINTS
    line = Line(start, base, (text,), INK, anchor="start")
    return Group("legend", "", entry.name, "", (swatch, line))
