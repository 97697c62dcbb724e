"""The score in points: how wide its columns are, how high its rows, and where its rails run."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from minigrad.viz.graphs.canvas import Point

from .grid import Cells
from .rails import Bundle, Joint, Rail, bundles
from .score import COLUMNS_PER_STEP, OUTSIDE_COLUMN, place_in_score
from .variable_model import Arrow, Key, VariableGraph
from .variable_places import Places, Points
from .variable_sizes import (
    GAP_POINTS,
    SIDE_POINTS,
    Gate,
    GateHeads,
    gate_size,
    gates_with_heads,
    item_size,
)

# Between the two columns of a step, and between others.
IN_STEP_POINTS = 14.0
BETWEEN_POINTS = 18.0
DOTS_POINTS = 14.0
# Between two rows, where no rail runs; from a row to a rail, and from rail to rail.
ROW_GAP_POINTS = 14.0
BESIDE_ROW_POINTS = 6.0
RAIL_POINTS = 6.0
# Between gates and the next column: arrows go round both.
PASSAGE_POINTS = 9.0
# From the edge of a head back to where its arrow leaves the rail.
LEAVE_POINTS = 6.0

LEFT = -1
RIGHT = 1


def score_places(graph: VariableGraph, shown: list[Arrow] | None = None) -> Places:
    """The places of the score, with room for all arrows, and the rails of those shown."""
    sheet = _Sheet(graph, place_in_score(graph))
    arrows = graph.arrows if shown is None else shown
    gates = gates_with_heads(graph, arrows)
    rails = [
        sheet.rail(bundle) for bundle in bundles(VariableGraph(graph.items, arrows), sheet.cells)
    ]
    return Places(sheet.points, sheet.gate_points(gates), rails, floor=sheet.floor)


@dataclass(frozen=True)
class _Sheet:
    """Items in their cells, and what follows from these."""

    graph: VariableGraph
    cells: Cells

    @cached_property
    def size(self) -> dict[Key, Point]:
        """Width and height of each item; dots are narrow."""
        size: dict[Key, Point] = {}
        for i in self.graph.items:
            wide, tall = item_size(i)
            size[i.key] = DOTS_POINTS if i.dots else wide, tall
        return size

    @cached_property
    def points(self) -> Points:
        """The centre of each item; what enters a row from outside stands next to what is there."""
        points: Points = {}
        edge: defaultdict[int, float] = defaultdict(lambda: math.inf)
        # From the right: the outside comes last.
        for key, (column, row) in sorted(self.cells.items(), key=lambda pair: -pair[1].column):
            half = self.size[key][0] / 2
            x = self.x[column]
            if column <= OUTSIDE_COLUMN and edge[row] < math.inf:
                gates = self.beside[column, RIGHT]
                x = edge[row] - max(BETWEEN_POINTS, gates + PASSAGE_POINTS) - half
            points[key] = x, self.y[row]
            edge[row] = min(edge[row], x - half)
        return points

    # --- columns ----------------------------------------------------------------------------------
    @cached_property
    def wide(self) -> dict[int, float]:
        """The width of each column that is used."""
        wide: defaultdict[int, float] = defaultdict(float)
        for key, cell in self.cells.items():
            wide[cell.column] = max(wide[cell.column], self.size[key][0])
        return wide

    @cached_property
    def x(self) -> dict[int, float]:
        """The middle of each column."""
        columns = sorted(self.wide)
        x = {columns[0]: SIDE_POINTS / 2}
        for left, right in pairwise(columns):
            halves = (self.wide[left] + self.wide[right]) / 2
            x[right] = x[left] + halves + self._gap(left, right)
        return x

    def _gap(self, left: int, right: int) -> float:
        """The room between two columns: for arrows and gates."""
        is_in_step = left // COLUMNS_PER_STEP == right // COLUMNS_PER_STEP
        gap = IN_STEP_POINTS if is_in_step else BETWEEN_POINTS
        gates = self.beside[left, RIGHT] + self.beside[right, LEFT]
        return max(gap, gates + PASSAGE_POINTS if gates else 0.0)

    @cached_property
    def gates(self) -> GateHeads:
        """All gates, also those that are not shown."""
        return gates_with_heads(self.graph, self.graph.arrows)

    @cached_property
    def beside(self) -> defaultdict[tuple[int, int], float]:
        """What gates take on each side of a column."""
        beside: defaultdict[tuple[int, int], float] = defaultdict(float)
        for gate, heads in self.gates.items():
            side = self.cells[gate.tail].column, self.side(gate, heads)
            beside[side] = max(beside[side], GAP_POINTS + gate_size(gate)[0])
        return beside

    def side(self, gate: Gate, heads: list[Key]) -> int:
        """Whether a gate stands on the RIGHT of its tail or on the LEFT."""
        columns = [self.cells[head].column for head in heads]
        return LEFT if max(columns) < self.cells[gate.tail].column else RIGHT

    def gate_points(self, gates: GateHeads) -> dict[Gate, Point]:
        """The centre of each gate: beside its tail, several above each other."""
        stacks: defaultdict[tuple[Key, int], list[Gate]] = defaultdict(list)
        for gate, heads in gates.items():
            stacks[gate.tail, self.side(gate, heads)].append(gate)
        points: dict[Gate, Point] = {}
        for (tail, side), stack in stacks.items():
            x, y = self.points[tail]
            edge = self.size[tail][0] / 2 + GAP_POINTS
            top = y + sum(gate_size(gate)[1] for gate in stack) / 2
            for gate in stack:
                wide, tall = gate_size(gate)
                points[gate] = x + side * (edge + wide / 2), top - tall / 2
                top -= tall
        return points

    # --- rows -------------------------------------------------------------------------------------
    @cached_property
    def tall(self) -> defaultdict[int, float]:
        """The height of each row."""
        tall: defaultdict[int, float] = defaultdict(lambda: SIDE_POINTS)
        for key, cell in self.cells.items():
            tall[cell.row] = max(tall[cell.row], self.size[key][1])
        stacks: defaultdict[tuple[Key, int], float] = defaultdict(float)
        for gate, heads in self.gates.items():
            stacks[gate.tail, self.side(gate, heads)] += gate_size(gate)[1]
        for (tail, _), height in stacks.items():
            row = self.cells[tail].row
            tall[row] = max(tall[row], height)
        return tall

    @cached_property
    def y(self) -> dict[int, float]:
        """The middle of each row, that of the lowest at 0."""
        rows = sorted({cell.row for cell in self.cells.values()})
        y = {rows[0]: 0.0}
        for low, high in pairwise(rows):
            rails = self.lanes_above[low] + self.lanes_below[high]
            gap = max(ROW_GAP_POINTS, 2 * BESIDE_ROW_POINTS + RAIL_POINTS * (rails - 1))
            y[high] = y[low] + (self.tall[low] + self.tall[high]) / 2 + gap
        return y

    # --- rails ------------------------------------------------------------------------------------
    @cached_property
    def lanes(self) -> dict[Bundle, int]:
        """How far out each bundle runs beside its row, counted from 0."""
        lanes: dict[Bundle, int] = {}
        ends: defaultdict[tuple[int, bool, int], float] = defaultdict(lambda: float("-inf"))
        order = sorted(bundles(self.graph, self.cells), key=self._columns)
        for bundle in order:
            first, last = self._columns(bundle)
            lane = 0
            while ends[bundle.row, bundle.is_above, lane] >= first:
                lane += 1
            ends[bundle.row, bundle.is_above, lane] = last
            lanes[bundle] = lane
        return lanes

    def _columns(self, bundle: Bundle) -> tuple[int, int]:
        """The first and the last column of a bundle."""
        columns = [self.cells[key].column for key in (*bundle.tails, *bundle.heads)]
        return min(columns), max(columns)

    @cached_property
    def lanes_above(self) -> defaultdict[int, int]:
        """How many rails run beside each row on its upper side."""
        return self._count_lanes(is_above=True)

    @cached_property
    def lanes_below(self) -> defaultdict[int, int]:
        """How many rails run beside each row on its lower side."""
        return self._count_lanes(is_above=False)

    def _count_lanes(self, is_above: bool) -> defaultdict[int, int]:
        count: defaultdict[int, int] = defaultdict(int)
        for bundle, lane in self.lanes.items():
            if bundle.is_above == is_above:
                count[bundle.row] = max(count[bundle.row], lane + 1)
        return count

    @property
    def floor(self) -> float:
        """The lower edge of the lowest row and its rails."""
        row = min(self.y)
        rails = BESIDE_ROW_POINTS + RAIL_POINTS * (self.lanes_below[row] - 1)
        return self.y[row] - self.tall[row] / 2 - max(rails, 0.0)

    def rail(self, bundle: Bundle) -> Rail:
        """Its joints: below or above what joins it, and a little before what leaves it."""
        lane = self.lanes.get(bundle, 0)
        out = self.tall[bundle.row] / 2 + BESIDE_ROW_POINTS + RAIL_POINTS * lane
        y = self.y[bundle.row] + (out if bundle.is_above else -out)
        sign = RIGHT if bundle.goes_right else LEFT
        leaves = {}
        for key in bundle.heads:
            half = self.size[key][0] / 2
            leaves[key] = self.points[key][0] - sign * (half + LEAVE_POINTS)
        joints: defaultdict[float, tuple[list[Key], list[Key]]] = defaultdict(lambda: ([], []))
        for key, x in leaves.items():
            joints[x][1].append(key)
        for key in bundle.tails:
            joints[self.points[key][0]][0].append(key)
        order = sorted(joints, key=lambda x: sign * x)
        return Rail(
            bundle.arrows,
            tuple(Joint((x, y), tuple(joints[x][0]), tuple(joints[x][1])) for x in order),
        )
