"""What folded steps of the unrolled graph are: left of rows of dots, or below columns of them."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from graphviz import Digraph

from minigrad.viz import style
from minigrad.viz.graphs.canvas import TEXT_POINTS, Point, put_text
from minigrad.viz.graphs.fold import fold_name
from minigrad.viz.graphs.lines.outlines import Outline, outline
from minigrad.viz.graphs.picture import Picture

from .variable_model import Item
from .variable_paint import Panel
from .variable_places import Places, corners
from .variable_sizes import (
    CAPTION_MARGIN_POINTS,
    SIDE_POINTS,
    Caption,
    item_size,
)

_COLOURS = {"cut": style.CUT}


class _Placed(NamedTuple):
    """A caption and the middle of the dots that it stands beside."""

    caption: Caption
    middle: Point


def captions_size(items: list[Item], spots: Places) -> Point:
    """How much room the captions take left of the graph, and below it, in points."""
    wide = 0.0
    tall = 0.0
    for caption, _ in _captions(items, spots):
        text_wide, text_tall = caption.text_size
        strip_wide, strip_tall = caption.strip_size
        wide = max(wide, text_wide + strip_wide)
        tall = max(tall, text_tall + strip_tall)
    return (0.0, tall) if spots.runs_across else (wide, 0.0)


def caption_outlines(items: list[Item], spots: Places) -> list[Outline]:
    """The borders of what is written on folds, in points."""
    outlines = []
    left = _left(items, spots)
    for placed in _captions(items, spots):
        text, strip = _beside(placed, left, spots.floor)
        outlines.append(outline(text, placed.caption.text_size))
        if placed.caption.strip.says_something:
            outlines.append(outline(strip, placed.caption.strip_size))
    return outlines


def put_captions(picture: Picture, items: list[Item], spots: Places, panel: Panel) -> None:
    """The captions of the folded runs, beside their dots in a panel."""
    left = _left(items, spots)
    for k, placed in enumerate(_captions(items, spots), start=1):
        caption = placed.caption
        text, strip = _beside(placed, left, spots.floor)
        name = f"{panel.prefix}{k}"
        _put_text(picture, caption, panel.moved(text), name)
        _put_strip(picture, caption, panel.moved(strip), name)
        fold = fold_name(caption.strip.steps)
        for part in ("strip", "folded"):
            picture.opens(f"{part} {name}", fold)


def _left(items: list[Item], spots: Places) -> float:
    """Where the graph begins: its boxes, and the lines that arrows share."""
    lefts = [spots.item[i.key][0] - item_size(i)[0] / 2 for i in items]
    for rail in spots.rails:
        lefts += [joint.point[0] for joint in rail.joints]
    return min(lefts, default=0.0)


def _beside(placed: _Placed, left: float, floor: float | None) -> tuple[Point, Point]:
    """The centres of the text and of the strip: below the dots, or left of everything."""
    caption, (x, y) = placed
    wide, tall = caption.text_size
    strip_wide, strip_tall = caption.strip_size
    if floor is not None:
        top = floor - CAPTION_MARGIN_POINTS
        bottom = top - tall
        return (x, top - tall / 2), (x, bottom - strip_tall / 2)
    right = left - SIDE_POINTS / 2
    middle = right - strip_wide - wide / 2
    strip_middle = right - (strip_wide - CAPTION_MARGIN_POINTS) / 2
    return (middle, y), (strip_middle, y)


def _captions(items: list[Item], spots: Places) -> list[_Placed]:
    """A caption for each run that folds."""
    dots: defaultdict[str, list[Item]] = defaultdict(list)
    for i in items:
        if i.strip and i.time is not None:
            dots[i.tip].append(i)
    captions = []
    for members in dots.values():
        (left, bottom), (right, top) = corners(spots.item[i.key] for i in members)
        middle = (left + right) / 2, (bottom + top) / 2
        captions.append(_Placed(Caption(members[0]), middle))
    return captions


def _put_text(picture: Digraph, caption: Caption, centre: Point, name: str) -> None:
    """The lines, and below them what is counted, around a centre."""
    x, y = centre
    wide, tall = caption.text_size
    line = style.LINE_HEIGHT * TEXT_POINTS
    lines = line * len(caption.lines)
    top = y + tall / 2
    looks = {
        "label": style.label(*caption.lines, size=TEXT_POINTS),
        "class": "caption",
    }
    middle = x, top - lines / 2
    put_text(picture, f"folded {name}", middle, (wide, lines), **looks)
    y = top - lines - line / 2
    for kind, text in caption.strip.counts.items():
        looks = {
            "label": style.label(text, size=TEXT_POINTS),
            "fontcolor": _COLOURS.get(kind, style.GATE),
            "class": f"caption {kind}",
            "tooltip": f"hidden here: {text}",
        }
        short = kind.split()[-1]
        put_text(picture, f"{short} {name}", (x, y), (wide, line), **looks)
        y -= line


def _put_strip(picture: Digraph, caption: Caption, centre: Point, name: str) -> None:
    """The strip, if there is one."""
    strip = caption.strip
    if strip.says_something:
        looks = {
            "label": f"<{strip.table()}>",
            "class": "strip",
            "tooltip": strip.range or " ",
        }
        put_text(picture, f"strip {name}", centre, strip.size, **looks)
