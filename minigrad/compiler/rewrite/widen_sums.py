"""Sums of products with matrices side by side: x_1 W_1^T + x_2 W_2^T = [x_1, x_2] [W_1, W_2]^T."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigrad.compiler.families import Family, families
from minigrad.compiler.graph import Graph, Node, Readers
from minigrad.compiler.primitives import total
from minigrad.compiler.views import roots

from .columns import Columns, Nodes, join_columns, take_columns
from .rebuild import replace_nodes
from .widen import multiplies_few_rows

Places = dict[Node, Columns]
Heights = dict[Node, int]
Operands = dict[Node, list[Node]]


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms x_k W_k^T of one total, the W_k columns of one matrix, from column start on."""

    into: Node
    terms: list[Node]
    matrix: Node
    start: int

    @property
    def operands(self) -> Nodes:
        """The x_k."""
        return tuple([term.inputs[0] for term in self.terms])


def widen_sums(graph: Graph) -> Graph:
    """Sums of x_k W_k^T whose W_k lie side by side as one product, of the x_k side by side.

    Who reads an x_k reads it there, so that nothing needs to be copied there. Only what is lower
    than all that it then depends on may change its operands: so no cycle arises. The same graph
    where there are none.
    """
    if not any(map(_is_joined_matrix, graph.nodes)):
        return graph
    readers = graph.readers()
    sums = list(_sums(graph, readers))
    sums.sort(key=lambda s: -len(s.terms))
    if not sums:
        return graph
    height = _heights(graph, readers)
    columns_of = _columns(sums, families(graph, roots(graph)))
    operands: Operands = {}
    _join_products(sums, columns_of, height, operands)
    _read_columns(columns_of, readers, height, operands)
    instead = {}
    for n, xs in operands.items():
        # a total of one term is the term
        if len(xs) == 1 < len(n.inputs):
            instead[n] = xs[0]
        else:
            instead[n] = replace(n, inputs=tuple(xs))
    return replace_nodes(graph, instead.values(), instead)


def _join_products(
    sums: list[Sum],
    columns_of: Places,
    height: Heights,
    operands: Operands,
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
        lowest = min(height[x] for x in row.inputs)
        if height[s.into] >= min(lowest, height[s.matrix]):
            continue
        width = _width(xs)
        key = s.matrix, s.start, s.start + width
        if key not in transposed:
            transposed[key] = _transposed(take_columns(*key))
        columns = take_columns(row, start, start + width)
        first = s.terms[0]
        product = first.made(np.matmul, columns, transposed[key])
        read = operands.get(s.into, s.into.inputs)
        others = [x for x in read if x not in s.terms]
        operands[s.into] = [*others, product]


def _lie_in_order(xs: Nodes, columns_of: Places) -> bool:
    """Whether all lie in one row, one behind the other."""
    if any(x not in columns_of for x in xs):
        return False
    places = [columns_of[x] for x in xs]
    row, start = places[0]
    return places == [Columns(row, begin) for begin in _begins(xs, start)]


def _read_columns(
    columns_of: Places,
    readers: Readers,
    height: Heights,
    operands: Operands,
) -> None:
    """Let who reads an x_k read it where it lies, if it is lower than all x_k there.

    The parameters are those of _join_products, and the readers of every node.
    """
    for x, (row, start) in columns_of.items():
        lowest = min(height[y] for y in row.inputs)
        for r in readers[x]:
            if height[r] < lowest:
                part = take_columns(row, start, start + x.shape[1])
                read = operands.get(r, r.inputs)
                operands[r] = [part if y is x else y for y in read]


# --- which sums -----------------------------------------------------------------------------------
def _sums(graph: Graph, readers: Readers) -> Iterator[Sum]:
    """The sums in the order of the graph."""
    place_of = _places_of_matrices(graph)
    outputs = set(graph.outputs)
    for n in graph.nodes:
        if n.fn is total:
            inner = [x for x in n.inputs if x not in outputs]
            once = [x for x in inner if len(readers[x]) == 1]
            terms_of = _terms_by_matrix(n, once, place_of)
            for (_, matrix), terms in terms_of.items():
                found = _successive(n, terms, matrix, place_of)
                if found is not None:
                    yield found


def _terms_by_matrix(n: Node, terms: list[Node], place_of: Places) -> dict[Any, list[Node]]:
    """The terms x_k W_k^T of a sum, of one step and with matrices W_k that lie in one."""
    alike = defaultdict[Any, list[Node]](list)
    for term in terms:
        if term.shape == n.shape and _is_joinable(term, place_of):
            matrix = place_of[_untransposed(term)].wide
            alike[term.time, matrix].append(term)
    return alike


def _successive(n: Node, terms: list[Node], matrix: Node, place_of: Places) -> Sum | None:
    """The sum of those terms, if there are several and their matrices lie one behind the other."""
    terms.sort(key=lambda term: place_of[_untransposed(term)].start)
    starts = [place_of[_untransposed(term)].start for term in terms]
    found = Sum(n, terms, matrix, starts[0])
    if len(terms) > 1 and starts == _begins(found.operands, found.start):
        return found
    return None


def _is_joinable(term: Node, place_of: Places) -> bool:
    """Whether a term is x_k W_k^T, W_k one of matrices side by side."""
    if not multiplies_few_rows(term):
        return False
    matrix = term.inputs[1]
    return matrix.fn is np.transpose and matrix.inputs[0] in place_of


def _untransposed(term: Node) -> Node:
    """W_k of x_k W_k^T."""
    return term.inputs[1].inputs[0]


def _places_of_matrices(graph: Graph) -> Places:
    """In which concatenation a matrix lies, and from which column on."""
    place_of: Places = {}
    for n in graph.nodes:
        if _is_joined_matrix(n):
            place_of.update(_places_in(n))
    return place_of


def _is_joined_matrix(n: Node) -> bool:
    """Whether n is matrices side by side, for all steps."""
    if n.fn is not np.concatenate or n.time is not None:
        return False
    return n.ndim == 2 and n.kwargs.get("axis") == 1


def _places_in(joined: Node) -> Places:
    """Where each operand of a concatenation begins."""
    starts = _begins(joined.inputs, 0)
    columns = [Columns(joined, start) for start in starts]
    return dict(zip(joined.inputs, columns, strict=True))


def _columns(sums: list[Sum], family_of: dict[Node, Family]) -> Places:
    """In which row each x_k and its likes at other steps shall lie, and from which column on."""
    columns_of: Places = {}
    taken = set[Family]()
    for s in sums:
        joined = [family_of[x] for x in s.operands if x in family_of]
        distinct = set(joined)
        if len(distinct) == len(s.terms) and taken.isdisjoint(distinct):
            taken.update(distinct)
            for xs in _members_by_step(joined):
                row = join_columns(xs, xs[0].time)
                columns_of.update(_places_in(row))
    return columns_of


def _members_by_step(joined: list[Family]) -> Iterator[Nodes]:
    """The members of all families at each step that all of them have."""
    by_time = []
    for family in joined:
        by_time.append({member.time: member for member in family.members})
    for time in by_time[0]:
        if all(time in members for members in by_time):
            yield tuple([members[time] for members in by_time])


# --- widths and heights ---------------------------------------------------------------------------
def _begins(xs: Nodes, start: int) -> list[int]:
    """The first column of each, side by side from start on."""
    begins = []
    for x in xs:
        begins.append(start)
        start += x.shape[1]
    return begins


def _width(xs: Nodes) -> int:
    return sum(x.shape[1] for x in xs)


def _transposed(x: Node) -> Node:
    shape = x.shape[::-1]
    return Node(np.transpose, (x,), {}, shape, x.dtype, x.time, x.place)


def _heights(graph: Graph, readers: Readers) -> Heights:
    """How far each node is from the last results that need it; operands are above their readers."""
    height: Heights = {}
    for n in reversed(graph.nodes):
        below = [height[r] for r in readers[n]]
        height[n] = 1 + max(below, default=0)
    return height
