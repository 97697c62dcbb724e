"""A network folded in time: one node per role, and what joins them at which lag."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from minigrad import Tape, Tensor
from minigrad.viz.graphs.variables.variable_model import Item, Key, variable_graph
from minigrad.viz.graphs.variables.variable_reads import Marks

from .roles import Role, roles, template
from .selection import Times, nodes_by_name

# Steps named one by one where an edge is not everywhere.
MAX_LISTED_STEPS = 4


@dataclass
class RoleNode:
    """One role: the items that have it, by their tensors.

    starts: the names of constants that enter in place of the first step's predecessor.
    """

    items: dict[Tensor, Item] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)

    @property
    def times(self) -> set[int]:
        """The steps it is there in."""
        return {i.time for i in self.items.values() if i.time is not None}

    @property
    def first(self) -> Item:
        """The item that is shown in place of all."""
        return next(iter(self.items.values()))

    @property
    def title(self) -> str:
        """What the role is called: ``h_t``, or the names in its one box."""
        n, item = next(iter(self.items.items()))
        if item.time is None:
            return item.key[1]
        name = n.label if n.name else "circle"
        return template(name, item.time)


@dataclass(frozen=True)
class Link:
    """All edges between two roles at one lag (None: one of them lies outside the steps)."""

    tail: Role
    head: Role
    lag: int | None
    closed: bool


class Use(NamedTuple):
    """One edge of a link: the step at its inner end, and the gates on it."""

    time: int | None
    marks: Marks


Nodes = dict[Role, RoleNode]
Links = dict[Link, list[Use]]


def roll(tape: Tape) -> tuple[Nodes, Links]:
    """The roles on a tape and what joins them: a named operation and its box are one."""
    items, arrows = variable_graph(tape)
    by_name = nodes_by_name(tape)
    tensor: dict[Key, Tensor] = {}
    times: Times = {}
    for i in items:
        n = by_name[i.key[1]]
        tensor[i.key] = n
        times[n] = i.time
    role_of = roles(times, times)
    nodes: defaultdict[Role, RoleNode] = defaultdict(RoleNode)
    starts = set()
    for i in items:
        if i.stands_for is not None and i.leaf and not i.parameter:
            # A constant that enters in place of the first step's predecessor.
            starts.add(i.key)
            successor = tensor[i.stands_for]
            nodes[role_of[successor]].starts += i.names
        else:
            # A box comes after its circle, takes its place, and is what is shown.
            n = tensor[i.key]
            node = nodes[role_of[n]]
            node.items[n] = i
    links: defaultdict[Link, list[Use]] = defaultdict(list)
    for a in arrows:
        tail = tensor[a.tail]
        head = tensor[a.head]
        if a.tail not in starts and tail is not head:
            start = times[tail]
            end = times[head]
            lag = None if start is None or end is None else end - start
            link = Link(role_of[tail], role_of[head], lag, a.closed)
            inner_end = start if end is None else end
            links[link].append(Use(inner_end, a.marks))
    return dict(nodes), dict(links)


def describe(link: Link, uses: list[Use], nodes: Nodes) -> str:
    """The lag, what the gates do, and where, unless that is everywhere."""
    words = []
    if link.lag:
        words.append(f"t{-link.lag:+d}")
    texts: dict[str, None] = {}
    used: set[int] = set()
    for use in uses:
        if use.marks:
            texts[" ".join(m.text for m in use.marks)] = None
        if use.time is not None:
            used.add(use.time)
    if link.closed and texts:
        words.append("✂")
    elif texts:
        first = next(iter(texts))
        words.append(first if len(texts) == 1 else f"{first} …")
    is_partial = bool(used) and used < _everywhere(link, nodes)
    if is_partial and (link.closed or not link.lag):
        words.append("at t = " + _listed(used))
    return " ".join(words)


def _everywhere(link: Link, nodes: Nodes) -> set[int]:
    """The steps in which a link could be."""
    tail = nodes[link.tail].times
    head = nodes[link.head].times
    if link.lag is None:
        return head or tail
    return {t for t in head if t - link.lag in tail}


def _listed(steps: Iterable[int]) -> str:
    """The first steps, and the last one where there are more."""
    order = sorted(steps)
    words = [str(t) for t in order[:MAX_LISTED_STEPS]]
    if len(order) > MAX_LISTED_STEPS:
        words.append(f"… {order[-1]}")
    return ", ".join(words)
