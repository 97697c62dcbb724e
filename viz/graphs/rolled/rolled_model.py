"""A network folded in time: one node per role, and what joins them at which lags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from minigrad import Tape, Tensor
from minigrad.viz.graphs.roles import Role, roles, step_numbers
from minigrad.viz.graphs.selection import Times, nodes_by_name
from minigrad.viz.graphs.variables.variable_model import Item, Key, variable_graph
from minigrad.viz.graphs.variables.variable_reads import Marks
from minigrad.viz.lettering.step_numbers import StepNumbers

from .rolled_joins import (
    Edge,
    with_circles_joined,
    with_parameters_joined,
    with_steps_of_neighbours,
)


@dataclass
class RoleNode:
    """One role: the items that have it, by their tensors.

    starts: the names of constants that enter in place of the first step's predecessor. steps: those
    that it is part of; none for what is there once, whatever the step. numbers: which of those in
    names count the steps.
    """

    items: dict[Tensor, Item] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)
    steps: set[int] = field(default_factory=set)
    numbers: StepNumbers = field(default_factory=StepNumbers)

    @property
    def times(self) -> set[int]:
        """The steps it is there in."""
        return {i.time for i in self.items.values() if i.time is not None}

    @property
    def tensor(self) -> Tensor:
        """The first of its tensors."""
        return next(iter(self.items))

    @property
    def first(self) -> Item:
        """The item of that tensor, which is shown in place of all."""
        return self.items[self.tensor]

    @property
    def name(self) -> str:
        """What the role is called: ``h_t``, or the names in its one box."""
        n = self.tensor
        time = self.first.time
        if time is None:
            _, name = self.first.key
            return name
        return self.numbers.template(n.label, time) if n.name else "circle"

    @property
    def copies(self) -> str:
        """How many a step has of it for the losses of a window, if several."""
        most = 1 + max(len(i.copies) for i in self.items.values())
        return f"{most} copies" if most > 1 else ""

    @property
    def is_once(self) -> bool:
        """Whether it is there in one step alone and is not called after it."""
        n = self.tensor
        is_called_after_step = bool(n.name) and self.name != n.label
        return len(self.times) == 1 and not is_called_after_step


@dataclass(frozen=True)
class Link:
    """All edges between two roles that are drawn as one.

    lags: how many steps before its reader the tail is; none where one of them lies outside the
    steps. reads_all: each reader reads all steps, or all before its own.
    """

    tail: Role
    head: Role
    closed: bool
    lags: tuple[int, ...] = ()
    reads_all: bool = False

    @property
    def is_loop(self) -> bool:
        """Whether a role reads itself."""
        return self.tail == self.head

    @property
    def is_recurrent(self) -> bool:
        """Whether it leads from one step to another."""
        return any(self.lags)


class Use(NamedTuple):
    """One edge of a link: the steps of its ends, and the gates on it."""

    start: int | None
    end: int | None
    marks: Marks

    @property
    def lag(self) -> int | None:
        """How many steps it spans; None where an end is in none."""
        if self.start is None or self.end is None:
            return None
        return self.end - self.start

    @property
    def inner_end(self) -> int | None:
        """The step of its head; of its tail where the head is in none."""
        return self.start if self.end is None else self.end


Nodes = dict[Role, RoleNode]
Links = dict[Link, list[Use]]


def roll(tape: Tape) -> tuple[Nodes, Links]:
    """The roles on a tape and what joins them: a named operation and its box are one."""
    parts = _read(tape)
    role_of = roles(parts.times, parts.times)
    role_of = with_circles_joined(role_of, parts.times, parts.edges)
    numbers = step_numbers(parts.times)
    nodes: defaultdict[Role, RoleNode] = defaultdict(lambda: RoleNode(numbers=numbers))
    for i in parts.items:
        # A box comes after its circle, takes its place, and is what is shown.
        n = parts.tensor[i.key]
        node = nodes[role_of[n]]
        node.items[n] = i
    for i, successor in parts.starts:
        nodes[role_of[successor]].starts += i.names
    _set_steps(nodes)
    return dict(nodes), _linked(parts, nodes, role_of)


class _Parts(NamedTuple):
    """What a tape has to show: items with their tensors and steps, and the edges between them.

    starts: constants that enter in place of the first step's predecessor, each with its successor.
    """

    items: list[Item]
    edges: list[Edge]
    tensor: dict[Key, Tensor]
    times: Times
    starts: list[tuple[Item, Tensor]]


def _read(tape: Tape) -> _Parts:
    graph = variable_graph(tape)
    by_name = nodes_by_name(tape)
    tensor: dict[Key, Tensor] = {}
    times: dict[Tensor, int | None] = {}
    for i in graph.items:
        _, name = i.key
        n = by_name[name]
        tensor[i.key] = n
        times[n] = i.time
    items: list[Item] = []
    starts: list[tuple[Item, Tensor]] = []
    for i in graph.items:
        if i.stands_for is not None and i.leaf and not i.parameter:
            starts.append((i, tensor[i.stands_for]))
        else:
            items.append(i)
    shown = {i.key for i in items}
    edges: list[Edge] = []
    for a in graph.arrows:
        edge = Edge(tensor[a.tail], tensor[a.head], a.marks, a.closed)
        if a.tail in shown and edge.tail is not edge.head:
            edges.append(edge)
    items, edges = with_parameters_joined(items, edges, tensor)
    complete = with_steps_of_neighbours(times, edges)
    for k, i in enumerate(items):
        n = tensor[i.key]
        items[k] = replace(i, time=complete[n])
    return _Parts(items, edges, tensor, complete, starts)


def _set_steps(nodes: Nodes) -> None:
    """Put each role in its steps; what is there once is in none, if there are several."""
    steps = all_steps(nodes.values())
    for node in nodes.values():
        if len(steps) == 1 or not node.is_once:
            node.steps = node.times


def all_steps(nodes: Iterable[RoleNode]) -> list[int]:
    """The steps that anything is there in."""
    steps: set[int] = set()
    for node in nodes:
        steps |= node.times
    return sorted(steps)


def _linked(parts: _Parts, nodes: Nodes, role_of: Mapping[Tensor, Role]) -> Links:
    """The links, each with its edges."""
    times = parts.times
    bundles: defaultdict[Link, list[Use]] = defaultdict(list)
    for tail, head, marks, is_closed in parts.edges:
        link = Link(role_of[tail], role_of[head], is_closed)
        start = times[tail] if nodes[link.tail].steps else None
        end = times[head] if nodes[link.head].steps else None
        use = Use(start, end, marks)
        bundles[link].append(use)
    links: Links = {}
    for link, uses in bundles.items():
        links |= _split(link, uses, nodes[link.tail].steps)
    return links


def _split(link: Link, uses: list[Use], steps: set[int]) -> Iterator[tuple[Link, list[Use]]]:
    """The edges between two roles as one link, or those within a step apart from the others.

    steps: those of the tail.
    """
    lags = {use.lag for use in uses}
    if None in lags:
        yield link, uses
    elif len(lags) > 1 and _reads_all(uses, steps):
        yield replace(link, lags=_sorted_lags(uses), reads_all=True), uses
    else:
        within = [use for use in uses if use.lag == 0]
        others = [use for use in uses if use.lag != 0]
        for part in (within, others):
            if part:
                yield replace(link, lags=_sorted_lags(part)), part


def _sorted_lags(uses: Iterable[Use]) -> tuple[int, ...]:
    lags = {use.lag for use in uses if use.lag is not None}
    return tuple(sorted(lags))


def _reads_all(uses: Iterable[Use], steps: set[int]) -> bool:
    """Whether each reader reads all of these steps, all before its own, or these and its own."""
    read: defaultdict[int, set[int]] = defaultdict(set)
    for use in uses:
        if use.start is not None and use.end is not None:
            read[use.end].add(use.start)
    whole = dict.fromkeys(read, steps)
    past = {end: set(filter(end.__gt__, steps)) for end in read}
    so_far = {end: set(filter(end.__ge__, steps)) for end in read}
    return read in (whole, past, so_far)
