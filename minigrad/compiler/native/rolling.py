"""Calls that repeat, each time so many bytes further on, as loops; and loops of loops."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.core.array import Array

# fewer rounds than that are no evidence of an even distance
MIN_ROUNDS = 3
# the calls of a longer round are not searched for
MAX_PERIOD = 512
MAX_CANDIDATES = 8


@dataclass(frozen=True, eq=False, slots=True)
class Single:
    """One call.

    entry: what is known of it. key: the same for calls that do the same to arrays of one layout.
    places: where its arrays begin, in bytes.
    """

    entry: Any
    key: Hashable
    places: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Loop:
    """What repeats.

    rounds: how often. body: the first round. steps: from round to round, for each of its places.
    """

    rounds: int
    body: tuple[Item, ...]
    steps: tuple[int, ...]
    key: Hashable
    places: tuple[int, ...]


Item = Single | Loop


def rolled(items: Sequence[Item]) -> list[Item]:
    """The items with what repeats as loops, and again until nothing repeats."""
    before = list(items)
    after = _rolled_once(before)
    while len(after) < len(before):
        before = after
        after = _rolled_once(before)
    return after


def _rolled_once(items: list[Item]) -> list[Item]:
    kinds = _numbered([item.key for item in items])
    result: list[Item] = []
    start = 0
    while start < len(items):
        rounds, period = _longest_run(items, kinds, start)
        if rounds < MIN_ROUNDS:
            result.append(items[start])
            start += 1
            continue
        stop = start + rounds * period
        result.append(_loop(items[start:stop], period))
        start = stop
    return result


def _numbered(keys: list[Hashable]) -> Array:
    """Each key as a number."""
    number: dict[Hashable, int] = {}
    kinds = [number.setdefault(key, len(number)) for key in keys]
    return np.array(kinds, np.intp)


def _longest_run(items: list[Item], kinds: Array, start: int) -> tuple[int, int]:
    """How often what begins at start repeats, and after how many items; of several most of all."""
    best = 0, 0
    for period in _periods(kinds, start):
        rounds = _rounds_alike(kinds, start, period)
        if rounds * period > best[0] * best[1] and rounds >= MIN_ROUNDS:
            rounds = _rounds_evenly_apart(items, start, period, rounds)
            if rounds * period > best[0] * best[1]:
                best = rounds, period
    return best


def _periods(kinds: Array, start: int) -> Iterator[int]:
    """The distances to the next items that do the same."""
    ahead = kinds[start + 1 : start + 1 + MAX_PERIOD]
    alike = np.flatnonzero(ahead == kinds[start])
    for distance in alike[:MAX_CANDIDATES]:
        yield int(distance) + 1


def _rounds_alike(kinds: Array, start: int, period: int) -> int:
    """How many rounds do the same."""
    first = kinds[start : start + period]
    second = kinds[start + period : start + 2 * period]
    if not np.array_equal(first, second):
        return 1
    alike = kinds[start:-period] == kinds[start + period :]
    length = len(alike) if alike.all() else int(np.argmin(alike))
    return length // period + 1


def _rounds_evenly_apart(items: list[Item], start: int, period: int, rounds: int) -> int:
    """How many of the rounds lie at one distance from each other."""
    table = np.array(_places_by_round(items[start : start + rounds * period], period))
    distances = np.diff(table, axis=0)
    even = (distances == distances[:1]).all(axis=1)
    return rounds if even.all() else int(np.argmin(even)) + 1


def _places_by_round(items: list[Item], period: int) -> list[tuple[int, ...]]:
    rows = []
    for first in range(0, len(items), period):
        rows.append(_places(items[first : first + period]))
    return rows


def _loop(items: list[Item], period: int) -> Loop:
    body = rolled(items[:period])
    second = rolled(items[period : 2 * period])
    keys = [item.key for item in body]
    if keys != [item.key for item in second]:
        # a loop within would take other steps in each round
        body, second = items[:period], items[period : 2 * period]
        keys = [item.key for item in body]
    places = _places(body)
    steps = tuple([b - a for a, b in zip(places, _places(second), strict=True)])
    rounds = len(items) // period
    key = rounds, steps, tuple(keys)
    return Loop(rounds, tuple(body), steps, key, places)


def _places(items: list[Item]) -> tuple[int, ...]:
    places: list[int] = []
    for item in items:
        places += item.places
    return tuple(places)
