"""Lists as runs of entries that are alike but for numbers, which grow evenly from each to the next.

``xi_2, xi_3, xi_4`` is one run, whatever its length; so is 0, 1, 3, 4, 6, 7, two by two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from minigrad.compiler.rolled.affine import same

from .parts import built, parts_of

Numbers = tuple[int, ...]
Split = tuple[Any, Numbers]
"""A pattern, and the numbers in it."""
MAX_PERIOD = 8
MIN_BLOCKS = 3


class Hole(NamedTuple):
    """Where a number stands in a pattern."""


class Pattern(NamedTuple):
    """What entries that differ in numbers alone have in common."""

    kind: type
    parts: list[Any]


class Run(NamedTuple):
    """Blocks of entries: the numbers of the first, and what each has more than the one before."""

    pattern: Any
    start: Numbers
    per_block: Numbers
    blocks: int


def as_runs(entries: Sequence[Any]) -> list[Run]:
    """The entries as runs, each as long as it may be."""
    split = list(map(_split, entries))
    runs = []
    at = 0
    while at < len(split):
        best = _run(split, at, 1)
        length = best.blocks
        for period in range(2, MAX_PERIOD + 1):
            run = _run(split, at, period)
            # two blocks of several entries go on evenly from one to the other in any case
            if run.blocks >= MIN_BLOCKS and run.blocks * period > length:
                best, length = run, run.blocks * period
        runs.append(best)
        at += length
    return runs


def patterns_of(runs: Sequence[Run]) -> list[Any]:
    """The pattern of each."""
    return [run.pattern for run in runs]


def numbers_of(runs: Sequence[Run]) -> list[Any]:
    """(start, per_block, blocks) of each."""
    return [(run.start, run.per_block, run.blocks) for run in runs]


def spread(patterns: Sequence[Any], numbers: Sequence[Any]) -> list[Any]:
    """The entries of runs again. numbers: (start, per_block, blocks) of each."""
    entries = []
    for pattern, (start, per_block, blocks) in zip(patterns, numbers, strict=True):
        for i in range(blocks):
            holes = [a + i * b for a, b in zip(start, per_block, strict=True)]
            entries += _filled(pattern, iter(holes))
    return entries


def _run(split: Sequence[Split], at: int, period: int) -> Run:
    """The longest run from one entry on whose blocks have so many entries."""
    pattern, start = _block(split[at : at + period])
    per_block = (0,) * len(start)
    count = 1
    while at + (count + 1) * period <= len(split):
        first = at + count * period
        following, numbers = _block(split[first : first + period])
        if not same(following, pattern):
            break
        if count == 1:
            per_block = tuple([b - a for a, b in zip(start, numbers, strict=True)])
        expected = tuple([a + count * b for a, b in zip(start, per_block, strict=True)])
        if numbers != expected:
            break
        count += 1
    return Run(pattern, start, per_block, count)


def _block(split: Sequence[Split]) -> Split:
    """Several entries as one."""
    numbers = tuple([number for _, of_entry in split for number in of_entry])
    return Pattern(list, [pattern for pattern, _ in split]), numbers


def _split(x: Any) -> Split:
    """What is left of an entry without its numbers, and these in order."""
    if isinstance(x, int) and not isinstance(x, bool):
        return Hole(), (x,)
    parts = parts_of(x)
    if parts is None:
        return x, ()
    block, numbers = _block(list(map(_split, parts)))
    return Pattern(type(x), block.parts), numbers


def _filled(pattern: Any, numbers: Iterator[int]) -> Any:
    """The entry with these numbers."""
    if isinstance(pattern, Hole):
        return next(numbers)
    if isinstance(pattern, Pattern):
        return built(pattern.kind, [_filled(part, numbers) for part in pattern.parts])
    return pattern
