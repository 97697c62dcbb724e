"""Matrices side by side: [x W_1, x W_2] = x [W_1, W_2].

So the four products of an LSTM's step that share h_{t-1} are one, and what is done alike with each
is done once. That saves calls. Columns of one row lie in one piece; those of several rows do not,
and work on them takes longer by more than the calls saved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.primitives import PAIRWISE
from minigrad.compiler.traits import elementwise
from minigrad.ops.indexing import getitem

from .rebuild import replace_nodes

# wider batches: the joined columns of several rows lie apart in memory, and work on them is slower
MAX_ROWS = 1
# how far results are followed to find those that go on alike
FOLLOWED_STEPS = 3


class Columns(NamedTuple):
    """Where a result lies: in which wide result, from which column on."""

    wide: Node
    start: int


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


@dataclass(slots=True)
class Wide:
    """Results of one step as columns of one: where each lies, and what is new in the graph.

    position: of every node its place in the order of execution. fixed: what is the same in every
    step. columns_of: where a result lies. parts: the results that lie in a wide one. joined: fixed
    operands side by side.
    """

    readers: dict[Node, list[Node]]
    position: dict[Node, int]
    fixed: set[Node]
    columns_of: dict[Node, Columns] = field(default_factory=dict)
    parts: dict[Node, list[Node]] = field(default_factory=dict)
    joined: dict[tuple[Node, ...], Node] = field(default_factory=dict)

    def put(self, parts: list[Node], operands: list[Node]) -> Node:
        """One operation, on wide operands, in the stead of several."""
        first = parts[0]
        width = first.shape[-1]
        shape = (*first.shape[:-1], len(parts) * width)
        wide = replace(first, inputs=tuple(operands), shape=shape, name="")
        self.position[wide] = len(self.position)
        self.parts[wide] = parts
        for i, part in enumerate(parts):
            self.columns_of[part] = Columns(wide, i * width)
        return wide

    def join(self, parts: tuple[Node, ...]) -> Node:
        """What is the same in every step, side by side: one node for all steps."""
        if parts not in self.joined:
            self.joined[parts] = join_columns(parts, time=None)
        return self.joined[parts]


def widen(graph: Graph) -> Graph:
    """Products of one matrix with several fixed ones, and elementwise work on them, as one.

    The same graph where there are none.
    """
    groups = _products_by_operand(graph)
    if not groups:
        return graph
    fixed = _fixed(graph)
    groups = [[n for n in products if n.inputs[1] in fixed] for products in groups]
    groups = [products for products in groups if len(products) > 1]
    if not groups:
        return graph
    wide = Wide(graph.readers(), graph.positions(), fixed)
    orders: dict[frozenset[Node], dict[Node, int]] = {}
    for products in groups:
        weights = _in_one_order(products, orders, wide)
        start = wide.put(products, [products[0].inputs[0], wide.join(weights)])
        _lift(start, wide)
    instead = {}
    for n, (node, start_column) in wide.columns_of.items():
        instead[n] = take_columns(node, start_column, start_column + n.shape[1])
    new = [*wide.joined.values(), *wide.parts, *instead.values()]
    return replace_nodes(graph, new, instead)


# --- which products -------------------------------------------------------------------------------
def _products_by_operand(graph: Graph) -> list[list[Node]]:
    """The products of one step that share the first operand and the shape of the second."""
    groups = defaultdict[Any, list[Node]](list)
    for n in graph.nodes:
        if n.fn is np.matmul and n.time is not None and multiplies_few_rows(n):
            groups[n.inputs[0], n.time, n.inputs[1].shape].append(n)
    return [products for products in groups.values() if len(products) > 1]


def multiplies_few_rows(n: Node) -> bool:
    """Whether a product is one of real matrices, the first with few enough rows."""
    if n.dtype.kind != "f" or any(x.ndim != 2 or x.dtype != n.dtype for x in n.inputs):
        return False
    return n.shape[0] <= MAX_ROWS


def _fixed(graph: Graph) -> set[Node]:
    """What is the same in every step: leaves, and what is computed outside from these."""
    fixed = set[Node]()
    for n in graph.nodes:
        outside = n.time is None or n.fn is np.transpose
        if n.fn is None or (outside and fixed.issuperset(n.inputs)):
            fixed.add(n)
    return fixed


def _in_one_order(
    products: list[Node], orders: dict[frozenset[Node], dict[Node, int]], wide: Wide
) -> tuple[Node, ...]:
    """Sort products as those with the same matrices were sorted first; the matrices in that order.

    orders: for each set of matrices the place of each, entered here.
    """
    weights = frozenset(n.inputs[1] for n in products)
    if weights not in orders:
        products.sort(key=lambda n: _continuation(n, wide))
        orders[weights] = {n.inputs[1]: i for i, n in enumerate(products)}
    products.sort(key=lambda n: orders[weights][n.inputs[1]])
    return tuple([n.inputs[1] for n in products])


def _continuation(n: Node, wide: Wide) -> tuple[str, int]:
    """A key that makes results that go on alike neighbours; among these, by who is read first."""
    first_reader = min((wide.position[r] for r in wide.readers[n]), default=0)
    return _way(n, wide, FOLLOWED_STEPS), first_reader


def _way(n: Node, wide: Wide, steps: int) -> str:
    """How a result goes on, as text, so many operations far."""
    if steps == 0:
        return ""
    ways = []
    for r in wide.readers[n]:
        if r.time == n.time and r.shape == n.shape and elementwise(r.fn):
            ways.append(f"{getattr(r.fn, '__name__', '')}({_way(r, wide, steps - 1)})")
    return ",".join(sorted(ways))


# --- what is done alike with their results --------------------------------------------------------
def _lift(start: Node, wide: Wide) -> None:
    """Do what is done alike with neighbouring columns once; and so on with the results."""
    stack = [start]
    while stack:
        parts = wide.parts[stack.pop()]
        for members in _alike(parts, wide):
            for run in neighbours(members):
                readers = [members[i][0] for i in run]
                operands = [members[i][1] for i in run]
                if len(run) > 1 and not any(r in wide.columns_of for r in readers):
                    across = zip(*operands, strict=True)
                    stack.append(wide.put(readers, [_across(xs, wide) for xs in across]))


def _alike(parts: list[Node], wide: Wide) -> Iterable[dict[int, tuple[Node, tuple[Node, ...]]]]:
    """What is done alike with some parts: by the part's number the operation and its operands."""
    alike = defaultdict[Any, dict[int, tuple[Node, tuple[Node, ...]]]](dict)
    for i, part in enumerate(parts):
        for r in wide.readers[part]:
            operands = _operands(r, part, wide)
            if operands:
                relations, nodes = zip(*operands, strict=True)
                alike[r.fn, r.dtype, r.time, relations].setdefault(i, (r, nodes))
    return alike.values()


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
    if r.time != part.time or r.shape != part.shape or r in wide.columns_of:
        return []
    if r.kwargs or not elementwise(r.fn):
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


def _across(xs: tuple[Node, ...], wide: Wide) -> Node:
    """The operands of neighbours as one."""
    first, last = xs[0], xs[-1]
    if first in wide.columns_of:
        node, start = wide.columns_of[first]
        stop = wide.columns_of[last].start + last.shape[1]
        return take_columns(node, start, stop)
    return first if _has_one_column(first) else wide.join(xs)


def _has_one_column(x: Node) -> bool:
    return x.ndim == 0 or x.shape[-1] == 1


# --- nodes for columns ----------------------------------------------------------------------------
def join_columns(parts: tuple[Node, ...], time: int | None) -> Node:
    """The concatenation along the last axis."""
    x = parts[0]
    width = sum(part.shape[-1] for part in parts)
    keywords = {"axis": x.ndim - 1}
    return Node(np.concatenate, parts, keywords, (*x.shape[:-1], width), x.dtype, time, x.place)


def take_columns(x: Node, start: int, stop: int) -> Node:
    """x[:, start:stop]."""
    rows, width = x.shape
    if (start, stop) == (0, width):
        return x
    keywords = {"index": (slice(None), slice(start, stop))}
    return Node(getitem, (x,), keywords, (rows, stop - start), x.dtype, x.time, x.place)
