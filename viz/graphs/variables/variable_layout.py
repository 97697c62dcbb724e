"""From cells to points: where items, gates, and the joints of arrows that share a line stand."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from minigrad.viz.graphs.canvas import Point

from .grid import place_in_cells
from .rails import Joint, Rail
from .score_layout import score_places
from .score_parts import runs_across
from .variable_model import Arrow, Key, VariableGraph
from .variable_places import Places, Points
from .variable_reads import Marks
from .variable_room import (
    NEXT_TRUNK_POINTS,
    ROW_POINTS,
    Rows,
    Sheet,
    place_columns,
    place_rows,
)
from .variable_sizes import GAP_POINTS, Gate, gate_size, gates_with_heads, item_size

# From the left of a column to the trunk beside it, and from a box down to where its branch leaves.
BRANCH_LEFT_POINTS = 7.0
BRANCH_DOWN_POINTS = 3.0


def places(graph: VariableGraph, shown: list[Arrow] | None = None) -> Places:
    """The places of the book's layout, or of a score, with room for all arrows.

    Gates stand where those shown together leave them room. Points: x to the right, y upwards from
    row 0.
    """
    arrows = graph.arrows if shown is None else shown
    if runs_across(graph):
        return score_places(graph, arrows)
    sheet = Sheet(graph, place_in_cells(graph))
    x = place_columns(sheet)
    rows = place_rows(sheet)
    points: Points = {}
    for key, (column, row) in sheet.cells.items():
        points[key] = x[column], rows.y[row]
    gates = _gate_points(sheet, arrows, points, rows)
    return Places(points, gates, _rails(sheet, points))


def _rails(sheet: Sheet, points: Points) -> list[Rail]:
    """The trunks of parameters, each up to its last branch; those before one column stand apart."""
    rails = []
    trunks: defaultdict[int, int] = defaultdict(int)
    items = sheet.graph.by_key
    for bus, arrows in sheet.buses.items():
        shift = NEXT_TRUNK_POINTS * trunks[bus.column]
        left = sheet.reach(bus.column) + BRANCH_LEFT_POINTS + shift
        trunks[bus.column] += 1
        # The parameter joins its trunk at the lowest branch.
        tails: tuple[Key, ...] = (bus.tail,)
        joints: list[Joint] = []
        for head in sorted([a.head for a in arrows], key=sheet.row):
            x, y = points[head]
            _, tall = item_size(items[head])
            branch = x - left, y - tall / 2 - BRANCH_DOWN_POINTS
            joints.append(Joint(branch, tails, (head,)))
            tails = ()
        rails.append(Rail(tuple(arrows), tuple(joints)))
    return rails


def _gate_points(
    sheet: Sheet, arrows: list[Arrow], points: Points, rows: Rows
) -> dict[Gate, Point]:
    """The centre of each gate.

    It stands beside its tail in its row, or where its arrow crosses the band between two rows.
    """
    wide = {i.key: item_size(i)[0] for i in sheet.graph.items}
    gates = gates_with_heads(sheet.graph, arrows)
    spots: dict[Gate, Point] = {}
    # How far right each band is taken, and how much beside each item.
    right_end: defaultdict[float, float] = defaultdict(lambda: -math.inf)
    beside: defaultdict[tuple[Key, int], float] = defaultdict(float)

    def turn(gate: Gate) -> tuple[Point, Marks]:
        return points[gate.tail], gate.marks

    for gate in sorted(gates, key=turn):
        heads = gates[gate]
        start = points[gate.tail]
        half = gate_size(gate)[0] / 2
        band = sheet.band(gate, heads)
        if band is None:
            x, y = start
            side = sheet.side(gate, heads)
            taken = wide[gate.tail] / 2 + beside[gate.tail, side]
            distance = taken + GAP_POINTS + half
            x += side * distance
            beside[gate.tail, side] += GAP_POINTS + 2 * half
        else:
            y = _middle_of_band(rows, band)
            end = _mean(points[head] for head in heads)
            free = right_end[y] + GAP_POINTS + half
            x = max(_crossing(start, end, y), free)
            right_end[y] = x + half
        spots[gate] = x, y
    return spots


def _middle_of_band(rows: Rows, row: int) -> float:
    """The y half-way between a row and the one above."""
    above = row + 1
    half = rows.tall[above] / 2
    return (rows.top(row) + rows.y[above] - half) / 2


def _crossing(start: Point, end: Point, height: float) -> float:
    """The x at which the line from start to end is at that height.

    A level line counts as one that rises a row.
    """
    x0, y0 = start
    x1, y1 = end
    rise = y1 - y0 or ROW_POINTS
    return x0 + (height - y0) / rise * (x1 - x0)


def _mean(points: Iterable[Point]) -> Point:
    """The middle of these."""
    xs, ys = zip(*points, strict=True)
    return sum(xs) / len(xs), sum(ys) / len(ys)
