"""What the items of a score are: in which step each stands, and with what in one row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from minigrad.viz.graphs.roles import Role

from .stages import known, neighbours
from .variable_model import Item, Key, VariableGraph


def runs_across(graph: VariableGraph) -> bool:
    """Whether it is more than one state that goes from each step to the next, as in the book."""
    step = steps_of(graph)
    items = {i.key: i for i in graph.items}
    states: set[Role] = set()
    for a in graph.arrows:
        if a.tail in step and a.head in step and step[a.tail] != step[a.head]:
            states.add(items[a.tail].role)
            if step[a.head] - step[a.tail] != 1:
                return True
    return len(states) > 1


def steps_of(graph: VariableGraph) -> dict[Key, int]:
    """Which step, counted from 0, each item stands in that has one."""
    stamped = {i.key: i.time for i in graph.items if i.time is not None}
    number = {t: k for k, t in enumerate(sorted(set(stamped.values())))}
    return {key: number[t] for key, t in stamped.items()}


class Span(NamedTuple):
    """From the first step to the last."""

    first: int
    last: int


@dataclass(frozen=True)
class Parts:
    """The items of a graph with steps, and what is known of each."""

    graph: VariableGraph

    @cached_property
    def items(self) -> dict[Key, Item]:
        """The items by their keys."""
        return {i.key: i for i in self.graph.items}

    @cached_property
    def tails(self) -> dict[Key, list[Item]]:
        """What each item reads."""
        return neighbours(self.graph).tails

    @cached_property
    def heads(self) -> dict[Key, list[Item]]:
        """What reads each item."""
        return neighbours(self.graph).heads

    @cached_property
    def step(self) -> dict[Key, int]:
        """The step of each item, also of what is computed between two steps: of its last input."""
        step = steps_of(self.graph)
        for i in self.graph.items:
            if i.key in self.feeding and self.sources[i.key]:
                step.setdefault(i.key, max(self.sources[i.key]))
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
        for i in self.graph.items:
            sources[i.key] = set[int]().union(*known(self.tails[i.key], sources))
            if i.key in own:
                sources[i.key] = {own[i.key]}
        return sources

    @cached_property
    def feeding(self) -> set[Key]:
        """What the steps need, and they themselves."""
        feeding: set[Key] = set()
        for i in reversed(self.graph.items):
            heads = {x.key for x in self.heads[i.key]}
            if i.time is not None or not heads.isdisjoint(feeding):
                feeding.add(i.key)
        return feeding

    @cached_property
    def mirrored(self) -> set[Role]:
        """The roles whose arrows from step to step run against time."""
        balance: defaultdict[Role, int] = defaultdict(int)
        for a in self.graph.arrows:
            role = self.roles[a.head]
            if role == self.roles[a.tail] and a.tail in self.step and a.head in self.step:
                balance[role] += self.step[a.tail] - self.step[a.head]
        return {role for role, steps in balance.items() if steps > 0}

    @cached_property
    def recurrent(self) -> set[Role]:
        """The roles that read themselves in another step, or that an initial state starts."""
        started = {i.stands_for for i in self.graph.items}
        roles = {self.roles[key] for key in started if key in self.items}
        for a in self.graph.arrows:
            same_role = self.roles[a.tail] == self.roles[a.head]
            if same_role and self.step.get(a.tail) != self.step.get(a.head):
                roles.add(self.roles[a.head])
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
            inputs = [x for x in self.tails[i.key] if x.time == i.time]
            if i.time is None or not inputs or not self.is_lone(i):
                continue
            role = frozenset(known(inputs, roles))
            numbers[i.time, role] += 1
            roles[i.key] = role, numbers[i.time, role]
        return roles

    def is_lone(self, i: Item) -> bool:
        """Whether a circle has no box."""
        return i.is_circle and ("box", i.key[1]) not in self.items

    def members(self, items: Iterable[Item]) -> dict[Role, list[Item]]:
        """Those that stand in a step, by role."""
        members: defaultdict[Role, list[Item]] = defaultdict(list)
        for i in items:
            if i.key in self.step:
                members[self.roles[i.key]].append(i)
        return members

    def span(self, items: list[Item]) -> Span:
        """From the first of their steps to the last."""
        steps = [self.step[i.key] for i in items]
        return Span(min(steps), max(steps))
