"""What a folded network shows as one: unnamed operations that are alike, parameters read alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from minigrad import Tensor
from minigrad.viz.graphs.roles import Role
from minigrad.viz.graphs.selection import Times
from minigrad.viz.graphs.variables.variable_model import Item, Key
from minigrad.viz.graphs.variables.variable_reads import Marks
from minigrad.viz.lettering.step_numbers import StepNumbers


class Edge(NamedTuple):
    """The head reads the tail, through these gates, the gradient may be cut."""

    tail: Tensor
    head: Tensor
    marks: Marks
    closed: bool


def with_parameters_joined(
    items: Iterable[Item], edges: Iterable[Edge], tensor: Mapping[Key, Tensor]
) -> tuple[list[Item], list[Edge]]:
    """The items and edges, parameters with the same readers in one box."""
    readers: defaultdict[Tensor, set[object]] = defaultdict(set)
    for edge in edges:
        reader = edge.head, edge.marks
        readers[edge.tail].add(reader)
    joined: dict[Key, Item] = {}
    first_like: dict[object, Key] = {}
    gone: set[Tensor] = set()
    for item in items:
        n = tensor[item.key]
        first = item.key
        if item.parameter and readers[n]:
            kind = frozenset(readers[n])
            first = first_like.setdefault(kind, item.key)
        if first == item.key:
            joined[first] = item
        else:
            joined[first] = _in_one_box(joined[first], item)
            gone.add(n)
    remaining = [edge for edge in edges if edge.tail not in gone]
    return list(joined.values()), remaining


def _in_one_box(item: Item, other: Item) -> Item:
    names = item.names + other.names
    tip = f"{item.tip}; {other.tip}"
    return replace(item, names=names, tip=tip)


def with_steps_of_neighbours(times: Times, edges: Iterable[Edge]) -> Times:
    """The steps, those of operations after the loop too: the one step that they belong to.

    A loss that is summed after the loop does the same there for the output of each step.
    """
    neighbours: defaultdict[Tensor, set[int]] = defaultdict(set)
    for tail, head, _, _ in edges:
        start = times[tail]
        end = times[head]
        if start is not None:
            neighbours[head].add(start)
        if end is not None:
            neighbours[tail].add(end)
    complete = dict(times)
    numbers = StepNumbers()
    for n, steps in neighbours.items():
        is_after_loop = times[n] is None and n.fn is not None
        if is_after_loop and len(steps) == 1:
            (t,) = steps
            is_of_step = not n.name or numbers.template(n.name, t) != n.name
            complete[n] = t if is_of_step else None
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
        start = times[tail]
        end = times[head]
        # What is read of another step is none of the first one's.
        is_recurrent = start is not None and end is not None and start != end
        if not is_recurrent:
            source = role_of[tail]
            reader = role_of[head]
            around[reader].add(("reads", source, is_closed))
            around[source].add(("is read by", reader, is_closed))
    steps: defaultdict[Role, set[int]] = defaultdict(set)
    for n, role in role_of.items():
        t = times[n]
        is_circle = n.fn is not None and not n.name
        if is_circle and t is not None:
            steps[role].add(t)
    joined: dict[Role, Role] = {}
    first_like: dict[object, Role] = {}
    for role, own_steps in steps.items():
        kind = frozenset(around[role])
        first = first_like.setdefault(kind, role)
        if first is not role and own_steps.isdisjoint(steps[first]):
            joined[role] = first
            steps[first] |= own_steps
    return {n: joined.get(role, role) for n, role in role_of.items()}
