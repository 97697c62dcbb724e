"""What folded steps of the unrolled graph are, written left of their rows of dots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from graphviz import Digraph

from minigrad.viz import style
from minigrad.viz.graphs.canvas import TEXT_POINTS, Point, put_text
from minigrad.viz.graphs.fold import fold_name
from minigrad.viz.graphs.picture import Picture
from minigrad.viz.graphs.strip import Strip

from .variable_layout import Places
from .variable_model import Item
from .variable_paint import Panel
from .variable_sizes import SIDE_POINTS

LINE_HEIGHT = 1.3
MARGIN_POINTS = 4.0


@dataclass(frozen=True)
class _Caption:
    """A line or two, what is cut, a strip; ys: of the rows that these stand beside."""

    lines: list[str]
    strip: Strip
    ys: list[float] = field(default_factory=list)

    @property
    def middle(self) -> float:
        """Half-way up the rows."""
        return (min(self.ys) + max(self.ys)) / 2

    @property
    def width(self) -> float:
        """Of the text, in points."""
        texts = [*self.lines, self.strip.scissors]
        widths = [style.width(text, TEXT_POINTS, style.SANS) for text in texts]
        return max(widths) + MARGIN_POINTS

    @property
    def strip_width(self) -> float:
        """Of the strip, in points; 0 where there is none."""
        return self.strip.size[0] + MARGIN_POINTS if self.strip.says_something else 0.0


class _Spot(NamedTuple):
    """The right end and the middle of a caption, and what its identifiers end with."""

    point: Point
    name: str


def captions_width(items: list[Item], spots: Places) -> float:
    """How much room the captions take left of the graph, in points; 0 where nothing folds."""
    widths = [c.width + c.strip_width for c in _captions(items, spots)]
    return max(widths, default=0.0)


def put_captions(picture: Picture, items: list[Item], spots: Places, panel: Panel) -> None:
    """The captions of the folded runs, left of their rows of dots in a panel."""
    (left, _), _ = spots.corners
    for k, caption in enumerate(_captions(items, spots), start=1):
        point = panel.moved((left - SIDE_POINTS, caption.middle))
        name = f"{panel.prefix}{k}"
        _put_caption(picture, caption, _Spot(point, name))
        for part in ("strip", "folded"):
            picture.opens(f"{part} {name}", fold_name(caption.strip.steps))


def _captions(items: list[Item], spots: Places) -> list[_Caption]:
    """A caption for each run that folds."""
    captions: dict[str, _Caption] = {}
    for i in items:
        if i.strip and i.time is not None:
            lines = i.tip.replace(" (", "\n(").splitlines()
            caption = captions.setdefault(i.tip, _Caption(lines, i.strip))
            _, y = spots.item[i.key]
            caption.ys.append(y)
    return list(captions.values())


def _put_caption(picture: Digraph, caption: _Caption, spot: _Spot) -> None:
    """The text, the scissors below it, and the strip on its right."""
    right, y = spot.point
    strip = caption.strip
    if strip.says_something:
        wide, tall = strip.size
        looks = {"label": f"<{strip.table()}>", "class": "strip", "tooltip": strip.range or " "}
        put_text(picture, f"strip {spot.name}", (right - wide / 2, y), (wide, tall), **looks)
        right -= caption.strip_width
    line = LINE_HEIGHT * TEXT_POINTS
    middle = right - caption.width / 2
    tall = line * len(caption.lines)
    if strip.scissors:
        cut = {
            "label": style.label(strip.scissors, size=TEXT_POINTS),
            "fontcolor": style.CUT,
            "class": "caption cut",
            "tooltip": f"cut in {len(strip.cuts)} steps",
        }
        below = y - tall / 2
        size = caption.width, line
        put_text(picture, f"cuts {spot.name}", (middle, below), size, **cut)
        y += line / 2
    looks = {"label": style.label(*caption.lines, size=TEXT_POINTS), "class": "caption"}
    put_text(picture, f"folded {spot.name}", (middle, y), (caption.width, tall), **looks)
