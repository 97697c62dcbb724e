"""Columns and rows in points: the distances of Fig. 9.7.2, or what gates, trunks and names need."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from .grid import Cells
from .variable_model import Arrow, Item, Key, VariableGraph
from .variable_sizes import (
    GAP_POINTS,
    LEFT,
    RIGHT,
    SIDE_POINTS,
    Gate,
    GateHeads,
    gate_size,
    gates_with_heads,
    item_size,
)

# The book's distances from column to column and from row to row.
COLUMN_POINTS = 43.0
ROW_POINTS = 36.0
# Room for parameters' arrows, which bend round circles, and for those from the step before.
BENT_POINTS = 8.0
CROSSED_POINTS = 4.0
# Room for a parameter's trunk, left of the circles that it branches to, and for each further trunk.
TRUNK_POINTS = 14.0
NEXT_TRUNK_POINTS = 5
# So many arrows of a parameter are drawn each for itself, as in the book.
MAX_ARROWS_APART = 3

Sides = dict[tuple[Key, int], float]
"""Something left or right of each item, in points."""
Across = dict[int, float]
"""Something of each column, in points."""


class Bus(NamedTuple):
    """The arrows that share a trunk: their tail, and the column of their heads."""

    tail: Key
    column: int


@dataclass(frozen=True)
class Sheet:
    """Items and arrows in their cells, and what follows from these."""

    graph: VariableGraph
    cells: Cells

    def column(self, key: Key) -> int:
        """The column of an item."""
        return self.cells[key].column

    def row(self, key: Key) -> int:
        """The row of an item."""
        return self.cells[key].row

    @cached_property
    def gates(self) -> GateHeads:
        """The gates on all arrows, each with its readers."""
        return gates_with_heads(self.graph, self.graph.arrows)

    @cached_property
    def buses(self) -> dict[Bus, list[Arrow]]:
        """The arrows from one parameter to many heads in one column, which share a trunk."""
        parameters = {i.key for i in self.graph.items if i.parameter and i.time is None}
        buses: defaultdict[Bus, list[Arrow]] = defaultdict(list)
        for a in self.graph.arrows:
            goes_up = self.row(a.head) > self.row(a.tail)
            if goes_up and a.tail in parameters and not a.marks:
                bus = Bus(a.tail, self.column(a.head))
                buses[bus].append(a)
        for bus, arrows in list(buses.items()):
            if len(arrows) <= MAX_ARROWS_APART:
                del buses[bus]
        return buses

    @cached_property
    def beside(self) -> Sides:
        """What the gates in the row of their arrow take on each side of an item."""
        beside: Sides = defaultdict(float)
        for gate, heads in self.gates.items():
            if self.band(gate, heads) is None:
                wide, _ = gate_size(gate)
                side = self.side(gate, heads)
                beside[gate.tail, side] += GAP_POINTS + wide + GAP_POINTS
        return beside

    def trunk_rows(self, column: int) -> range:
        """The rows that the trunks before a column pass; none where it has none."""
        lows = []
        highs = []
        for bus, arrows in self.buses.items():
            if bus.column == column:
                lows.append(self.row(bus.tail))
                highs += [self.row(a.head) for a in arrows]
        return range(min(lows, default=0) + 1, max(highs, default=0) + 1)

    def reach(self, column: int) -> float:
        """From the middle of a column to the left of all that its trunks pass there."""
        rows = self.trunk_rows(column)
        reach = SIDE_POINTS / 2
        for i in self.graph.items:
            if self.column(i.key) == column and self.row(i.key) in rows:
                half = item_size(i)[0] / 2
                reach = max(reach, half + self.beside[i.key, LEFT])
        return reach

    def band(self, gate: Gate, heads: list[Key]) -> int | None:
        """The row above which the gate stands, between two rows; None: in the row of its arrow."""
        row = self.row(gate.tail)
        rows = [self.row(head) for head in heads]
        if all(r == row for r in rows):
            return None
        rises = sum(rows) >= row * len(rows)
        return row if rises else row - 1

    def side(self, gate: Gate, heads: list[Key]) -> int:
        """Whether the gate's arrows go to the RIGHT or to the LEFT."""
        goes_right = self.column(heads[0]) > self.column(gate.tail)
        return RIGHT if goes_right else LEFT


def place_columns(sheet: Sheet) -> Across:
    """The x of each column that is used."""
    extra = _room_before_columns(sheet)
    beside = sheet.beside
    trunks = _room_for_trunks(sheet)
    members: defaultdict[int, list[Item]] = defaultdict(list)
    for i in sheet.graph.items:
        members[sheet.column(i.key)].append(i)
    x: Across = {}
    # How far right each row is taken.
    right_end: defaultdict[int, float] = defaultdict(lambda: -math.inf)
    last: int | None = None
    for column in sorted(members):
        if last is None:
            x[column] = SIDE_POINTS / 2
        else:
            passed = range(last + 1, column + 1)
            room = sum(extra[c] for c in passed)
            x[column] = x[last] + (COLUMN_POINTS + room)
        # As far right as the row that needs most.
        for i in members[column]:
            half = item_size(i)[0] / 2
            end = right_end[sheet.row(i.key)] + GAP_POINTS
            left = end + beside[i.key, LEFT]
            x[column] = max(x[column], left + half)
        # Trunks stand free in all rows, also in those where the column has nothing.
        for row in sheet.trunk_rows(column):
            left = right_end[row] + GAP_POINTS + trunks[column]
            x[column] = max(x[column], left + sheet.reach(column))
        for i in members[column]:
            half = item_size(i)[0] / 2
            right = x[column] + half
            right_end[sheet.row(i.key)] = right + beside[i.key, RIGHT]
        last = column
    return x


def _room_before_columns(sheet: Sheet) -> Across:
    """What arrows need before each column beyond the book's distance."""
    known = sheet.graph.by_key
    bent: set[int] = set()
    crossed: set[int] = set()
    for a in sheet.graph.arrows:
        tail = sheet.column(a.tail)
        head = sheet.column(a.head)
        if known[a.tail].parameter:
            bent.add(head)
        if _is_recurrent(known[a.tail], known[a.head]):
            left, right = sorted((head, tail))
            crossed.update(range(left + 1, right + 1))
    extra: Across = defaultdict(float)
    for column in bent:
        extra[column] += BENT_POINTS
    for column in crossed:
        extra[column] += CROSSED_POINTS
    return extra


def _room_for_trunks(sheet: Sheet) -> Across:
    """What the trunks before each column take."""
    trunks: Across = defaultdict(float)
    for bus in sheet.buses:
        has_trunk = trunks[bus.column] > 0
        trunks[bus.column] += NEXT_TRUNK_POINTS if has_trunk else TRUNK_POINTS
    return trunks


def _is_recurrent(tail: Item, head: Item) -> bool:
    """Whether an arrow comes from another step, or from an initial state in place of one."""
    if tail.stands_for is not None:
        return True
    both_in_steps = tail.time is not None and head.time is not None
    return both_in_steps and tail.time != head.time


@dataclass(frozen=True)
class Rows:
    """How tall each row is, and its y, in points."""

    tall: dict[int, float]
    y: dict[int, float]

    def top(self, row: int) -> float:
        """Its upper edge."""
        return self.y[row] + self.tall[row] / 2


def place_rows(sheet: Sheet) -> Rows:
    """The rows, with room for the gates between them."""
    tall: defaultdict[int, float] = defaultdict(lambda: SIDE_POINTS)
    for i in sheet.graph.items:
        row = sheet.row(i.key)
        _, height = item_size(i)
        tall[row] = max(tall[row], height)
    bands: defaultdict[int | None, float] = defaultdict(float)
    for gate, heads in sheet.gates.items():
        band = sheet.band(gate, heads)
        _, height = gate_size(gate)
        bands[band] = max(bands[band], height)
    # Row 0 is there although nothing may stand in it.
    first = min([0, *tall])
    last = max([0, *tall])
    up = {first: 0.0}
    for low, high in pairwise(range(first, last + 1)):
        half_heights = (tall[low] + tall[high]) / 2
        distance = max(ROW_POINTS, half_heights + SIDE_POINTS / 2)
        up[high] = up[low] + distance + bands[low]
    y = {row: height - up[0] for row, height in up.items()}
    return Rows(tall, y)
