"""Where boxes and circles stand: a row per time step, a column per stage within the step."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import count
from typing import NamedTuple, TypeVar

from .variable_model import Item, Key, VariableGraph

# A box with more names stands a row lower, where it pushes nothing aside.
MAX_NAMES_ABOVE = 3

T = TypeVar("T")
Place = TypeVar("Place", bound=Hashable)


class Cell(NamedTuple):
    """Column from the left, row from the bottom; row 0 is below the first step."""

    column: int
    row: int


class Spot(NamedTuple):
    """Column of a step, and its lane: items at one stage stand above each other."""

    column: int
    lane: int


Cells = dict[Key, Cell]
Spots = dict[Key, Spot]


class Neighbours(NamedTuple):
    """What each item reads, and what reads it."""

    tails: dict[Key, list[Item]]
    heads: dict[Key, list[Item]]

    def of_heads(self, i: Item, values: Mapping[Key, T]) -> list[T]:
        """The values of what reads an item, where they are known."""
        return _known(self.heads[i.key], values)

    def of_tails(self, i: Item, values: Mapping[Key, T]) -> list[T]:
        """The values of what an item reads, where they are known."""
        return _known(self.tails[i.key], values)


def _known(items: list[Item], values: Mapping[Key, T]) -> list[T]:
    known = []
    for x in items:
        if x.key in values:
            known.append(values[x.key])
    return known


def place_in_cells(graph: VariableGraph) -> Cells:
    """A cell for each item, no two alike.

    Circles take odd columns and the boxes of a step even ones.
    """
    near = _neighbours(graph)
    spots = _spots(graph.items, near)
    stamped = {i.key: i.time for i in graph.items if i.time is not None}
    stamps = sorted(set(stamped.values()))
    top_lane = max((spots[key].lane for key in stamped), default=0)
    lanes = top_lane + 1
    first_row: dict[int, int] = {}
    for k, t in enumerate(stamps):
        first_row[t] = 1 + k * lanes
    cells: Cells = {}
    for key, t in stamped.items():
        column, lane = spots[key]
        cells[key] = Cell(column, first_row[t] + lane)
    taken = set(cells.values())
    _put_after(graph.items, near, cells, taken)
    _put_below(graph.items, near, cells, taken)
    return cells


def _neighbours(graph: VariableGraph) -> Neighbours:
    known = {i.key: i for i in graph.items}
    near = Neighbours({}, {})
    for key in known:
        near.tails[key] = []
        near.heads[key] = []
    for a in graph.arrows:
        near.tails[a.head].append(known[a.tail])
        near.heads[a.tail].append(known[a.head])
    return near


def _take(taken: set[Place], places: Iterable[Place]) -> Place:
    """The first free one of these places, free no longer."""
    place = next(p for p in places if p not in taken)
    taken.add(place)
    return place


def _next_column(i: Item, last: int) -> int:
    """The first column after ``last`` for a circle (odd) or a box (even)."""
    parity = 1 if i.is_circle else 0
    column = last + 1
    if column % 2 != parity:
        column += 1
    return column


def _spots(items: list[Item], near: Neighbours) -> Spots:
    """Column and lane of each operation.

    The column is the longest path to it, the lane that of its first input where that is free: a
    step has as many lanes as it has items at one stage. Recurrent arrows do not count; outside the
    steps all do. What has no input in its step stands just before the first circle that it feeds,
    or just after where that is taken.
    """
    spots: Spots = {}
    taken: set[tuple[int | None, Spot]] = set()
    without_inputs = []
    for i in items:
        inputs = _inputs_in_step(i, near, spots)
        if i.leaf or not (inputs or i.is_circle):
            without_inputs.append(i)
            continue
        last = max((spot.column for spot in inputs), default=-1)
        column = _next_column(i, last)
        if i.time is None:
            spots[i.key] = Spot(column, 0)
        else:
            first = inputs[0].lane if inputs else 0
            lanes = (first, *range(len(items)))
            wishes = ((i.time, Spot(column, lane)) for lane in lanes)
            spots[i.key] = _take(taken, wishes)[1]
    for i in without_inputs:
        if i.time is not None:
            wishes = ((i.time, spot) for spot in _wishes(i, near, spots))
            spots[i.key] = _take(taken, wishes)[1]
    return spots


def _inputs_in_step(i: Item, near: Neighbours, spots: Spots) -> list[Spot]:
    """Where the inputs of an item stand that are of its step; outside the steps, all of them."""
    if i.time is None:
        return near.of_tails(i, spots)
    in_step = [x for x in near.tails[i.key] if x.time == i.time]
    return _known(in_step, spots)


def _wishes(i: Item, near: Neighbours, spots: Spots) -> Iterator[Spot]:
    """Where an item without inputs would stand, best first.

    That is in place of a later state, or beside what it feeds.
    """
    if i.stands_for in spots:
        columns = [spots[i.stands_for].column]
    else:
        fed = near.of_heads(i, spots)
        first = min((spot.column for spot in fed), default=1)
        columns = [max(first - 1, 0), first + 1]
    for lane in count():
        for column in columns:
            yield Spot(column, lane)


def _put_after(items: list[Item], near: Neighbours, cells: Cells, taken: set[Cell]) -> None:
    """Place what is computed from the steps outside them.

    It stands after its inputs, half-way up; a result above its circle.
    """
    for i in items:
        inputs = [x for x in near.tails[i.key] if x.key in cells]
        if not inputs or i.leaf or i.key in cells:
            continue
        last = _last_column(inputs, cells)
        if inputs[0].is_circle and not i.is_circle:
            first = cells[inputs[0].key]
            wishes = _upwards(Cell(last, first.row + 1))
        else:
            column = _next_column(i, last)
            row = _middle_row(inputs, cells)
            wishes = _to_the_right(Cell(column, row), by=2)
        cells[i.key] = _take(taken, wishes)


def _last_column(inputs: list[Item], cells: Cells) -> int:
    """The last column of the inputs; leaves count only where there is nothing else."""
    computed = [x for x in inputs if not x.leaf]
    return max(cells[x.key].column for x in computed or inputs)


def _middle_row(inputs: list[Item], cells: Cells) -> int:
    total = sum(cells[x.key].row for x in inputs)
    return int(total / len(inputs) + 0.5)


def _upwards(start: Cell) -> Iterator[Cell]:
    """The cells from this one up."""
    for row in count(start.row):
        yield Cell(start.column, row)


def _to_the_right(start: Cell, by: int) -> Iterator[Cell]:
    """The cells from this one to the right, so many columns apart."""
    for column in count(start.column, by):
        yield Cell(column, start.row)


def _put_below(items: list[Item], near: Neighbours, cells: Cells, taken: set[Cell]) -> None:
    """Place what enters the steps from outside: below them, under what it feeds.

    An initial state comes first, under the later states.
    """
    below = [i for i in items if i.key not in cells]
    depth = _depths(below, near)

    def turn(i: Item) -> tuple[int, bool]:
        return depth[i.key], i.stands_for is None

    for i in sorted(below, key=turn):
        if i.stands_for in cells:
            first = cells[i.stands_for].column
        else:
            fed = near.of_heads(i, cells)
            first = min((cell.column for cell in fed), default=0)
        start = Cell(first, -depth[i.key])
        cells[i.key] = _take(taken, _to_the_right(start, by=1))


def _depths(below: list[Item], near: Neighbours) -> dict[Key, int]:
    """How many rows below row 0 each of these stands."""
    depth: dict[Key, int] = {}
    for i in reversed(below):
        fed = near.of_heads(i, depth)
        depth[i.key] = max(fed, default=-1) + 1
    for i in below:
        if len(i.names) > MAX_NAMES_ABOVE:
            depth[i.key] += 1
    return depth
