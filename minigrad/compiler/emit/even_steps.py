"""Steps whose operands lie evenly in memory: one stride from each step to the next."""

from __future__ import annotations

from collections.abc import Iterator

from minigrad.compiler.strided import address, stacked

from .program import Operands, Program, Spot


def even_runs(program: Program, rows: list[Operands]) -> Iterator[tuple[int, int]]:
    """Split the steps, a row of arrays each, where the distance in memory to the next step changes.

    Yields (start, stop) of each run of steps.
    """
    if len(rows) < 2:
        yield 0, len(rows)
        return
    before = list(map(program.spot, rows[0]))
    start = 0
    strides: list[int] | None = None
    for i in range(1, len(rows)):
        spots = list(map(program.spot, rows[i]))
        distances = _distances(before, spots)
        before = spots
        # two steps of one layout lie evenly; a third may be at another distance
        if distances is None or strides not in (None, distances):
            yield start, i
            start = i
            strides = None
        else:
            strides = distances
    yield start, len(rows)


def _distances(before: list[Spot], after: list[Spot]) -> list[int] | None:
    """The bytes from each array of a row to that of the next; None if they make no stack."""
    distances = []
    for a, b in zip(before, after, strict=True):
        if a.layout != b.layout:
            return None
        distances.append(b.begin - a.begin)
    return distances


def stack_run(rows: list[Operands], length: int) -> Operands:
    """The stacked arrays of a run, from its first two rows; arrays that stand still as they are."""
    stacks = []
    for x, y in zip(rows[0], rows[1], strict=True):
        stride = address(y) - address(x)
        stack = stacked(x, length, stride) if stride else x
        stacks.append(stack)
    return stacks
