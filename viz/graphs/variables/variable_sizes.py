"""Sizes in points: the measures of Fig. 9.7.2, larger only where names are longer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from minigrad.viz import style
from minigrad.viz.graphs.canvas import NAME_POINTS, TEXT_POINTS, Point
from minigrad.viz.graphs.strip import Strip

from .variable_model import Arrow, Item, Key, VariableGraph
from .variable_reads import Marks

# A circle's diameter, a box's least side.
SIDE_POINTS = 24.0
# Between two things beside each other, and around the text in a box.
GAP_POINTS = 6.0
# A note below a text, as a multiple of its font.
NOTE_HEIGHT = 1.4
MARK_MARGIN_POINTS = 2

# Around what is written beside or below a fold.
CAPTION_MARGIN_POINTS = 4.0

# On which side of its tail a gate stands, as the sign of x.
LEFT = -1
RIGHT = 1

NAMES_PER_LINE = 3
MAX_NAMES = 11


class Gate(NamedTuple):
    """What stands on the arrows from one item to the readers in one step."""

    tail: Key
    marks: Marks
    time: int | None


GateHeads = dict[Gate, list[Key]]
"""Each gate with the items that read through it."""


def gate_of(a: Arrow, times: dict[Key, int | None]) -> Gate:
    """The gate on an arrow, given the step of each item."""
    return Gate(a.tail, a.marks, times[a.head])


def gates_with_heads(graph: VariableGraph, shown: list[Arrow]) -> GateHeads:
    """The gates on the arrows shown, each with the items that read through it."""
    times = graph.times
    gates: defaultdict[Gate, list[Key]] = defaultdict(list)
    for a in shown:
        if a.marks:
            gates[gate_of(a, times)].append(a.head)
    return gates


def lines(item: Item) -> list[str]:
    """The names in a box, a few per line; a title takes the place of one of them."""
    names = [style.short(n) for n in item.labels or item.names]
    if len(names) > MAX_NAMES:
        more = len(names) - MAX_NAMES
        names[MAX_NAMES:] = [f"{more:,} more"]
    first = NAMES_PER_LINE - bool(item.title)
    starts = [0, *range(first, len(names), NAMES_PER_LINE)]
    text = []
    for start, end in pairwise([*starts, len(names)]):
        line = ", ".join(names[start:end])
        text.append(line if end == len(names) else f"{line},")
    if item.title:
        text[0] = f"{item.title}({text[0]}"
        text[-1] += ")"
    return text


def gate_size(gate: Gate) -> Point:
    """Width and height of what is written on a gate."""
    widths = [style.width(m.text, TEXT_POINTS, style.SANS) for m in gate.marks]
    tall = len(gate.marks) * TEXT_POINTS * style.LINE_HEIGHT
    return max(widths) + MARK_MARGIN_POINTS, tall


def item_size(item: Item) -> Point:
    """Width and height of a box or circle."""
    text = lines(item)
    widths = [style.width(line, NAME_POINTS) for line in text]
    tall = len(text) * NAME_POINTS * style.LINE_HEIGHT
    if item.note:
        widths.append(style.width(item.note, TEXT_POINTS, style.SANS))
        tall += TEXT_POINTS * NOTE_HEIGHT
    wide = round(max(widths, default=0.0))
    wide_with_gap = wide + GAP_POINTS
    tall_with_gap = tall + GAP_POINTS
    least_wide, least_tall = item.room
    return max(SIDE_POINTS, wide_with_gap, least_wide), max(SIDE_POINTS, tall_with_gap, least_tall)


@dataclass(frozen=True)
class Caption:
    """What is written beside a fold, given the dots of one of its items: lines, counts, a strip."""

    dots: Item

    @property
    def strip(self) -> Strip:
        """What the fold hides."""
        assert self.dots.strip is not None
        return self.dots.strip

    @property
    def lines(self) -> list[str]:
        """Which steps they are, how many, and whether of the backward pass: a line each."""
        return self.dots.tip.replace(" (", "\n(").replace("), ", ")\n").splitlines()

    @property
    def text_size(self) -> Point:
        """Of the lines and the counts."""
        texts = [*self.lines, *self.strip.counts.values()]
        widths = [style.width(text, TEXT_POINTS, style.SANS) for text in texts]
        return max(widths) + CAPTION_MARGIN_POINTS, len(texts) * style.LINE_HEIGHT * TEXT_POINTS

    @property
    def strip_size(self) -> Point:
        """Of the strip with what keeps it apart; 0 where there is none."""
        if not self.strip.says_something:
            return 0.0, 0.0
        wide, tall = self.strip.size
        return wide + CAPTION_MARGIN_POINTS, tall + CAPTION_MARGIN_POINTS
