"""From cells to points: the measures of Fig. 9.7.2, stretched only where labels are longer than the book's."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

from minigrad.viz import style
from minigrad.viz.graphs.marks import Mark

from .grid import Cell
from .variable_model import Arrow, Item, Key

SIZE = 24.0  # a circle's diameter, a box's least side
FONT, SMALL = 11.0, 9.0
COLUMN, ROW, GAP = 43.0, 36.0, 6.0
BENT, CROSSED = (
    8.0,
    4.0,
)  # room for parameters' arrows, which bend round circles, and for those from the step before
TRUNK = 14.0  # room for a parameter's trunk, left of the circles that it branches to
_PER_LINE, _MOST = 3, 11  # names in a box
_APART = 3  # arrows of a parameter up to here are drawn each for itself, as in the book

Point = tuple[float, float]


def lines(item: Item) -> list[str]:
    """The names in a box, a few per line."""
    names = [style.plain(n) for n in item.names]
    if len(names) > _MOST:
        names[_MOST:] = [f"{len(names) - _MOST:,} more"]
    return [", ".join(names[k : k + _PER_LINE]) for k in range(0, len(names), _PER_LINE)]


class Gate(NamedTuple):
    """What stands on the arrows from one item to the readers in one step."""

    tail: Key
    marks: tuple[Mark, ...]
    time: int | None


def buses(
    items: list[Item], arrows: list[Arrow], cell: dict[Key, Cell]
) -> dict[tuple[Key, int], list[Arrow]]:
    """The arrows from one parameter to many heads in one column, which share a trunk: by tail and column."""
    parameters = {i.key for i in items if i.parameter and i.time is None}
    found: defaultdict[tuple[Key, int], list[Arrow]] = defaultdict(list)
    for a in arrows:
        if a.tail in parameters and not a.marks and cell[a.head][1] > cell[a.tail][1]:
            found[a.tail, cell[a.head][0]].append(a)
    return {bus: its for bus, its in found.items() if len(its) > _APART}


def gates(items: list[Item], arrows: list[Arrow]) -> dict[Gate, list[Key]]:
    """The gates on the arrows, each with the items that read through it."""
    time = {i.key: i.time for i in items}
    found: defaultdict[Gate, list[Key]] = defaultdict(list)
    for a in arrows:
        if a.marks:
            found[Gate(a.tail, a.marks, time[a.head])].append(a.head)
    return found


def gate_size(gate: Gate) -> Point:
    """Width and height of what is written on a gate."""
    return max(style.width(m.text, SMALL) for m in gate.marks) + 2, len(gate.marks) * SMALL * 1.3


def size(item: Item) -> Point:
    """Width and height of a box or circle."""
    text = lines(item)
    widest = max((style.width(line, FONT) for line in text), default=0.0)
    if item.note:
        widest = max(widest, style.width(item.note, SMALL))
    tall = len(text) * FONT * 1.3 + (SMALL * 1.4 if item.note else 0) + GAP
    return max(SIZE, round(widest) + GAP), max(SIZE, tall)


def points(
    items: list[Item], arrows: list[Arrow], cell: dict[Key, Cell], shown: list[Arrow]
) -> tuple[dict[Key, Point], dict[Gate, Point]]:
    """The centre of each item, x to the right and y upwards from row 0, and of the gates on the arrows shown."""
    at_gate = gates(items, arrows)
    x = _columns(items, arrows, cell, at_gate)
    tall, y = _rows(items, cell, at_gate)
    place = {key: (x[c], y[r]) for key, (c, r) in cell.items()}
    wide = {i.key: size(i)[0] for i in items}
    spots: dict[Gate, Point] = {}
    taken: defaultdict[float, float] = defaultdict(
        lambda: -math.inf
    )  # how far right each band is taken
    beside: defaultdict[tuple[Key, int], float] = defaultdict(
        float
    )  # how much is taken beside each item
    for gate, heads in sorted(
        gates(items, shown).items(), key=lambda g: (place[g[0].tail], g[0].marks)
    ):
        (x0, y0), half = place[gate.tail], gate_size(gate)[0] / 2
        band, side = _band(gate, heads, cell), _side(gate, heads, cell)
        if band is None:
            spots[gate] = (
                x0 + side * (wide[gate.tail] / 2 + beside[gate.tail, side] + GAP + half),
                y0,
            )
            beside[gate.tail, side] += GAP + 2 * half
        else:
            x1, y1 = (
                sum(axis) / len(heads) for axis in zip(*(place[h] for h in heads), strict=True)
            )
            height = (y[band] + tall[band] / 2 + y[band + 1] - tall[band + 1] / 2) / 2
            across = x0 + (height - y0) / (y1 - y0 or ROW) * (x1 - x0)
            spots[gate] = max(across, taken[height] + GAP + half), height
            taken[height] = spots[gate][0] + half
    return place, spots


def _columns(
    items: list[Item], arrows: list[Arrow], cell: dict[Key, Cell], at_gate: dict[Gate, list[Key]]
) -> dict[int, float]:
    """The x of each column that is used: the book's distances, or what the widest neighbours in a row need."""
    known = {i.key: i for i in items}
    extra: defaultdict[int, float] = defaultdict(float)  # before a column
    for column in {cell[a.head][0] for a in arrows if known[a.tail].parameter}:
        extra[column] += BENT
    back = [
        sorted((cell[a.head][0], cell[a.tail][0]))
        for a in arrows
        if _recurrent(known[a.tail], known[a.head])
    ]
    for column in {c for left, right in back for c in range(left + 1, right + 1)}:
        extra[column] += CROSSED
    beside: defaultdict[tuple[Key, int], float] = defaultdict(
        float
    )  # gates in the row of their arrow
    for gate, heads in at_gate.items():
        if _band(gate, heads, cell) is None:
            beside[gate.tail, _side(gate, heads, cell)] += GAP + gate_size(gate)[0] + GAP

    trunks: defaultdict[int, float] = defaultdict(float)
    for _, column in buses(items, arrows, cell):
        trunks[column] += TRUNK if not trunks[column] else 5
    columns: defaultdict[int, list[Item]] = defaultdict(list)
    for i in items:
        columns[cell[i.key][0]].append(i)
    x: dict[int, float] = {}
    edge: defaultdict[int, float] = defaultdict(
        lambda: -math.inf
    )  # how far right each row is taken
    last = None
    for column in sorted(columns):
        gap = 0.0 if last is None else COLUMN + sum(extra[c] for c in range(last + 1, column + 1))
        x[column] = SIZE / 2 if last is None else x[last] + gap
        for i in columns[column]:
            x[column] = max(
                x[column],
                edge[cell[i.key][1]] + GAP + beside[i.key, -1] + trunks[column] + size(i)[0] / 2,
            )
        for i in columns[column]:
            edge[cell[i.key][1]] = x[column] + size(i)[0] / 2 + beside[i.key, 1]
        last = column
    return x


def _side(gate: Gate, heads: list[Key], cell: dict[Key, Cell]) -> int:
    """1 where the gate's arrows go to the right, -1 where to the left."""
    return 1 if cell[heads[0]][0] > cell[gate.tail][0] else -1


def _rows(
    items: list[Item], cell: dict[Key, Cell], at_gate: dict[Gate, list[Key]]
) -> tuple[dict[int, float], dict[int, float]]:
    """How tall each row is, and its y."""
    tall: defaultdict[int, float] = defaultdict(lambda: SIZE)
    for i in items:
        row = cell[i.key][1]
        tall[row] = max(tall[row], size(i)[1])
    bands: defaultdict[int | None, float] = defaultdict(float)
    for gate, heads in at_gate.items():
        band = _band(gate, heads, cell)
        bands[band] = max(bands[band], gate_size(gate)[1])
    rows = range(min([0, *tall]), max([0, *tall]) + 1)
    y = {rows[0]: 0.0}
    for low, high in pairwise(rows):
        y[high] = y[low] + max(ROW, (tall[low] + tall[high]) / 2 + SIZE / 2) + bands[low]
    return tall, {row: up - y[0] for row, up in y.items()}


def _band(gate: Gate, heads: list[Key], cell: dict[Key, Cell]) -> int | None:
    """The row above which the gate stands, between two rows; None: it stands in the row of its arrow."""
    row, others = cell[gate.tail][1], [cell[h][1] for h in heads]
    if all(r == row for r in others):
        return None
    return row if sum(others) >= row * len(others) else row - 1


def _recurrent(tail: Item, head: Item) -> bool:
    return tail.stands_for is not None or (
        tail.time != head.time and None not in (tail.time, head.time)
    )
