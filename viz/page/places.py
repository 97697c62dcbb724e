"""Where a tape's nodes stand: a column per time step, the inputs below, the loss on top.

A tape without steps has pages in their stead.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from minigrad import Tape, Tensor
from minigrad.internal import gates
from minigrad.viz import style

from .pages import pages

# pixels
ROW_HEIGHT = 50.0
GAP = 8.0
SIDE = 32.0
TOP = 34.0
MIN_WIDTH = 28.0
FONT_SIZE = 13
PADDING = 12

MAX_NAME = 18  # characters
MAX_OPERATION = 10  # characters
SYMBOLS = {
    "matmul": "@",
    "add": "+",
    "subtract": "−",
    "multiply": "⊙",
    "divide": "÷",
    "sum": "Σ",
    "sigmoid": "σ",
    "power": "xⁿ",
    "square": "x²",
    "sqrt": "√x",
    "getitem": "[ ]",
    "negative": "−",
    "transpose": "ᵀ",
    "detach": "✂",
    "scale_grad": "×ξ",
    "alias": "=",
    "concatenate": "concat",
    "cross_entropy": "CE",
    "log_softmax": "log σ",
    "take_along_axis": "[i]",
}

Rows = dict[int, list[Tensor]]
"""The nodes of one column by their height above the bottom, in rows."""


@dataclass(frozen=True)
class Spot:
    """A node's centre and width, in pixels; what is written on it.

    ``column`` is its step or page, None for the strip outside; ``row`` counts from the bottom;
    ``across`` is how far it stands from the middle of its column.
    """

    x: float
    y: float
    width: float
    text: str
    column: int | None
    row: int
    across: float


class _Box(NamedTuple):
    text: str
    width: float


@dataclass(frozen=True)
class Picture:
    """The spots of the nodes, the middle of each step's column, and the size of it all."""

    spots: dict[Tensor, Spot]
    columns: dict[int, float]
    width: float
    height: float
    # the steps of all nodes, or their pages
    times: dict[Tensor, int | None]


def picture(tape: Tape) -> Picture:
    """The places of all nodes but unnamed numbers.

    Cost: linear in the nodes and edges, without Graphviz.
    """
    times = _columns(tape)
    columns = _rows_of_columns(tape, times)
    boxes = _boxes(tape, columns)
    deepest = max((height for rows in columns.values() for height in rows), default=0)
    spots: dict[Tensor, Spot] = {}
    middles: dict[int, float] = {}
    left = SIDE
    # what lies outside the steps stands leftmost
    for t in sorted(columns, key=lambda t: (t is not None, t or 0)):
        widths: dict[int, float] = {}
        for height, row in columns[t].items():
            widths[height] = sum(boxes[n].width + GAP for n in row)
        middle = left + max(widths.values()) / 2
        for height in sorted(columns[t]):
            y = TOP + (deepest - height + 0.5) * ROW_HEIGHT
            x = middle - widths[height] / 2
            row = columns[t][height]
            if t is not None:
                row = _by_wish(row, spots, middle)
            for n in row:
                box = boxes[n]
                half = (box.width + GAP) / 2
                across = x + half - middle
                spots[n] = Spot(x + half, y, box.width, box.text, t, height, across)
                x += 2 * half
        if t is not None and tape.stamps:
            middles[t] = middle
        left += max(widths.values()) + SIDE
    total = TOP + (deepest + 1) * ROW_HEIGHT
    return Picture(spots, middles, left, total, times)


def _rows_of_columns(tape: Tape, column: dict[Tensor, int | None]) -> dict[int | None, Rows]:
    """The nodes that are drawn, by column and row."""
    height = _heights(tape, column)
    columns: dict[int | None, Rows] = {}
    for n in tape.nodes:
        if n.fn or n.name or n.requires_grad or n.size > 1:
            rows = columns.setdefault(column[n], {})
            rows.setdefault(height[n], []).append(n)
    if None in columns:
        # a strip of their own, parameters below each other
        outside = [n for row in columns[None].values() for n in row]
        # the strip comes after the steps where nodes outside them are told apart by their order
        columns.pop(None)
        columns[None] = {k: [n] for k, n in enumerate(outside)}
    return columns


def _heights(tape: Tape, column: dict[Tensor, int | None]) -> dict[Tensor, int]:
    """The row of each node: above what it reads in its column; a leaf just below who reads it."""
    height: dict[Tensor, int] = {}
    for n in tape.nodes:
        below = [height[x] for x in n.inputs if x.fn and column[x] == column[n]]
        # a gate at the entry of a step stands beside the inputs, so that the steps stay alike
        at_entry = n.fn in gates.GATES and not below
        height[n] = 0 if n.fn is None or at_entry else 1 + max(below, default=0)
    readers = _readers(tape)
    for n in tape.leaves:
        if column[n] is not None:
            heights = (height[r] for r in readers[n] if column[r] == column[n])
            height[n] = min(heights, default=1) - 1
    return height


def _columns(tape: Tape) -> dict[Tensor, int | None]:
    """The step a node is drawn in: its own, or the last one it depends on.

    A leaf is drawn in the step that alone reads it.
    """
    if not tape.stamps:
        return dict(pages(tape))
    times = tape.times
    column: dict[Tensor, int | None] = {}
    for n in tape.nodes:
        t = times[n]
        if t is None and n.fn is not None:
            t = _last(column[x] for x in n.inputs)
        column[n] = t
    readers = _readers(tape)
    for n in tape.leaves:
        if column[n] is None and not n.requires_grad:
            reading_columns = {column[r] for r in readers[n]}
            if len(reading_columns) == 1:
                column[n] = reading_columns.pop()
    return column


def _readers(tape: Tape) -> defaultdict[Tensor, list[Tensor]]:
    readers: defaultdict[Tensor, list[Tensor]] = defaultdict(list)
    for n in tape.nodes:
        for x in n.inputs:
            readers[x].append(n)
    return readers


def _last(steps: Iterable[int | None]) -> int | None:
    return max((t for t in steps if t is not None), default=None)


def _by_wish(row: list[Tensor], spots: dict[Tensor, Spot], middle: float) -> list[Tensor]:
    """A row's nodes in the order of what they read: what comes from the left stands left."""

    def wish(n: Tensor) -> float:
        read = [x for x in n.inputs if x in spots and (x.fn is not None or not x.requires_grad)]
        if not read:
            return middle
        return sum(spots[x].x for x in read) / len(read)

    return sorted(row, key=wish)


def _boxes(tape: Tape, columns: dict[int | None, Rows]) -> dict[Tensor, _Box]:
    """What is written on each node that is drawn, and how wide it is."""
    boxes = {}
    for rows in columns.values():
        for n in itertools.chain(*rows.values()):
            text = _text(tape, n)
            width = style.width(text, FONT_SIZE, style.SANS) + PADDING
            boxes[n] = _Box(text, max(MIN_WIDTH, width))
    return boxes


def _text(tape: Tape, n: Tensor) -> str:
    if n.name or n.fn is None:
        return style.plain(tape.names[n], MAX_NAME)
    return SYMBOLS.get(n.op, style.plain(n.op, MAX_OPERATION))
