"""Sums of products with matrices side by side: x_1 W_1^T + x_2 W_2^T = [x_1, x_2] [W_1, W_2]^T."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np

from minigrad.compiler.families import Family, families
from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.primitives import total
from minigrad.compiler.views import roots

from .rebuild import replace_nodes
from .widen import Columns, join_columns, multiplies_few_rows, take_columns


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms x_k W_k^T of one total, the W_k columns of one matrix, from column start on."""

    into: Node
    terms: list[Node]
    matrix: Node
    start: int

    @property
    def operands(self) -> list[Node]:
        """The x_k."""
        return [term.inputs[0] for term in self.terms]


def widen_sums(graph: Graph) -> Graph:
    """Sums of x_k W_k^T whose W_k lie side by side as one product, of the x_k side by side.

    Who reads an x_k reads it there, so that nothing needs to be copied there. Only what is lower
    than all that it then depends on may change its operands: so no cycle arises. The same graph
    where there are none.
    """
    if not any(map(_is_joined_matrix, graph.nodes)):
        return graph
    readers = graph.readers()
    sums = sorted(_sums(graph, readers), key=lambda s: -len(s.terms))
    if not sums:
        return graph
    height = _heights(graph, readers)
    columns_of = _columns(sums, families(graph, roots(graph)))
    operands: dict[Node, list[Node]] = {}
    _join_products(sums, columns_of, height, operands)
    _read_columns(columns_of, readers, height, operands)
    instead = {}
    for n, xs in operands.items():
        lone = len(xs) == 1 < len(n.inputs)
        instead[n] = xs[0] if lone else replace(n, inputs=tuple(xs))
    return replace_nodes(graph, instead.values(), instead)


def _join_products(
    sums: list[Sum],
    columns_of: dict[Node, Columns],
    height: dict[Node, int],
    operands: dict[Node, list[Node]],
) -> None:
    """Let a sum read one product, where its x_k lie in one row as its W_k in one matrix.

    columns_of: where each x_k lies. height: see _heights. operands: what nodes are to read, entered
    here.
    """
    transposed: dict[tuple[Node, int, int], Node] = {}
    for s in sums:
        xs = s.operands
        if not _lie_in_order(xs, columns_of):
            continue
        row, start = columns_of[xs[0]]
        lowest = min(height[x] for x in (s.matrix, *row.inputs))
        if height[s.into] >= lowest:
            continue
        width = _width(xs)
        key = s.matrix, s.start, s.start + width
        if key not in transposed:
            transposed[key] = _transposed(take_columns(*key))
        columns = take_columns(row, start, start + width)
        product = s.terms[0].made(np.matmul, columns, transposed[key])
        others = [x for x in operands.get(s.into, s.into.inputs) if x not in s.terms]
        operands[s.into] = [*others, product]


def _lie_in_order(xs: list[Node], columns_of: dict[Node, Columns]) -> bool:
    """Whether all lie in one row, one behind the other."""
    if any(x not in columns_of for x in xs):
        return False
    row, start = columns_of[xs[0]]
    expected = [Columns(row, start + begin) for begin in _begins(xs)]
    return [columns_of[x] for x in xs] == expected


def _read_columns(
    columns_of: dict[Node, Columns],
    readers: dict[Node, list[Node]],
    height: dict[Node, int],
    operands: dict[Node, list[Node]],
) -> None:
    """Let who reads an x_k read it where it lies, if it is lower than all x_k there.

    The parameters are those of _join_products, and the readers of every node.
    """
    for x, (row, start) in columns_of.items():
        lowest = min(height[y] for y in row.inputs)
        for r in readers[x]:
            if height[r] < lowest:
                part = take_columns(row, start, start + x.shape[1])
                operands[r] = [part if y is x else y for y in operands.get(r, r.inputs)]


# --- which sums -----------------------------------------------------------------------------------
def _sums(graph: Graph, readers: dict[Node, list[Node]]) -> Iterator[Sum]:
    """The sums in the order of the graph."""
    place_of = _places_of_matrices(graph)
    outputs = set(graph.outputs)
    for n in graph.nodes:
        if n.fn is not total:
            continue
        alike = defaultdict[Any, list[tuple[int, Node]]](list)
        for term in n.inputs:
            read_once = len(readers[term]) == 1 and term not in outputs
            if read_once and term.shape == n.shape and _is_joinable(term, place_of):
                matrix, start = place_of[term.inputs[1].inputs[0]]
                alike[term.time, matrix].append((start, term))
        for (_, matrix), placed in alike.items():
            placed.sort(key=lambda pair: pair[0])
            terms = [term for _, term in placed]
            start = placed[0][0]
            expected = [start + begin for begin in _begins([t.inputs[0] for t in terms])]
            if len(terms) > 1 and [begin for begin, _ in placed] == expected:
                yield Sum(n, terms, matrix, start)


def _is_joinable(term: Node, place_of: dict[Node, Columns]) -> bool:
    """Whether a term is x_k W_k^T, W_k one of matrices side by side."""
    if term.fn is not np.matmul or not multiplies_few_rows(term):
        return False
    matrix = term.inputs[1]
    return matrix.fn is np.transpose and matrix.inputs[0] in place_of


def _places_of_matrices(graph: Graph) -> dict[Node, Columns]:
    """In which concatenation a matrix lies, and from which column on."""
    place_of = {}
    for n in graph.nodes:
        if _is_joined_matrix(n):
            for x, start in zip(n.inputs, _begins(n.inputs), strict=True):
                place_of[x] = Columns(n, start)
    return place_of


def _is_joined_matrix(n: Node) -> bool:
    """Whether n is matrices side by side, for all steps."""
    if n.fn is not np.concatenate or n.time is not None:
        return False
    return n.ndim == 2 and n.kwargs.get("axis") == 1


def _columns(sums: list[Sum], family_of: dict[Node, Family]) -> dict[Node, Columns]:
    """In which row each x_k and its likes at other steps shall lie, and from which column on."""
    columns_of: dict[Node, Columns] = {}
    taken = set[Family]()
    for s in sums:
        joined = [family_of[x] for x in s.operands if x in family_of]
        distinct = set(joined)
        if len(distinct) == len(s.terms) and taken.isdisjoint(distinct):
            taken.update(distinct)
            for xs in _members_by_step(joined):
                row = join_columns(xs, xs[0].time)
                for x, start in zip(xs, _begins(xs), strict=True):
                    columns_of[x] = Columns(row, start)
    return columns_of


def _members_by_step(joined: list[Family]) -> Iterator[tuple[Node, ...]]:
    """The members of all families at each step that all of them have."""
    by_time = [{member.time: member for member in family.members} for family in joined]
    for time in by_time[0]:
        if all(time in members for members in by_time):
            yield tuple([members[time] for members in by_time])


# --- widths and heights ---------------------------------------------------------------------------
def _begins(xs: Sequence[Node]) -> list[int]:
    """The first column of each, side by side."""
    ends = accumulate(x.shape[1] for x in xs)
    return [0, *ends][:-1]


def _width(xs: Sequence[Node]) -> int:
    return sum(x.shape[1] for x in xs)


def _transposed(x: Node) -> Node:
    return Node(np.transpose, (x,), {}, x.shape[::-1], x.dtype, x.time, x.place)


def _heights(graph: Graph, readers: dict[Node, list[Node]]) -> dict[Node, int]:
    """How far each node is from the last results that need it; operands are above their readers."""
    height: dict[Node, int] = {}
    for n in reversed(graph.nodes):
        height[n] = 1 + max((height[r] for r in readers[n]), default=0)
    return height
