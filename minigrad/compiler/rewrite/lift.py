"""What is done alike with columns side by side, done once with all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, NamedTuple

from minigrad.compiler.graph import Node, Readers
from minigrad.compiler.primitives import PAIRWISE
from minigrad.compiler.traits import elementwise

from .columns import Columns, Nodes, join_columns, take_columns


class Kind(IntEnum):
    """How an operand lies to the columns that an operation is done with."""

    COLUMNS = 0
    SHARED = 1
    FIXED = 2


class Relation(NamedTuple):
    """What neighbours that are done at once have in common in one operand.

    kind: COLUMNS for columns of a wide result; SHARED for one number a row, the same for all
    neighbours; FIXED for a row that is the same in every step. key: which wide result, which
    operand, which dtype. offset: from the own columns.
    """

    kind: Kind
    key: int
    offset: int


class Operand(NamedTuple):
    """An operand and how it lies."""

    relation: Relation
    node: Node


class Done(NamedTuple):
    """An operation that is done with a part, and its operands in the order of their relations."""

    node: Node
    operands: Nodes


@dataclass(slots=True)
class Wide:
    """Results of one step as columns of one: where each lies, and what is new in the graph.

    position: of every node its place in the order of execution. fixed: what is the same in every
    step. columns_of: where a result lies. parts: the results that lie in a wide one. joined: fixed
    operands side by side.
    """

    readers: Readers
    position: dict[Node, int]
    fixed: set[Node]
    columns_of: dict[Node, Columns] = field(default_factory=dict)
    parts: dict[Node, list[Node]] = field(default_factory=dict)
    joined: dict[Nodes, Node] = field(default_factory=dict)

    def put(self, parts: list[Node], *operands: Node) -> Node:
        """One operation, on wide operands, in the stead of several."""
        first = parts[0]
        rows, width = first.shape
        shape = (rows, len(parts) * width)
        wide = replace(first, inputs=operands, shape=shape, name="")
        self.position[wide] = len(self.position)
        self.parts[wide] = parts
        for i, part in enumerate(parts):
            self.columns_of[part] = Columns(wide, i * width)
        return wide

    def join(self, parts: Nodes) -> Node:
        """What is the same in every step, side by side: one node for all steps."""
        if parts not in self.joined:
            self.joined[parts] = join_columns(parts, time=None)
        return self.joined[parts]


def lift(start: Node, wide: Wide) -> None:
    """Do what is done alike with neighbouring columns once; and so on with the results."""
    stack = [start]
    while stack:
        parts = wide.parts[stack.pop()]
        for members in _alike(parts, wide):
            for run in neighbours(members):
                readers = [members[i].node for i in run]
                if len(run) > 1 and wide.columns_of.keys().isdisjoint(readers):
                    across = zip(*[members[i].operands for i in run], strict=True)
                    operands = [_across(xs, wide) for xs in across]
                    stack.append(wide.put(readers, *operands))


def _alike(parts: list[Node], wide: Wide) -> list[dict[int, Done]]:
    """What is done alike with some parts, by the number of the part."""
    alike = defaultdict[Any, dict[int, Done]](dict)
    for i, part in enumerate(parts):
        for r in wide.readers[part]:
            operands = _operands(r, part, wide)
            if operands:
                relations, nodes = zip(*operands, strict=True)
                key = r.fn, r.dtype, r.time, relations
                alike[key].setdefault(i, Done(r, nodes))
    return list(alike.values())


def neighbours(numbers: Iterable[int]) -> Iterator[list[int]]:
    """The runs of successive numbers."""
    run: list[int] = []
    for i in sorted(numbers):
        if run and i != run[-1] + 1:
            yield run
            run = []
        run.append(i)
    if run:
        yield run


def _operands(r: Node, part: Node, wide: Wide) -> list[Operand]:
    """The operands of a reader and how they lie to the part; none if it cannot be done at once."""
    if r.kwargs or r in wide.columns_of or not goes_on_in(r, part):
        return []
    operands = []
    for x in r.inputs:
        relation = _relation(x, part, wide)
        if relation is None:
            return []
        operands.append(Operand(relation, x))
    if r.fn in PAIRWISE:
        # the order of terms does not matter: those that lie alike shall be at one place
        operands.sort(key=lambda operand: operand.relation)
    return operands


def _relation(x: Node, part: Node, wide: Wide) -> Relation | None:
    """How an operand lies to the part; None where it does not fit."""
    if x in wide.columns_of and x.shape == part.shape:
        node, start = wide.columns_of[x]
        offset = start - wide.columns_of[part].start
        return Relation(Kind.COLUMNS, wide.position[node], offset)
    if _has_one_column(x):
        return Relation(Kind.SHARED, wide.position[x], 0)
    if x in wide.fixed and x.shape == part.shape[1:]:
        return Relation(Kind.FIXED, x.dtype.num, 0)
    return None


def _across(xs: Nodes, wide: Wide) -> Node:
    """The operands of neighbours as one."""
    first, last = xs[0], xs[-1]
    if first in wide.columns_of:
        node, start = wide.columns_of[first]
        stop = wide.columns_of[last].start + last.shape[1]
        return take_columns(node, start, stop)
    return first if _has_one_column(first) else wide.join(xs)


def _has_one_column(x: Node) -> bool:
    return x.ndim == 0 or x.shape[-1] == 1


def goes_on_in(reader: Node, n: Node) -> bool:
    """Whether the reader does something in the same step with each element of n."""
    if reader.time != n.time or reader.shape != n.shape:
        return False
    return elementwise(reader.fn)
