"""Where the boxes and circles of the unrolled graph stand: a row per time step, a column per stage within the step."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import count
from typing import NamedTuple, TypeVar

from .variable_model import Arrow, Item, Key

# A box with more names stands a row lower, where it pushes nothing aside.
MAX_NAMES_ABOVE = 3

Place = TypeVar("Place", bound=Hashable)


class Cell(NamedTuple):
    """Column from the left, row from the bottom; row 0 is below the first step."""

    column: int
    row: int


class Spot(NamedTuple):
    """Column of a step, and its lane: items at one stage stand above each other."""

    column: int
    lane: int


class Neighbours(NamedTuple):
    """What each item reads, and what reads it."""

    tails: dict[Key, list[Item]]
    heads: dict[Key, list[Item]]


def place_in_cells(items: list[Item], arrows: list[Arrow]) -> dict[Key, Cell]:
    """A cell for each item, no two alike. Circles take odd columns and the boxes of a step even ones."""
    near = _neighbours(items, arrows)
    spots = _spots(items, near)
    stamps = sorted({i.time for i in items if i.time is not None})
    number = {t: k for k, t in enumerate(stamps)}
    lanes = 1 + max((spots[i.key].lane for i in items if i.time is not None), default=0)
    cells: dict[Key, Cell] = {}
    for i in items:
        if i.time is not None:
            column, lane = spots[i.key]
            row = 1 + number[i.time] * lanes + lane
            cells[i.key] = Cell(column, row)
    taken = set(cells.values())
    _put_after(items, near, cells, taken)
    _put_below(items, near, cells, taken)
    return cells


def _neighbours(items: list[Item], arrows: list[Arrow]) -> Neighbours:
    known = {i.key: i for i in items}
    near = Neighbours({key: [] for key in known}, {})
    near.heads.update({key: [] for key in known})
    for a in arrows:
        near.tails[a.head].append(known[a.tail])
        near.heads[a.tail].append(known[a.head])
    return near


def _take(taken: set[Place], places: Iterable[Place]) -> Place:
    """The first free one of these places, free no longer."""
    place = next(p for p in places if p not in taken)
    taken.add(place)
    return place


def _is_circle(i: Item) -> bool:
    """Whether it stands where circles do: dots in place of a circle, too."""
    return i.key[0] == "circle"


def _next_column(i: Item, last: int) -> int:
    """The first column after ``last`` for a circle (odd) or a box (even)."""
    parity = 1 if _is_circle(i) else 0
    column = last + 1
    if column % 2 != parity:
        column += 1
    return column


def _spots(items: list[Item], near: Neighbours) -> dict[Key, Spot]:
    """Column and lane of each operation: the longest path to it, and the lane of its first input where that is free.

    A step has as many lanes as it has items at one stage. Recurrent arrows do not count; outside the
    steps all do. What has no input in its step stands just before the first circle that it feeds, or
    just after where that is taken.
    """
    spots: dict[Key, Spot] = {}
    taken: set[tuple[int | None, Spot]] = set()
    without_inputs = []
    for i in items:
        inputs = _inputs_in_step(i, near, spots)
        if i.leaf or (not inputs and not _is_circle(i)):
            without_inputs.append(i)
            continue
        column = _next_column(i, max((spot.column for spot in inputs), default=-1))
        if i.time is None:
            spots[i.key] = Spot(column, 0)
        else:
            first = inputs[0].lane if inputs else 0
            lanes = (first, *range(len(items)))
            free = ((i.time, Spot(column, lane)) for lane in lanes)
            spots[i.key] = _take(taken, free)[1]
    for i in without_inputs:
        if i.time is not None:
            free = ((i.time, spot) for spot in _wishes(i, near, spots))
            spots[i.key] = _take(taken, free)[1]
    return spots


def _inputs_in_step(i: Item, near: Neighbours, spots: dict[Key, Spot]) -> list[Spot]:
    """Where the inputs of an item stand that are of its step; outside the steps, all of them."""
    inputs = []
    for x in near.tails[i.key]:
        if x.key in spots and i.time in (None, x.time):
            inputs.append(spots[x.key])
    return inputs


def _wishes(i: Item, near: Neighbours, spots: dict[Key, Spot]) -> Iterator[Spot]:
    """Where an item without inputs would stand, best first: in place of a state, or beside what it feeds."""
    if i.stands_for in spots:
        columns = [spots[i.stands_for].column]
    else:
        fed = [spots[x.key].column for x in near.heads[i.key] if x.key in spots]
        first = min(fed, default=1)
        columns = [max(first - 1, 0), first + 1]
    for lane in count():
        for column in columns:
            yield Spot(column, lane)


def _put_after(
    items: list[Item], near: Neighbours, cells: dict[Key, Cell], taken: set[Cell]
) -> None:
    """What is computed from the steps outside them: after its inputs, half-way up, the result above its circle."""
    for i in items:
        inputs = [x for x in near.tails[i.key] if x.key in cells]
        if i.key in cells or i.leaf or not inputs:
            continue
        # Leaves count only where there is nothing else.
        computed = [x for x in inputs if not x.leaf] or inputs
        column = max(cells[x.key].column for x in computed)
        rows = [cells[x.key].row for x in inputs]
        if not _is_circle(i) and _is_circle(inputs[0]):
            above = (Cell(column, row) for row in count(rows[0] + 1))
            cells[i.key] = _take(taken, above)
        else:
            row = int(sum(rows) / len(rows) + 0.5)
            beside = (Cell(c, row) for c in count(_next_column(i, column), 2))
            cells[i.key] = _take(taken, beside)


def _put_below(
    items: list[Item], near: Neighbours, cells: dict[Key, Cell], taken: set[Cell]
) -> None:
    """What enters the steps from outside: below them, under what it feeds; an initial state under the later states."""
    below = [i for i in items if i.key not in cells]
    depth = _depths(below, near)
    for i in sorted(below, key=lambda i: (depth[i.key], i.stands_for is None)):
        if i.stands_for in cells:
            column = cells[i.stands_for].column
        else:
            fed = [cells[x.key].column for x in near.heads[i.key] if x.key in cells]
            column = min(fed, default=0)
        row = -depth[i.key]
        cells[i.key] = _take(taken, (Cell(c, row) for c in count(column)))


def _depths(below: list[Item], near: Neighbours) -> dict[Key, int]:
    """How many rows below row 0 each of these stands."""
    depth: dict[Key, int] = {}
    for i in reversed(below):
        fed = [depth[x.key] + 1 for x in near.heads[i.key] if x.key in depth]
        depth[i.key] = max(fed, default=0)
    for i in below:
        if len(i.names) > MAX_NAMES_ABOVE:
            depth[i.key] += 1
    return depth
