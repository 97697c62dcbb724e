"""Numbers that grow evenly from step to step and from lane to lane, also inside keywords."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .rolled_program import Index

Grid = list[list[Any]]
"""Something for every step, and in it for every lane."""


class UnevenError(Exception):
    """What is looked at differs from step to step in no even way."""


def even(grid: Grid) -> Any:
    """The one thing that is everywhere in the grid, with an ``Index`` for ints that grow evenly.

    Looks into tuples, lists, slices and dictionaries. Raises UnevenError.
    """
    first = grid[0][0]
    if all(same(x, first) for x in entries_of(grid)):
        return first
    refuse_unlike(type(x) for x in entries_of(grid))
    if type(first) is int:
        return _even_numbers(grid)
    if isinstance(first, slice):
        return slice(*even(mapped(grid, lambda x: (x.start, x.stop, x.step))))
    if isinstance(first, dict):
        refuse_unlike(tuple(x) for x in entries_of(grid))
        return {key: even(at(grid, key)) for key in first}
    if isinstance(first, (tuple, list)):
        refuse_unlike(len(x) for x in entries_of(grid))
        return type(first)([even(at(grid, i)) for i in range(len(first))])
    raise UnevenError


def entries_of(grid: Grid) -> Iterator[Any]:
    """What stands in the grid, step by step."""
    for row in grid:
        yield from row


def mapped(grid: Grid, fn: Callable[[Any], Any]) -> Grid:
    """The grid of what fn makes of every entry."""
    return [list(map(fn, row)) for row in grid]


def at(grid: Grid, key: Any) -> Grid:
    """What every entry has at a key or place."""
    return mapped(grid, lambda x: x[key])


def refuse_unlike(kinds: Iterator[Any]) -> None:
    """Raise UnevenError where not all are the same."""
    if len(set(kinds)) > 1:
        raise UnevenError


def same(a: Any, b: Any) -> bool:
    """Whether two keywords are the same."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)


def _even_numbers(grid: Grid) -> Index:
    start = grid[0][0]
    per_step = grid[1][0] - start if len(grid) > 1 else 0
    per_lane = grid[0][1] - start if len(grid[0]) > 1 else 0
    index = Index(start, per_step, per_lane)
    for step, row in enumerate(grid):
        for lane, number in enumerate(row):
            if number != index.at(step, lane):
                raise UnevenError
    return index
