"""What the items of a score are: in which step each stands, and with what in one row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from minigrad.viz.graphs.roles import Role

from .stages import Neighbours, known, neighbours
from .variable_model import Arrow, Item, Key, VariableGraph


def runs_across(graph: VariableGraph) -> bool:
    """Whether it is more than one state that goes from each step to the next, as in the book."""
    step = steps_of(graph)
    items = graph.by_key
    states: set[Role] = set()
    for a in graph.arrows:
        lag = lag_of(a, step)
        if lag not in (0, 1):
            return True
        if lag:
            tail = items[a.tail]
            states.add(tail.role)
    return len(states) > 1


def steps_of(graph: VariableGraph) -> dict[Key, int]:
    """Which step, counted from 0, each item stands in that has one."""
    number: dict[int, int] = {}
    for k, t in enumerate(graph.stamps):
        number[t] = k
    step: dict[Key, int] = {}
    for i in graph.items:
        if i.time is not None:
            step[i.key] = number[i.time]
    return step


def lag_of(a: Arrow, step: Mapping[Key, int]) -> int:
    """How many steps an arrow goes on in time; 0 where one of its ends is in none."""
    if a.tail in step and a.head in step:
        return step[a.head] - step[a.tail]
    return 0


class Span(NamedTuple):
    """From the first step to the last."""

    first: int
    last: int

    def meets(self, other: Span) -> bool:
        """Whether they share a step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Parts:
    """The items of a graph with steps, and what is known of each."""

    graph: VariableGraph

    @cached_property
    def items(self) -> dict[Key, Item]:
        """The items by their keys."""
        return self.graph.by_key

    @cached_property
    def near(self) -> Neighbours:
        """What each item reads, and what reads it."""
        return neighbours(self.graph)

    @cached_property
    def step(self) -> dict[Key, int]:
        """The step of each item, also of what is computed between two steps: of its last input."""
        step = steps_of(self.graph)
        for key, sources in self.sources.items():
            if key in self.feeding and sources:
                step.setdefault(key, max(sources))
        return step

    @cached_property
    def whole(self) -> Span:
        """All steps."""
        return Span(0, max(self.step.values()))

    @cached_property
    def sources(self) -> dict[Key, set[int]]:
        """The steps that each item outside is computed from, and the own one of others."""
        sources: dict[Key, set[int]] = {}
        own = steps_of(self.graph)
        for key, inputs in self.near.tails.items():
            if key in own:
                sources[key] = {own[key]}
            else:
                steps = known(inputs, sources)
                sources[key] = set[int]().union(*steps)
        return sources

    @cached_property
    def feeding(self) -> set[Key]:
        """What the steps need, and they themselves."""
        feeding: set[Key] = set()
        for i in reversed(self.graph.items):
            heads = self.near.heads[i.key]
            feeds = any(x.key in feeding for x in heads)
            if feeds or i.time is not None:
                feeding.add(i.key)
        return feeding

    @cached_property
    def mirrored(self) -> set[Role]:
        """The roles whose arrows from step to step run against time."""
        balance: defaultdict[Role, int] = defaultdict(int)
        for a in self.graph.arrows:
            role = self.roles[a.head]
            if role == self.roles[a.tail]:
                balance[role] += lag_of(a, self.step)
        return {role for role, steps in balance.items() if steps < 0}

    @cached_property
    def recurrent(self) -> set[Role]:
        """The roles that read themselves in another step, or that an initial state starts."""
        started = {i.stands_for for i in self.graph.items}
        roles = {self.roles[key] for key in started if key in self.items}
        for a in self.graph.arrows:
            role = self.roles[a.head]
            tail_step = self.step.get(a.tail)
            head_step = self.step.get(a.head)
            if role == self.roles[a.tail] and tail_step != head_step:
                roles.add(role)
        return roles

    @cached_property
    def roles(self) -> dict[Key, Role]:
        """What has the same row: the counterparts in all steps; outside them a circle and its box.

        A circle without a box is what it reads: of a sum over steps the first has an addition less.
        """
        roles: dict[Key, Role] = {}
        numbers: Counter[Role] = Counter()
        for i in self.graph.items:
            roles[i.key] = i.key[1] if i.time is None else i.role
            inputs = [x for x in self.near.tails[i.key] if x.time == i.time]
            is_outside = i.time is None
            if is_outside or not inputs or not self.is_lone(i):
                continue
            role = frozenset(known(inputs, roles))
            numbers[i.time, role] += 1
            number = numbers[i.time, role]
            roles[i.key] = role, number
        return roles

    def is_lone(self, i: Item) -> bool:
        """Whether a circle has no box."""
        return i.is_circle and ("box", i.key[1]) not in self.items

    def members(self, items: Iterable[Item]) -> dict[Role, list[Item]]:
        """Those that stand in a step, by role."""
        members: defaultdict[Role, list[Item]] = defaultdict(list)
        for i in items:
            if i.key in self.step:
                role = self.roles[i.key]
                members[role].append(i)
        return members

    def span(self, items: list[Item]) -> Span:
        """From the first of their steps to the last."""
        steps = [self.step[i.key] for i in items]
        return Span(min(steps), max(steps))
