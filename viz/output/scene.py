"""A picture as what is drawn of it: shapes at places, and the lines of its labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

Point = tuple[float, float]


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

    def has(self, name: str) -> bool:
        """Whether this is one of its classes."""
        return name in self.classes.split()

    @property
    def shapes(self) -> list[Shape]:
        """All but its text."""
        return [mark for mark in self.marks if isinstance(mark, Shape)]

    @property
    def shape(self) -> Shape | None:
        """The first of them."""
        return next(iter(self.shapes), None)

    @property
    def lines(self) -> list[Line]:
        """Its text."""
        return [mark for mark in self.marks if isinstance(mark, Line)]

    @property
    def colours(self) -> Iterator[str]:
        """Those that it is drawn with; "" stands for none."""
        for line in self.lines:
            yield line.colour
        for shape in self.shapes:
            yield shape.pen.stroke
            yield shape.pen.fill

    def moved(self, right: float, up: float) -> Group:
        """The same elsewhere."""
        marks = [_moved(mark, right, up) for mark in self.marks]
        return replace(self, marks=tuple(marks))


def _moved(mark: Mark, right: float, up: float) -> Mark:
    if isinstance(mark, Line):
        return mark._replace(x=mark.x + right, y=mark.y + up)
    points = [(x + right, y + up) for x, y in mark.points]
    return mark._replace(points=tuple(points))


@dataclass(frozen=True)
class Scene:
    """A picture: its title, and its groups, those below first."""

    title: str
    groups: list[Group]
