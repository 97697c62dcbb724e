"""How large what is drawn is, in points: the measures of Fig. 9.7.2, larger only where names are longer."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from minigrad.viz import style
from minigrad.viz.graphs.canvas import NAME_POINTS, TEXT_POINTS, Point
from minigrad.viz.graphs.marks import Mark

from .variable_model import Arrow, Item, Key

# A circle's diameter, a box's least side, in points.
SIDE_POINTS = 24.0
# Between two things beside each other, and around the text in a box.
GAP_POINTS = 6.0
# From line to line of a text, as a multiple of its font.
LINE_HEIGHT = 1.3
NOTE_HEIGHT = 1.4
MARK_MARGIN_POINTS = 2

NAMES_PER_LINE = 3
MAX_NAMES = 11


class Gate(NamedTuple):
    """What stands on the arrows from one item to the readers in one step."""

    tail: Key
    marks: tuple[Mark, ...]
    time: int | None


def gates_with_heads(items: list[Item], arrows: list[Arrow]) -> dict[Gate, list[Key]]:
    """The gates on the arrows, each with the items that read through it."""
    time = {i.key: i.time for i in items}
    gates: defaultdict[Gate, list[Key]] = defaultdict(list)
    for a in arrows:
        if a.marks:
            gates[Gate(a.tail, a.marks, time[a.head])].append(a.head)
    return gates


def lines(item: Item) -> list[str]:
    """The names in a box, a few per line."""
    names = [style.plain(n) for n in item.names]
    if len(names) > MAX_NAMES:
        names[MAX_NAMES:] = [f"{len(names) - MAX_NAMES:,} more"]
    starts = range(0, len(names), NAMES_PER_LINE)
    return [", ".join(names[k : k + NAMES_PER_LINE]) for k in starts]


def gate_size(gate: Gate) -> Point:
    """Width and height of what is written on a gate."""
    wide = max(style.width(m.text, TEXT_POINTS) for m in gate.marks)
    tall = len(gate.marks) * TEXT_POINTS * LINE_HEIGHT
    return wide + MARK_MARGIN_POINTS, tall


def item_size(item: Item) -> Point:
    """Width and height of a box or circle."""
    text = lines(item)
    widths = [style.width(line, NAME_POINTS) for line in text]
    tall = len(text) * NAME_POINTS * LINE_HEIGHT
    if item.note:
        widths.append(style.width(item.note, TEXT_POINTS))
        tall += TEXT_POINTS * NOTE_HEIGHT
    wide = round(max(widths, default=0.0))
    return max(SIDE_POINTS, wide + GAP_POINTS), max(SIDE_POINTS, tall + GAP_POINTS)
