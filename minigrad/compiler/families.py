"""Families: the nodes that do the same in successive time steps. A wrong guess here costs speed, never a result."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from minigrad.compiler.rewrite.chains import STEP
from minigrad.ops.indexing import getitem

from .graph import Graph, Node, is_view


@dataclass(eq=False, slots=True)
class Family:
    """Nodes of one function, keywords, shape, dtype, source place and section, in order of time.

    One per time step.
    """

    members: list[Node]
    serial: int  # in the order of their discovery
    times: set[int | None] = field(default_factory=set)
    looks: list[Any] = field(default_factory=list)  # what the first member's operands look like

    @property
    def first(self) -> Node:
        """The member that stands for all where they agree."""
        return self.members[0]

    def __len__(self) -> int:
        return len(self.members)


def families(graph: Graph, root: dict[Node, Node]) -> dict[Node, Family]:
    """The family of every node that is neither leaf nor view. Cost: linear in the nodes.

    A node joins the family whose members read the same: the same leaves and views, results of the same families in
    the same step, anything from another step. At the ends of the loop, where something is missing (the last step's
    adjoint has nothing from the step after), it joins the family of its kind that resembles it most.
    """
    shared = _shared(graph, root)
    of: dict[Node, Family] = {}
    exact: dict[Any, Family] = {}
    kinds: defaultdict[Any, list[Family]] = defaultdict(list)

    def look(n: Node, x: Node) -> Any:
        """What an operand looks like, the same in every step."""
        seen = []
        while is_view(x):
            seen.append((x.fn, () if x.fn is getitem else repr(x.kwargs)))
            x = x.inputs[0]
        if x in shared:
            what: Any = x
        elif x.fn is None or x.time != n.time:
            what = "another step"
        else:
            what = of[x]
        return (what, *seen)

    for n in graph.nodes:
        if n.fn is None or is_view(n):
            continue
        if n.time is None:
            of[n] = Family([n], len(of), {None})
            continue
        looks = [look(n, x) for x in n.inputs]
        if n.fn in STEP:
            looks.sort(key=_rank)
            kind: Any = (n.fn, n.shape, n.dtype, n.place, n.section, n.segment)
        else:
            shapes = tuple([x.shape for x in n.inputs])
            kind = (n.fn, repr(n.kwargs), n.shape, n.dtype, n.place, n.section, n.segment, shapes)
        key = (kind, tuple(looks))
        family = exact.get(key)
        if family is None or n.time in family.times:
            open_ = [f for f in kinds[kind][-32:] if n.time not in f.times]
            family = max(open_, key=lambda f: _resemblance(f.looks, looks), default=None)
            if family is None or (not _resemblance(family.looks, looks) and n.fn not in STEP):
                family = Family([], len(of), looks=looks)
                kinds[kind].append(family)
            exact[key] = family
        family.members.append(n)
        family.times.add(n.time)
        of[n] = family
    for family in set(of.values()):
        family.members.sort(key=lambda m: m.time or 0)
    return of


def _shared(graph: Graph, root: dict[Node, Node]) -> set[Node]:
    """Leaves and results outside the steps that more than one step reads: the same operand in each."""
    read_at: dict[Node, int | None] = {}
    shared = set()
    for n in graph.nodes:
        if n.time is None or is_view(n):
            continue
        for x in n.inputs:
            r = root[x]
            if (r.fn is None or r.time is None) and read_at.setdefault(r, n.time) != n.time:
                shared.add(r)
    return shared


def _resemblance(a: list[Any], b: list[Any]) -> int:
    return sum(x == y for x, y in zip(a, b, strict=False))


def _rank(look: Any) -> tuple[int, str]:
    """An order of operands that does not depend on where they lie in memory."""
    what = look[0]
    return what.serial if isinstance(what, Family) else -1, getattr(what, "name", "")
