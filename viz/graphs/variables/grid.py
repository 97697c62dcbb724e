"""Where boxes and circles stand: a row per time step, a column per stage within the step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from .stages import Neighbours, Spots, find_spots, known, neighbours, next_column, take
from .variable_model import Item, Key, VariableGraph

# A box with more names stands a row lower, where it pushes nothing aside.
MAX_NAMES_ABOVE = 3


class Cell(NamedTuple):
    """Column from the left, row from the bottom; row 0 is below the first step."""

    column: int
    row: int


Cells = dict[Key, Cell]


@dataclass(frozen=True)
class _Grid:
    """The cells of the items that have one already."""

    near: Neighbours
    cells: Cells
    taken: set[Cell]

    def placed_inputs(self, i: Item) -> list[Item]:
        """What an item reads and has a cell."""
        tails = self.near.tails[i.key]
        return [x for x in tails if x.key in self.cells]

    def put(self, i: Item, wishes: Iterator[Cell]) -> None:
        """Put an item into the first free one of these cells."""
        self.cells[i.key] = take(self.taken, wishes)


def place_in_cells(graph: VariableGraph) -> Cells:
    """A cell for each item, no two alike.

    Circles take odd columns and the boxes of a step even ones.
    """
    near = neighbours(graph)
    spots = find_spots(graph.items, near)
    cells = _cells_in_steps(graph, spots)
    grid = _Grid(near, cells, taken=set(cells.values()))
    _put_after(graph.items, grid)
    _put_below(graph.items, grid)
    return grid.cells


def _cells_in_steps(graph: VariableGraph, spots: Spots) -> Cells:
    """The cells of what stands in a step: each has as many rows as the fullest has lanes."""
    in_steps = [i for i in graph.items if i.time is not None]
    lanes = [spots[i.key].lane for i in in_steps]
    rows_per_step = 1 + max(lanes, default=0)
    first_row: dict[int | None, int] = {}
    for k, t in enumerate(graph.stamps):
        first_row[t] = 1 + k * rows_per_step
    cells: Cells = {}
    for i in in_steps:
        column, lane = spots[i.key]
        row = first_row[i.time] + lane
        cells[i.key] = Cell(column, row)
    return cells


def _put_after(items: list[Item], grid: _Grid) -> None:
    """Place what is computed from the steps outside them.

    It stands after its inputs, half-way up; a result above its circle.
    """
    for i in items:
        if i.leaf or i.key in grid.cells:
            continue
        inputs = grid.placed_inputs(i)
        if not inputs:
            continue
        last = _last_column(inputs, grid.cells)
        first = inputs[0]
        if first.is_circle and not i.is_circle:
            row = grid.cells[first.key].row
            grid.put(i, upwards(last, row + 1))
        else:
            column = next_column(i, last)
            row = _middle_row(inputs, grid.cells)
            grid.put(i, along(row, column, by=2))


def _last_column(inputs: list[Item], cells: Cells) -> int:
    """The last column of the inputs; leaves count only where there is nothing else."""
    computed = [x for x in inputs if not x.leaf]
    counting = known(computed or inputs, cells)
    return max(cell.column for cell in counting)


def _middle_row(inputs: list[Item], cells: Cells) -> int:
    """The row half-way between those of the inputs."""
    rows = [cell.row for cell in known(inputs, cells)]
    mean = sum(rows) / len(rows)
    return int(mean + 0.5)


def upwards(column: int, first: int) -> Iterator[Cell]:
    """The cells of a column, from a row up."""
    for row in count(first):
        yield Cell(column, row)


def along(row: int, first: int, by: int) -> Iterator[Cell]:
    """The cells of a row, from a column on, so many columns apart."""
    for column in count(first, by):
        yield Cell(column, row)


def _put_below(items: list[Item], grid: _Grid) -> None:
    """Place what enters the steps from outside: below them, under what it feeds.

    An initial state comes first, under the later states.
    """
    below = [i for i in items if i.key not in grid.cells]
    depth = _depths(below, grid.near)

    def turn(i: Item) -> tuple[int, bool]:
        is_state = i.stands_for is not None
        return depth[i.key], not is_state

    for i in sorted(below, key=turn):
        if i.stands_for in grid.cells:
            first = grid.cells[i.stands_for].column
        else:
            heads = grid.near.heads[i.key]
            fed = known(heads, grid.cells)
            first = min((cell.column for cell in fed), default=0)
        row = -depth[i.key]
        grid.put(i, along(row, first, by=1))


def _depths(below: list[Item], near: Neighbours) -> dict[Key, int]:
    """How many rows below row 0 each of these stands."""
    depth: dict[Key, int] = {}
    for i in reversed(below):
        heads = near.heads[i.key]
        deepest = max(known(heads, depth), default=-1)
        depth[i.key] = deepest + 1
    for i in below:
        if len(i.names) > MAX_NAMES_ABOVE:
            depth[i.key] += 1
    return depth
