"""What a folded network shows as one: unnamed operations that are alike, parameters read alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from minigrad import Tensor
from minigrad.viz.graphs.roles import Role, alike, template
from minigrad.viz.graphs.selection import Times
from minigrad.viz.graphs.variables.variable_model import Item, Key
from minigrad.viz.graphs.variables.variable_reads import Marks


class Edge(NamedTuple):
    """The head reads the tail, through these gates, the gradient may be cut."""

    tail: Tensor
    head: Tensor
    marks: Marks
    closed: bool


Readers = dict[Tensor, list[Tensor]]


def shared_by_copies(edges: Iterable[Edge], times: Times) -> Readers:
    """The unnamed operations that only the copies of one node share, with their readers.

    Without the copies they would be part of that node; in the steps without copies they are.
    """
    leaving: defaultdict[Tensor, list[Edge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.tail].append(edge)
    shared: Readers = {}
    # readers first: they may be such operations themselves
    for n in reversed([*times]):
        if n.fn is not None and not n.name and _is_shared(leaving[n], times):
            shared[n] = []
            for edge in leaving[n]:
                shared[n] += shared.get(edge.head, [edge.head])
    return shared


def _is_shared(leaving: list[Edge], times: Times) -> bool:
    """Whether what is read along these edges is read in its own step by several of a kind."""
    kinds = {alike(edge.head, times[edge.head]) for edge in leaving}
    steps = {times[n] for edge in leaving for n in (edge.tail, edge.head)}
    is_gated = any(edge.marks for edge in leaving)
    return len(leaving) > 1 and len(kinds) == 1 and len(steps) == 1 and not is_gated


def past_shared(edges: Iterable[Edge], shared: Readers) -> Iterator[Edge]:
    """The edges, those to a shared operation led on to its readers."""
    for edge in edges:
        if edge.tail not in shared:
            for head in shared.get(edge.head, [edge.head]):
                yield edge._replace(head=head)


def with_parameters_joined(
    items: Iterable[Item], edges: Iterable[Edge], tensor: Mapping[Key, Tensor]
) -> tuple[list[Item], list[Edge]]:
    """The items and edges, parameters with the same readers in one box."""
    readers: defaultdict[Tensor, set[object]] = defaultdict(set)
    for edge in edges:
        readers[edge.tail].add((edge.head, edge.marks))
    joined: dict[Key, Item] = {}
    first_like: dict[object, Key] = {}
    gone: set[Tensor] = set()
    for item in items:
        n = tensor[item.key]
        if not (item.parameter and readers[n]):
            joined[item.key] = item
            continue
        first = first_like.setdefault(frozenset(readers[n]), item.key)
        if first == item.key:
            joined[first] = item
        else:
            joined[first] = _in_one_box(joined[first], item)
            gone.add(n)
    return list(joined.values()), [edge for edge in edges if edge.tail not in gone]


def _in_one_box(item: Item, other: Item) -> Item:
    names = item.names + other.names
    tip = f"{item.tip}; {other.tip}"
    return replace(item, names=names, tip=tip)


def with_steps_of_neighbours(times: Times, edges: Iterable[Edge]) -> Times:
    """The steps, those of operations after the loop too: the one step that they belong to.

    A loss that is summed after the loop does the same there for the output of each step.
    """
    neighbours: defaultdict[Tensor, set[int]] = defaultdict(set)
    for edge in edges:
        for n, other in ((edge.tail, edge.head), (edge.head, edge.tail)):
            t = times[other]
            if t is not None:
                neighbours[n].add(t)
    complete = dict(times)
    for n, steps in neighbours.items():
        if times[n] is None and n.fn is not None and len(steps) == 1:
            (t,) = steps
            if not n.name or template(n.name, t) != n.name:
                complete[n] = t
    return complete


def with_circles_joined(
    role_of: Mapping[Tensor, Role], times: Times, edges: Iterable[Edge]
) -> dict[Tensor, Role]:
    """The roles, one for the unnamed operations that join the same roles in different steps.

    The first step adds its loss to a constant and reads no past, the last is read after the loop:
    they differ from those between them in what they compute, not in what they are there for.
    """
    around: defaultdict[Role, set[object]] = defaultdict(set)
    for tail, head, _, is_closed in edges:
        # What is read of another step is none of the first one's.
        if None in (times[tail], times[head]) or times[tail] == times[head]:
            around[role_of[head]].add(("reads", role_of[tail], is_closed))
            around[role_of[tail]].add(("is read by", role_of[head], is_closed))
    steps: defaultdict[Role, set[int]] = defaultdict(set)
    circles: dict[Role, None] = {}
    for n, role in role_of.items():
        t = times[n]
        if t is not None and n.fn is not None and not n.name:
            steps[role].add(t)
            circles[role] = None
    joined: dict[Role, Role] = {}
    first_like: dict[object, Role] = {}
    for role in circles:
        first = first_like.setdefault(frozenset(around[role]), role)
        if first is not role and steps[first].isdisjoint(steps[role]):
            joined[role] = first
            steps[first] |= steps[role]
    return {n: joined.get(role, role) for n, role in role_of.items()}
