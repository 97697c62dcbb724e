"""From cells to points: the distances of Fig. 9.7.2, stretched only where labels are longer than the book's."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from minigrad.viz.graphs.canvas import Point

from .grid import Cell, place_in_cells
from .variable_model import Arrow, Item, Key
from .variable_sizes import (
    GAP_POINTS,
    SIDE_POINTS,
    Gate,
    gate_size,
    gates_with_heads,
    item_size,
)

# The book's distances from column to column and from row to row, in points.
COLUMN_POINTS = 43.0
ROW_POINTS = 36.0
# Room for parameters' arrows, which bend round circles, and for those from the step before.
BENT_POINTS = 8.0
CROSSED_POINTS = 4.0
# Room for a parameter's trunk, left of the circles that it branches to, and for each further trunk.
TRUNK_POINTS = 14.0
NEXT_TRUNK_POINTS = 5
# From a circle's centre to the trunk beside it, and down to where the branch leaves it.
BRANCH_LEFT_POINTS = 19.0
BRANCH_DOWN_POINTS = 15.0
# So many arrows of a parameter are drawn each for itself, as in the book.
MAX_ARROWS_APART = 3


class Bus(NamedTuple):
    """The arrows that share a trunk: their tail, and the column of their heads."""

    tail: Key
    column: int


class Branch(NamedTuple):
    """Where an arrow leaves the trunk that it shares."""

    bus: Bus
    point: Point


@dataclass(frozen=True)
class Places:
    """The centre of each item and gate; the branch on a trunk for each arrow that has one."""

    item: dict[Key, Point]
    gate: dict[Gate, Point]
    branch: dict[Arrow, Branch]

    @property
    def corners(self) -> tuple[Point, Point]:
        """The lowest and the highest centre in either direction."""
        points = list(self.item.values()) or [(0.0, 0.0)]
        xs, ys = zip(*points, strict=True)
        return (min(xs), min(ys)), (max(xs), max(ys))


@dataclass(frozen=True)
class _Sheet:
    """Items and arrows in their cells, and what follows from these."""

    items: list[Item]
    arrows: list[Arrow]
    cells: dict[Key, Cell]

    @cached_property
    def gates(self) -> dict[Gate, list[Key]]:
        """The gates on all arrows, each with its readers."""
        return gates_with_heads(self.items, self.arrows)

    @cached_property
    def buses(self) -> dict[Bus, list[Arrow]]:
        """The arrows from one parameter to many heads in one column, which share a trunk."""
        parameters = {i.key for i in self.items if i.parameter and i.time is None}
        buses: defaultdict[Bus, list[Arrow]] = defaultdict(list)
        for a in self.arrows:
            goes_up = self.cells[a.head].row > self.cells[a.tail].row
            if a.tail in parameters and not a.marks and goes_up:
                buses[Bus(a.tail, self.cells[a.head].column)].append(a)
        return {bus: arrows for bus, arrows in buses.items() if len(arrows) > MAX_ARROWS_APART}

    def band(self, gate: Gate, heads: list[Key]) -> int | None:
        """The row above which the gate stands, between two rows; None: in the row of its arrow."""
        row = self.cells[gate.tail].row
        rows = [self.cells[head].row for head in heads]
        if all(r == row for r in rows):
            return None
        return row if sum(rows) >= row * len(rows) else row - 1

    def side(self, gate: Gate, heads: list[Key]) -> int:
        """1 where the gate's arrows go to the right, -1 where to the left."""
        return 1 if self.cells[heads[0]].column > self.cells[gate.tail].column else -1


def places(items: list[Item], arrows: list[Arrow], shown: list[Arrow] | None = None) -> Places:
    """The places of the book's layout, with room for all arrows, and of the gates on those shown together.

    Points: x to the right, y upwards from row 0.
    """
    sheet = _Sheet(items, arrows, place_in_cells(items, arrows))
    x = _columns(sheet)
    tall, y = _rows(sheet)
    points = {key: (x[cell.column], y[cell.row]) for key, cell in sheet.cells.items()}
    gates = gates_with_heads(items, arrows if shown is None else shown)
    return Places(points, _gate_points(sheet, gates, points, tall, y), _branches(sheet, points))


def _branches(sheet: _Sheet, points: dict[Key, Point]) -> dict[Arrow, Branch]:
    """Where the arrows that share a trunk leave it: trunks before the same column stand side by side."""
    branches: dict[Arrow, Branch] = {}
    trunks: defaultdict[int, int] = defaultdict(int)
    for bus, arrows in sheet.buses.items():
        shift = NEXT_TRUNK_POINTS * trunks[bus.column]
        trunks[bus.column] += 1
        for a in arrows:
            x, y = points[a.head]
            joint = x - BRANCH_LEFT_POINTS - shift, y - BRANCH_DOWN_POINTS
            branches[a] = Branch(bus, joint)
    return branches


def _gate_points(
    sheet: _Sheet,
    gates: dict[Gate, list[Key]],
    points: dict[Key, Point],
    tall: Mapping[int, float],
    y: Mapping[int, float],
) -> dict[Gate, Point]:
    """The centre of each gate: beside its tail in its row, or where its arrow crosses the band between two rows.

    tall: the height of each row. y: where its middle is.
    """
    wide = {i.key: item_size(i)[0] for i in sheet.items}
    spots: dict[Gate, Point] = {}
    # How far right each band is taken, and how much beside each item.
    right_end: defaultdict[float, float] = defaultdict(lambda: -math.inf)
    beside: defaultdict[tuple[Key, int], float] = defaultdict(float)
    for gate in sorted(gates, key=lambda gate: (points[gate.tail], gate.marks)):
        heads = gates[gate]
        x0, y0 = points[gate.tail]
        half = gate_size(gate)[0] / 2
        band = sheet.band(gate, heads)
        side = sheet.side(gate, heads)
        if band is None:
            taken = wide[gate.tail] / 2 + beside[gate.tail, side]
            spots[gate] = x0 + side * (taken + GAP_POINTS + half), y0
            beside[gate.tail, side] += GAP_POINTS + 2 * half
            continue
        x1, y1 = _mean(points, heads)
        height = (y[band] + tall[band] / 2 + y[band + 1] - tall[band + 1] / 2) / 2
        rise = y1 - y0 or ROW_POINTS
        across = x0 + (height - y0) / rise * (x1 - x0)
        spots[gate] = max(across, right_end[height] + GAP_POINTS + half), height
        right_end[height] = spots[gate][0] + half
    return spots


def _mean(points: Mapping[Key, Point], keys: list[Key]) -> Point:
    """The middle of these."""
    xs, ys = zip(*(points[key] for key in keys), strict=True)
    return sum(xs) / len(keys), sum(ys) / len(keys)


def _columns(sheet: _Sheet) -> dict[int, float]:
    """The x of each column that is used: the book's distances, or what the widest neighbours in a row need."""
    extra = _room_before_columns(sheet)
    beside = _room_beside_items(sheet)
    trunks = _room_for_trunks(sheet)
    members: defaultdict[int, list[Item]] = defaultdict(list)
    for i in sheet.items:
        members[sheet.cells[i.key].column].append(i)
    x: dict[int, float] = {}
    # How far right each row is taken.
    right_end: defaultdict[int, float] = defaultdict(lambda: -math.inf)
    last: int | None = None
    for column in sorted(members):
        if last is None:
            x[column] = SIDE_POINTS / 2
        else:
            room = sum(extra[c] for c in range(last + 1, column + 1))
            x[column] = x[last] + (COLUMN_POINTS + room)
        for i in members[column]:
            end = right_end[sheet.cells[i.key].row]
            room = end + GAP_POINTS + beside[i.key, -1] + trunks[column]
            x[column] = max(x[column], room + item_size(i)[0] / 2)
        for i in members[column]:
            half = item_size(i)[0] / 2
            right_end[sheet.cells[i.key].row] = x[column] + half + beside[i.key, 1]
        last = column
    return x


def _room_before_columns(sheet: _Sheet) -> dict[int, float]:
    """What arrows need before each column beyond the book's distance."""
    known = {i.key: i for i in sheet.items}
    bent: set[int] = set()
    crossed: set[int] = set()
    for a in sheet.arrows:
        tail = sheet.cells[a.tail].column
        head = sheet.cells[a.head].column
        if known[a.tail].parameter:
            bent.add(head)
        if _is_recurrent(known[a.tail], known[a.head]):
            left, right = sorted((head, tail))
            crossed.update(range(left + 1, right + 1))
    extra: defaultdict[int, float] = defaultdict(float)
    for column in bent:
        extra[column] += BENT_POINTS
    for column in crossed:
        extra[column] += CROSSED_POINTS
    return extra


def _room_beside_items(sheet: _Sheet) -> dict[tuple[Key, int], float]:
    """What the gates in the row of their arrow take, left (-1) and right (1) of each item."""
    beside: defaultdict[tuple[Key, int], float] = defaultdict(float)
    for gate, heads in sheet.gates.items():
        if sheet.band(gate, heads) is None:
            room = GAP_POINTS + gate_size(gate)[0] + GAP_POINTS
            beside[gate.tail, sheet.side(gate, heads)] += room
    return beside


def _room_for_trunks(sheet: _Sheet) -> dict[int, float]:
    """What the trunks before each column take."""
    trunks: defaultdict[int, float] = defaultdict(float)
    for bus in sheet.buses:
        trunks[bus.column] += NEXT_TRUNK_POINTS if trunks[bus.column] else TRUNK_POINTS
    return trunks


def _rows(sheet: _Sheet) -> tuple[dict[int, float], dict[int, float]]:
    """How tall each row is, and its y."""
    tall: defaultdict[int, float] = defaultdict(lambda: SIDE_POINTS)
    for i in sheet.items:
        row = sheet.cells[i.key].row
        tall[row] = max(tall[row], item_size(i)[1])
    bands: defaultdict[int | None, float] = defaultdict(float)
    for gate, heads in sheet.gates.items():
        band = sheet.band(gate, heads)
        bands[band] = max(bands[band], gate_size(gate)[1])
    rows = range(min([0, *tall]), max([0, *tall]) + 1)
    y = {rows[0]: 0.0}
    for low, high in pairwise(rows):
        distance = max(ROW_POINTS, (tall[low] + tall[high]) / 2 + SIDE_POINTS / 2)
        y[high] = y[low] + distance + bands[low]
    return tall, {row: height - y[0] for row, height in y.items()}


def _is_recurrent(tail: Item, head: Item) -> bool:
    """Whether an arrow comes from another step, or from an initial state in place of one."""
    if tail.stands_for is not None:
        return True
    return tail.time != head.time and None not in (tail.time, head.time)
