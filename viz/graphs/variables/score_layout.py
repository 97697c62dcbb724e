"""The score in points: how wide its columns are, how high its rows, and where its rails run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
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
    LEFT,
    RIGHT,
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


def score_places(graph: VariableGraph, shown: list[Arrow]) -> Places:
    """The places of the score, with room for all arrows, and the rails of those shown."""
    sheet = _Sheet(graph, place_in_score(graph))
    gates = gates_with_heads(graph, shown)
    shown_graph = VariableGraph(graph.items, shown)
    rails = [sheet.rail(bundle) for bundle in bundles(shown_graph, sheet.cells)]
    return Places(sheet.points, sheet.gate_points(gates), rails, floor=sheet.floor)


_Beside = tuple[int, bool]
"""A row, and whether above it or below."""


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
        # What stands leftmost in each row, so far.
        leftmost: dict[int, Key] = {}
        # From the right: the outside comes last.
        for key in sorted(self.cells, key=self.column, reverse=True):
            column, row = self.cells[key]
            half = self.half(key)
            x = self.x[column]
            if column <= OUTSIDE_COLUMN and row in leftmost:
                near = leftmost[row]
                edge = points[near][0] - self.half(near)
                gates = self.beside[column, RIGHT] + self.beside[self.column(near), LEFT]
                gap = max(BETWEEN_POINTS, gates + PASSAGE_POINTS)
                x = edge - gap - half
            points[key] = x, self.y[row]
            leftmost[row] = key
        return points

    def column(self, key: Key) -> int:
        """The column of an item."""
        return self.cells[key].column

    def half(self, key: Key) -> float:
        """Half the width of an item."""
        wide, _ = self.size[key]
        return wide / 2

    # --- columns ----------------------------------------------------------------------------------
    @cached_property
    def wide(self) -> dict[int, float]:
        """The width of each column that is used."""
        wide: defaultdict[int, float] = defaultdict(float)
        for key, (column, _) in self.cells.items():
            width, _ = self.size[key]
            wide[column] = max(wide[column], width)
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
        if not gates:
            return gap
        return max(gap, gates + PASSAGE_POINTS)

    @cached_property
    def gates(self) -> GateHeads:
        """All gates, also those that are not shown."""
        return gates_with_heads(self.graph, self.graph.arrows)

    @cached_property
    def beside(self) -> defaultdict[tuple[int, int], float]:
        """What gates take on each side of a column."""
        beside: defaultdict[tuple[int, int], float] = defaultdict(float)
        for (tail, side), stack in self._stacks(self.gates).items():
            widths = [gate_size(gate)[0] for gate in stack]
            place = self.column(tail), side
            beside[place] = max(beside[place], GAP_POINTS + max(widths))
        return beside

    def side(self, gate: Gate, heads: list[Key]) -> int:
        """Whether a gate stands on the RIGHT of its tail or on the LEFT."""
        last = max(map(self.column, heads))
        return LEFT if last < self.column(gate.tail) else RIGHT

    def _stacks(self, gates: GateHeads) -> Mapping[tuple[Key, int], list[Gate]]:
        """The gates that stand above each other, on one side of an item."""
        stacks: defaultdict[tuple[Key, int], list[Gate]] = defaultdict(list)
        for gate, heads in gates.items():
            side = self.side(gate, heads)
            stacks[gate.tail, side].append(gate)
        return stacks

    def gate_points(self, gates: GateHeads) -> dict[Gate, Point]:
        """The centre of each gate: beside its tail, several above each other."""
        points: dict[Gate, Point] = {}
        for (tail, side), stack in self._stacks(gates).items():
            x, y = self.points[tail]
            edge = self.half(tail) + GAP_POINTS
            top = y + _height(stack) / 2
            for gate in stack:
                wide, tall = gate_size(gate)
                across = edge + wide / 2
                points[gate] = x + side * across, top - tall / 2
                top -= tall
        return points

    # --- rows -------------------------------------------------------------------------------------
    @cached_property
    def tall(self) -> defaultdict[int, float]:
        """The height of each row."""
        tall: defaultdict[int, float] = defaultdict(lambda: SIDE_POINTS)
        for key, (_, row) in self.cells.items():
            _, height = self.size[key]
            tall[row] = max(tall[row], height)
        for (tail, _), stack in self._stacks(self.gates).items():
            row = self.cells[tail].row
            tall[row] = max(tall[row], _height(stack))
        return tall

    @cached_property
    def y(self) -> dict[int, float]:
        """The middle of each row, that of the lowest at 0."""
        rows = sorted({cell.row for cell in self.cells.values()})
        y = {rows[0]: 0.0}
        for low, high in pairwise(rows):
            rails = self.lane_count[low, True] + self.lane_count[high, False]
            room = 2 * BESIDE_ROW_POINTS + RAIL_POINTS * (rails - 1)
            gap = max(ROW_GAP_POINTS, room)
            halves = (self.tall[low] + self.tall[high]) / 2
            y[high] = y[low] + halves + gap
        return y

    # --- rails ------------------------------------------------------------------------------------
    @cached_property
    def lanes(self) -> dict[Bundle, int]:
        """How far out each bundle runs beside its row, counted from 0."""
        lanes: dict[Bundle, int] = {}
        # Where each lane beside a row ends.
        ends: defaultdict[_Beside, list[int]] = defaultdict(list)
        order = sorted(bundles(self.graph, self.cells), key=self._columns)
        for bundle in order:
            first, last = self._columns(bundle)
            taken = ends[bundle.row, bundle.is_above]
            free = [lane for lane, end in enumerate(taken) if end < first]
            lane = free[0] if free else len(taken)
            taken[lane : lane + 1] = [last]
            lanes[bundle] = lane
        return lanes

    def _columns(self, bundle: Bundle) -> tuple[int, int]:
        """The first and the last column of a bundle."""
        ends = (*bundle.tails, *bundle.heads)
        columns = [self.column(key) for key in ends]
        return min(columns), max(columns)

    @cached_property
    def lane_count(self) -> defaultdict[_Beside, int]:
        """How many rails run beside each row, above it and below it."""
        count: defaultdict[_Beside, int] = defaultdict(int)
        for bundle, lane in self.lanes.items():
            side = bundle.row, bundle.is_above
            count[side] = max(count[side], lane + 1)
        return count

    @property
    def floor(self) -> float:
        """The lower edge of the lowest row and its rails."""
        row = min(self.y)
        rails = BESIDE_ROW_POINTS + RAIL_POINTS * (self.lane_count[row, False] - 1)
        return self.y[row] - self.tall[row] / 2 - max(rails, 0.0)

    def rail(self, bundle: Bundle) -> Rail:
        """Its joints: below or above what joins it, and a little before what leaves it."""
        lane = self.lanes.get(bundle, 0)
        out = self.tall[bundle.row] / 2 + BESIDE_ROW_POINTS + RAIL_POINTS * lane
        y = self.y[bundle.row] + (out if bundle.is_above else -out)
        tails: defaultdict[float, list[Key]] = defaultdict(list)
        for key in bundle.tails:
            x, _ = self.points[key]
            tails[x].append(key)
        sign = RIGHT if bundle.goes_right else LEFT
        heads: defaultdict[float, list[Key]] = defaultdict(list)
        for key in bundle.heads:
            x, _ = self.points[key]
            before = self.half(key) + LEAVE_POINTS
            heads[x - sign * before].append(key)
        order = sorted({*tails, *heads}, reverse=not bundle.goes_right)
        joints = [Joint((x, y), tuple(tails[x]), tuple(heads[x])) for x in order]
        return Rail(bundle.arrows, tuple(joints))


def _height(stack: list[Gate]) -> float:
    """Of gates above each other."""
    return sum(gate_size(gate)[1] for gate in stack)
