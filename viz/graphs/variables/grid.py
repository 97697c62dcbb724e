"""Where the boxes and circles of the unrolled graph stand: a row per time step, a column per stage within the step."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import count
from typing import TypeVar

from .variable_model import Arrow, Item, Key

Cell = tuple[int, int]  # column from the left, row from the bottom; row 0 is below the first step
Links = dict[Key, list[Item]]
_WIDE = 3  # a box with more names stands a row lower, where it pushes nothing aside
Place = TypeVar("Place", bound=Hashable)


def cells(items: list[Item], arrows: list[Arrow]) -> dict[Key, Cell]:
    """A cell for each item, no two alike. Circles take odd columns and the boxes of a step even ones."""
    known = {i.key: i for i in items}
    tails: Links = {i.key: [] for i in items}
    heads: Links = {i.key: [] for i in items}
    for a in arrows:
        tails[a.head].append(known[a.tail])
        heads[a.tail].append(known[a.head])

    spots = _spots(items, tails, heads)
    steps = {t: i for i, t in enumerate(sorted({i.time for i in items if i.time is not None}))}
    lanes = 1 + max((spots[i.key][1] for i in items if i.time is not None), default=0)
    cell: dict[Key, Cell] = {}
    for i in items:
        if i.time is not None:
            column, lane = spots[i.key]
            cell[i.key] = column, 1 + steps[i.time] * lanes + lane
    taken = set(cell.values())
    _put_after(items, tails, cell, taken)
    _put_below(items, heads, cell, taken)
    return cell


def _take(taken: set[Place], places: Iterable[Place]) -> Place:
    """The first free one of these places, free no longer."""
    place = next(p for p in places if p not in taken)
    taken.add(place)
    return place


def _is_circle(i: Item) -> bool:
    return i.key[0] == "circle"  # dots in place of a circle, too


def _next_column(i: Item, last: int) -> int:
    """The first column after ``last`` for a circle (odd) or a box (even)."""
    return last + 1 + (last % 2 == 1 if _is_circle(i) else last % 2 == 0)


def _spots(items: list[Item], tails: Links, heads: Links) -> dict[Key, Cell]:
    """Column and lane of each operation: the longest path to it, and the lane of its first input where that is free.

    A step has as many lanes as it has items at one stage. Recurrent arrows do not count; outside the steps all do.
    What has no input in its step stands just before the first circle that it feeds, or just after where that is taken.
    """
    spot: dict[Key, Cell] = {}
    taken: set[tuple[int | None, int, int]] = set()
    late = []
    for i in items:
        before = [spot[x.key] for x in tails[i.key] if x.key in spot and i.time in (None, x.time)]
        column = _next_column(i, max((c for c, _ in before), default=-1))
        if i.leaf or (not _is_circle(i) and not before):
            late.append(i)
        elif i.time is None:
            spot[i.key] = column, 0
        else:
            lanes = (before[0][1] if before else 0, *range(len(items)))
            spot[i.key] = _take(taken, ((i.time, column, lane) for lane in lanes))[1:]
    for i in late:
        if i.time is not None:
            first = min((spot[x.key][0] for x in heads[i.key] if x.key in spot), default=1)
            columns = (
                [spot[i.stands_for][0]] if i.stands_for in spot else [max(first - 1, 0), first + 1]
            )
            spot[i.key] = _take(taken, ((i.time, c, lane) for lane in count() for c in columns))[1:]
    return spot


def _put_after(items: list[Item], tails: Links, cell: dict[Key, Cell], taken: set[Cell]) -> None:
    """What is computed from the steps outside them: after its inputs, half-way up, the result above its circle."""
    for i in items:
        inputs = [x for x in tails[i.key] if x.key in cell]
        if i.key in cell or i.leaf or not inputs:
            continue
        column = max(cell[x.key][0] for x in inputs if not x.leaf or all(x.leaf for x in inputs))
        rows = [cell[x.key][1] for x in inputs]
        if not _is_circle(i) and _is_circle(inputs[0]):
            cell[i.key] = _take(taken, ((column, row) for row in count(rows[0] + 1)))
        else:
            row = int(sum(rows) / len(rows) + 0.5)
            cell[i.key] = _take(taken, ((c, row) for c in count(_next_column(i, column), 2)))


def _put_below(items: list[Item], heads: Links, cell: dict[Key, Cell], taken: set[Cell]) -> None:
    """What enters the steps from outside: below them, under what it feeds; an initial state under the later states."""
    below = [i for i in items if i.key not in cell]
    depth: dict[Key, int] = {}
    for i in reversed(below):
        depth[i.key] = max((depth[x.key] + 1 for x in heads[i.key] if x.key in depth), default=0)
    for i in below:
        depth[i.key] += len(i.names) > _WIDE
    for i in sorted(below, key=lambda i: (depth[i.key], i.stands_for is None)):
        column = min((cell[x.key][0] for x in heads[i.key] if x.key in cell), default=0)
        if i.stands_for in cell:
            column = cell[i.stands_for][0]
        cell[i.key] = _take(taken, ((c, -depth[i.key]) for c in count(column)))
