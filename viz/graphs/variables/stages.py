"""The stages of a step: in which column, and in which lane of it, each box and circle stands."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple, TypeVar

from .variable_model import Item, Key, VariableGraph

T = TypeVar("T")
Place = TypeVar("Place", bound=Hashable)


class Spot(NamedTuple):
    """Column of a step, and its lane: items at one stage stand above each other."""

    column: int
    lane: int


Spots = dict[Key, Spot]


class Neighbours(NamedTuple):
    """What each item reads, and what reads it."""

    tails: dict[Key, list[Item]]
    heads: dict[Key, list[Item]]


def neighbours(graph: VariableGraph) -> Neighbours:
    """The ends of the arrows, by the other end."""
    known = graph.by_key
    near = Neighbours({}, {})
    for key in known:
        near.tails[key] = []
        near.heads[key] = []
    for a in graph.arrows:
        near.tails[a.head].append(known[a.tail])
        near.heads[a.tail].append(known[a.head])
    return near


def known(items: Iterable[Item], values: Mapping[Key, T]) -> list[T]:
    """The values of these items, where they are known."""
    result = []
    for x in items:
        if x.key in values:
            result.append(values[x.key])
    return result


def take(taken: set[Place], places: Iterable[Place]) -> Place:
    """The first free one of these places, free no longer."""
    place = next(p for p in places if p not in taken)
    taken.add(place)
    return place


def next_column(i: Item, last: int) -> int:
    """The first column after ``last`` for a circle (odd) or a box (even)."""
    parity = 1 if i.is_circle else 0
    column = last + 1
    if column % 2 != parity:
        column += 1
    return column


@dataclass(frozen=True)
class _Stages:
    """The spots of the items that have one already, those that are taken by step."""

    near: Neighbours
    spots: Spots = field(default_factory=dict)
    taken: dict[int, set[Spot]] = field(default_factory=dict)

    def put(self, i: Item, step: int, wishes: Iterator[Spot]) -> None:
        """Put an item of a step into the first free one of these spots."""
        taken = self.taken.setdefault(step, set())
        self.spots[i.key] = take(taken, wishes)


def find_spots(items: list[Item], near: Neighbours) -> Spots:
    """Column and lane of each operation.

    The column is the longest path to it, the lane that of its first input where that is free: a
    step has as many lanes as it has items at one stage. Recurrent arrows do not count; outside the
    steps all do. What has no input in its step stands just before the first circle that it feeds,
    or just after where that is taken.
    """
    stages = _Stages(near)
    without_inputs = []
    for i in items:
        inputs = _inputs_in_step(i, stages)
        # Where it stands depends on what it feeds, which has no spot yet.
        if i.leaf or not (inputs or i.is_circle):
            without_inputs.append(i)
            continue
        last = max((spot.column for spot in inputs), default=-1)
        column = next_column(i, last)
        if i.time is None:
            stages.spots[i.key] = Spot(column, 0)
        else:
            first = inputs[0].lane if inputs else 0
            stages.put(i, i.time, _lanes(column, first))
    for i in without_inputs:
        if i.time is not None:
            stages.put(i, i.time, _wishes(i, stages))
    return stages.spots


def _lanes(column: int, first: int) -> Iterator[Spot]:
    """The lanes of a column, the first wish before the others."""
    yield Spot(column, first)
    for lane in count():
        yield Spot(column, lane)


def _inputs_in_step(i: Item, stages: _Stages) -> list[Spot]:
    """Where the inputs of an item stand that are of its step; outside the steps, all of them."""
    inputs = stages.near.tails[i.key]
    if i.time is not None:
        inputs = [x for x in inputs if x.time == i.time]
    return known(inputs, stages.spots)


def _wishes(i: Item, stages: _Stages) -> Iterator[Spot]:
    """Where an item without inputs would stand, best first.

    That is in place of a later state, or beside what it feeds.
    """
    if i.stands_for in stages.spots:
        columns = [stages.spots[i.stands_for].column]
    else:
        fed = known(stages.near.heads[i.key], stages.spots)
        first = min((spot.column for spot in fed), default=1)
        columns = [max(first - 1, 0), first + 1]
    for lane in count():
        for column in columns:
            yield Spot(column, lane)
