"""Numbers that grow evenly from step to step and from lane to lane, also inside keywords."""

from __future__ import annotations

from typing import Any

import numpy as np

from .program import Index

Grid = list[list[Any]]
"""Something for every step, and in it for every lane."""


class UnevenError(Exception):
    """What is looked at differs from step to step in no even way."""


def even(grid: Grid) -> Any:
    """The one thing that is everywhere in the grid, with an ``Index`` for ints that grow evenly.

    Looks into tuples, lists, slices and dictionaries. Raises UnevenError.
    """
    first = grid[0][0]
    if all(same(x, first) for row in grid for x in row):
        return first
    kinds = {type(x) for row in grid for x in row}
    if len(kinds) > 1:
        raise UnevenError
    if isinstance(first, int) and not isinstance(first, bool):
        return _index(grid)
    if isinstance(first, slice):
        parts = [[(x.start, x.stop, x.step) for x in row] for row in grid]
        return slice(*even(parts))
    if isinstance(first, dict):
        if len({tuple(x) for row in grid for x in row}) > 1:
            raise UnevenError
        return {key: even([[x[key] for x in row] for row in grid]) for key in first}
    if isinstance(first, (tuple, list)):
        if len({len(x) for row in grid for x in row}) > 1:
            raise UnevenError
        entries = [even([[x[i] for x in row] for row in grid]) for i in range(len(first))]
        return type(first)(entries)
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


def _index(grid: Grid) -> Index:
    start = grid[0][0]
    per_step = grid[1][0] - start if len(grid) > 1 else 0
    per_lane = grid[0][1] - start if len(grid[0]) > 1 else 0
    index = Index(start, per_step, per_lane)
    for step, row in enumerate(grid):
        for lane, number in enumerate(row):
            if number != index.at(step, lane):
                raise UnevenError
    return index
