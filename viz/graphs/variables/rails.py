"""Arrows that share a line: from a parameter to all steps, from all steps to a sum.

A rail runs in one direction: what joins it reaches all that leave it further on, and nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.roles import Role

from .grid import Cells
from .score import OUTSIDE_COLUMN
from .variable_model import Arrow, Item, Key, VariableGraph

# So few arrows are drawn each for itself.
MIN_ARROWS = 2


class Joint(NamedTuple):
    """A point of a rail, what joins it there, and what leaves it."""

    point: Point
    tails: tuple[Key, ...]
    heads: tuple[Key, ...]


class Rail(NamedTuple):
    """Its joints in the direction of its arrows."""

    arrows: tuple[Arrow, ...]
    joints: tuple[Joint, ...]


@dataclass(frozen=True)
class Bundle:
    """Arrows that share a rail beside the row of their heads.

    is_above: of that row. goes_right: or else to the left.
    """

    arrows: tuple[Arrow, ...]
    row: int
    is_above: bool
    goes_right: bool

    @property
    def tails(self) -> tuple[Key, ...]:
        """Each once."""
        return tuple(dict.fromkeys(a.tail for a in self.arrows))

    @property
    def heads(self) -> tuple[Key, ...]:
        """Each once."""
        return tuple(dict.fromkeys(a.head for a in self.arrows))


class _Family(NamedTuple):
    """What arrows of one bundle share: the roles of their ends, and their direction."""

    tail: Role
    head: Role
    row: int
    is_above: bool
    goes_right: bool


def bundles(graph: VariableGraph, cells: Cells) -> Iterator[Bundle]:
    """The bundles of arrows between different columns."""
    yard = _Yard(graph.by_key, cells)
    families: defaultdict[_Family, list[Arrow]] = defaultdict(list)
    for a in graph.arrows:
        if yard.can_share(a):
            family = yard.family(a)
            families[family].append(a)
    for family, arrows in families.items():
        for shared in yard.shared(arrows, family.goes_right):
            yield Bundle(tuple(shared), *family[2:])


@dataclass(frozen=True)
class _Yard:
    """The items and their cells."""

    items: Mapping[Key, Item]
    cells: Cells

    @cached_property
    def columns(self) -> dict[int, list[int]]:
        """The columns that are taken in each row, from the left."""
        columns: defaultdict[int, list[int]] = defaultdict(list)
        for column, row in sorted(self.cells.values()):
            columns[row].append(column)
        return columns

    def can_share(self, a: Arrow) -> bool:
        """Whether an arrow without gates leads to another column of another step, or of none."""
        tail = self.items[a.tail]
        head = self.items[a.head]
        is_apart = tail.time is None or tail.time != head.time
        is_level = self.cells[a.tail].column == self.cells[a.head].column
        return is_apart and not is_level and not a.marks

    def family(self, a: Arrow) -> _Family:
        """What it shares with others."""
        tail = self.cells[a.tail]
        head = self.cells[a.head]
        return _Family(
            self.role(a.tail),
            self.role(a.head),
            head.row,
            is_above=tail.row > head.row,
            goes_right=tail.column < head.column,
        )

    def role(self, key: Key) -> Role:
        """What has the same place in its step; of what stands left of all steps, itself."""
        column, row = self.cells[key]
        return key if column <= OUTSIDE_COLUMN else (key[0], row)

    def shared(self, arrows: list[Arrow], goes_right: bool) -> Iterator[list[Arrow]]:
        """The arrows of one family as bundles: all, or those of one tail, or those of one head."""
        if self.reach_all(arrows, goes_right):
            yield arrows
            return
        single: list[Arrow] = []
        apart = [a for a in arrows if not self.are_next(a)]
        for each in _grouped(apart, lambda a: a.tail).values():
            if len(each) >= MIN_ARROWS:
                yield each
            else:
                single += each
        for head, each in _grouped(single, lambda a: a.head).items():
            is_end = self.items[head].time is None
            if is_end or len(each) >= MIN_ARROWS:
                yield each

    def reach_all(self, arrows: list[Arrow], goes_right: bool) -> bool:
        """Whether each head reads all tails on its way, of which there are several."""
        sign = 1 if goes_right else -1
        starts = {a.tail: sign * self.cells[a.tail].column for a in arrows}
        inputs: defaultdict[Key, set[Key]] = defaultdict(set)
        for a in arrows:
            inputs[a.head].add(a.tail)
        if max(map(len, inputs.values())) < MIN_ARROWS:
            return False
        for head, tails in inputs.items():
            end = sign * self.cells[head].column
            passed = {tail for tail, start in starts.items() if start < end}
            if tails != passed:
                return False
        return True

    def are_next(self, a: Arrow) -> bool:
        """Whether an arrow goes from one taken cell of a row to the next."""
        tail = self.cells[a.tail]
        head = self.cells[a.head]
        if tail.row != head.row:
            return False
        columns = self.columns[tail.row]
        first = bisect_left(columns, tail.column)
        last = bisect_left(columns, head.column)
        return abs(last - first) == 1


def _grouped(arrows: list[Arrow], end: Callable[[Arrow], Key]) -> dict[Key, list[Arrow]]:
    """The arrows that share this end."""
    groups: defaultdict[Key, list[Arrow]] = defaultdict(list)
    for a in arrows:
        groups[end(a)].append(a)
    return groups
