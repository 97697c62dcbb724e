"""Steps whose operands lie evenly in memory: one stride from each step to the next."""

from __future__ import annotations

from collections.abc import Iterator

from minigrad.compiler.strided import address, stacked
from minigrad.core.array import Array

from .program import Program, Spot


def even_runs(program: Program, rows: list[list[Array]]) -> Iterator[tuple[int, int]]:
    """Split the steps, a row of arrays each, where the distance in memory to the next step changes.

    Yields (start, stop) of each run of steps.
    """
    if len(rows) < 2:
        yield 0, len(rows)
        return
    spots = [[program.spot(x) for x in row] for row in rows]
    start = 0
    strides: list[int] | None = None
    for i in range(1, len(rows)):
        distances = _distances(spots[i - 1], spots[i])
        if distances is None or (strides is not None and distances != strides):
            yield start, i
            start = i
            strides = None
        else:
            strides = distances
    yield start, len(rows)


def _distances(row: list[Spot], after: list[Spot]) -> list[int] | None:
    """How far each array of a row lies from that of the row before, in bytes; None where one is no step of a stack."""
    distances = []
    for (layout, begin), (layout_after, begin_after) in zip(row, after, strict=True):
        if layout != layout_after:
            return None
        distances.append(begin_after - begin)
    return distances


def stack_run(row: list[Array], after: list[Array], length: int) -> list[Array]:
    """The stacked arrays of a run, from those of its first two steps; arrays that stand still as they are."""
    stacks = []
    for x, y in zip(row, after, strict=True):
        stride = address(y) - address(x)
        stacks.append(stacked(x, length, stride) if stride else x)
    return stacks
