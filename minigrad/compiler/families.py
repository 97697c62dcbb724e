"""Families: nodes that do the same in successive steps. A wrong guess costs only speed."""

from __future__ import annotations

import functools
from collections.abc import Hashable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple

from minigrad.ops.indexing import getitem
from minigrad.source import Place

from .graph import Graph, Node
from .primitives import PAIRWISE

# of one kind, only the families met last are compared with a node: so the cost stays linear
MAX_COMPARED_FAMILIES = 32
CODE_UNIT_BYTES = 2
# how an operand looks that another step has computed, or that one step alone reads
OF_A_STEP = "of a step"


class Look(NamedTuple):
    """What an operand looks like, the same in every step: its source, the views on the way."""

    source: Any
    views: tuple[Hashable, ...]


@dataclass(eq=False, slots=True)
class Family:
    """Nodes of one function, keywords, shape, dtype, source place and section, a step each.

    serial: the order of their discovery. times: the steps of the members. looks: what the first
    member's operands look like.
    """

    members: list[Node]
    serial: int
    times: set[int | None] = field(default_factory=set)
    looks: list[Look] = field(default_factory=list)

    @property
    def first(self) -> Node:
        """The member that stands for all where they agree."""
        return self.members[0]

    def __len__(self) -> int:
        return len(self.members)


def families(graph: Graph, root_of: dict[Node, Node]) -> dict[Node, Family]:
    """The family of every node that is neither leaf nor view. Cost: linear in the nodes.

    A node joins the family whose members read the same: the same leaves and views, results of the
    same families in the same step, anything from another step. At the ends of the loop, where
    something is missing (the last step's adjoint has nothing from the step after), it joins the
    family of its kind that resembles it most.

    root_of: the node whose memory a node looks at.
    """
    discovery = _Discovery(_read_in_many_steps(graph, root_of), root_of)
    for n in graph.nodes:
        if n.fn is not None and root_of[n] is n:
            discovery.enter(n)
    for family in set(discovery.family_of.values()):
        family.members.sort(key=lambda member: member.time or 0)
    return discovery.family_of


@dataclass(frozen=True, slots=True)
class _Discovery:
    """The families met so far.

    shared: what is the same operand in every step. root_of: the node whose memory a node looks at.
    exact: the family for what a node is and its operands look like. similar: the families for what
    a node is.
    """

    shared: set[Node]
    root_of: dict[Node, Node]
    family_of: dict[Node, Family] = field(default_factory=dict)
    exact: dict[Any, Family] = field(default_factory=dict)
    similar: dict[Hashable, list[Family]] = field(default_factory=dict)

    def enter(self, n: Node) -> None:
        """Find or found the family of a node whose operands have theirs."""
        serial = len(self.family_of)
        if n.time is None:
            self.family_of[n] = Family([n], serial, {None})
            return
        looks = [self.look(n, x) for x in n.inputs]
        if n.fn in PAIRWISE:
            # the terms of a sum may come in any order
            looks.sort(key=_rank)
        kind = _kind(n)
        key = (kind, tuple(looks))
        family = self.exact.get(key)
        if family is None or n.time in family.times:
            family = self.most_similar(n, kind, looks)
            if family is None:
                family = Family([], serial, looks=looks)
                self.similar.setdefault(kind, []).append(family)
            self.exact[key] = family
        family.members.append(n)
        family.times.add(n.time)
        self.family_of[n] = family

    def look(self, n: Node, x: Node) -> Look:
        """What the operand x of n looks like."""
        root = self.root_of[x]
        views: list[Hashable] = []
        while x is not root:
            # indices differ from step to step
            keywords = "" if x.fn is getitem else repr(x.kwargs)
            views.append((x.fn, keywords))
            x = x.inputs[0]
        source: Any = OF_A_STEP
        if x in self.shared:
            source = x
        elif x.fn is not None and x.time == n.time:
            source = self.family_of[x]
        return Look(source, tuple(views))

    def most_similar(self, n: Node, kind: Hashable, looks: list[Look]) -> Family | None:
        """The family without this step whose operands look most alike; None: none does."""
        similar = self.similar.get(kind, [])
        recent = similar[-MAX_COMPARED_FAMILIES:]
        candidates = [family for family in recent if n.time not in family.times]
        if not candidates:
            return None
        alike = [_resemblance(family.looks, looks) for family in candidates]
        most = max(alike)
        if most == 0 and n.fn not in PAIRWISE:
            return None
        return candidates[alike.index(most)]


def _kind(n: Node) -> Hashable:
    """What all members of a family have in common; the number of terms of a sum may differ."""
    expression = _expression(n.place)
    kind: tuple[Hashable, ...] = (n.fn, n.shape, n.dtype, expression, n.section, n.segment)
    if n.fn in PAIRWISE:
        return kind
    shapes = [x.shape for x in n.inputs]
    keywords = repr(n.kwargs) if n.kwargs else ""
    return *kind, keywords, tuple(shapes)


def _expression(place: Place) -> Hashable:
    """Where in the user's code a node was recorded, the same in every step.

    The offset of an instruction is not: it moves where Python specialises what it runs often.
    """
    if place is None:
        return None
    code, offset = place
    return code, _positions(code)[offset // CODE_UNIT_BYTES]


@functools.lru_cache(maxsize=256)
def _positions(code: CodeType) -> tuple[Hashable, ...]:
    """Lines and columns of every unit of code."""
    return tuple(code.co_positions())


def _read_in_many_steps(graph: Graph, root_of: dict[Node, Node]) -> set[Node]:
    """Leaves and results outside the steps that more than one step reads."""
    first_time: dict[Node, int] = {}
    shared = set()
    for n in graph.nodes:
        if n.time is None or root_of[n] is not n:
            continue
        for x in n.inputs:
            root = root_of[x]
            outside = root.fn is None or root.time is None
            if outside and first_time.setdefault(root, n.time) != n.time:
                shared.add(root)
    return shared


def _resemblance(a: list[Look], b: list[Look]) -> int:
    pairs = zip(a, b, strict=False)
    return sum(x == y for x, y in pairs)


def _rank(look: Look) -> tuple[int, str]:
    """An order of operands that does not depend on where they lie in memory."""
    if isinstance(look.source, Family):
        return look.source.serial, ""
    return -1, getattr(look.source, "name", "")
