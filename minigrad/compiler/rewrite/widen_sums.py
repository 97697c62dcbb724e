"""Sums of products with matrices that lie side by side: x_1 W_1^T + x_2 W_2^T = [x_1, x_2] [W_1, W_2]^T."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np

from minigrad.compiler.families import Family, families
from minigrad.compiler.graph import Graph, Node, roots

from .chains import total
from .widen import columns, joined, plain, replaced


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms x_k W_k^T of one sum, the W_k successive columns of one matrix."""

    into: Node
    terms: list[Node]
    matrix: Node
    start: int  # the first column


def summed_side_by_side(graph: Graph) -> Graph:
    """Sums of x_k W_k^T whose W_k lie side by side as one product: the x_k are put side by side, at every step.

    Who reads an x_k reads it there, so that nothing needs to be copied there. Only what is lower than all that it
    then depends on may change its operands: so no cycle arises.
    """
    if not any(map(_is_home, graph.nodes)):
        return graph
    readers = graph.readers()
    sums = list(_sums(graph, readers))
    if not sums:
        return graph
    height, lies = _heights(graph, readers), _lies(sums, families(graph, roots(graph)))
    turned: dict[tuple[Node, int, int], Node] = {}
    inputs: dict[Node, list[Node]] = {}  # what is to be read instead
    for s in sums:
        xs = [t.inputs[0] for t in s.terms]
        if not all(x in lies and lies[x][0] is lies[xs[0]][0] for x in xs):
            continue
        row, start = lies[xs[0]]
        begins = [lies[x][1] - start for x in xs]
        if begins != _begins(xs)[:-1] or height[s.into] >= min(
            height[x] for x in (s.matrix, *row.inputs)
        ):
            continue
        width = _begins(xs)[-1]
        key = s.matrix, s.start, s.start + width
        w = turned.setdefault(key, _transposed(columns(*key)))
        product = s.terms[0].made(np.matmul, columns(row, start, start + width), w)
        inputs[s.into] = [x for x in inputs.get(s.into, s.into.inputs) if x not in s.terms] + [
            product
        ]
    for x, (row, start) in lies.items():
        for r in readers[x]:
            if height[r] < min(height[y] for y in row.inputs):
                part = columns(row, start, start + x.shape[1])
                inputs[r] = [part if y is x else y for y in inputs.get(r, r.inputs)]
    instead = {
        n: xs[0] if len(xs) == 1 < len(n.inputs) else replace(n, inputs=tuple(xs))
        for n, xs in inputs.items()
    }
    return replaced(graph, instead.values(), instead)


def _sums(graph: Graph, readers: dict[Node, list[Node]]) -> Iterator[Sum]:
    """Find them, the longest first."""
    home: dict[Node, tuple[Node, int]] = {}
    for n in graph.nodes:
        if _is_home(n):
            home.update(
                {x: (n, start) for x, start in zip(n.inputs, _begins(n.inputs), strict=False)}
            )
    found, outputs = [], set(graph.outputs)
    for n in graph.nodes:
        alike = defaultdict[Any, list[tuple[int, Node]]](list)
        for term in n.inputs if n.fn is total else ():
            if (
                term.fn is np.matmul
                and len(readers[term]) == 1
                and term.shape == n.shape
                and plain(term)
            ):
                turned = term.inputs[1]
                if turned.fn is np.transpose and turned.inputs[0] in home and term not in outputs:
                    matrix, start = home[turned.inputs[0]]
                    alike[term.time, matrix].append((start, term))
        for (_, matrix), its in alike.items():
            starts, terms = zip(*sorted(its, key=lambda pair: pair[0]), strict=True)
            if (
                len(terms) > 1
                and [k - starts[0] for k in starts] == _begins([t.inputs[0] for t in terms])[:-1]
            ):
                found.append(Sum(n, list(terms), matrix, starts[0]))
    yield from sorted(found, key=lambda s: -len(s.terms))


def _is_home(n: Node) -> bool:
    """Whether n is matrices side by side, for all steps."""
    return n.fn is np.concatenate and n.time is None and n.ndim == 2 and n.kwargs.get("axis") == 1


def _begins(xs: Sequence[Node]) -> list[int]:
    """The first column of each, side by side, and the number of columns."""
    return [0, *accumulate(x.shape[1] for x in xs)]


def _transposed(x: Node) -> Node:
    return Node(np.transpose, (x,), {}, x.shape[::-1], x.dtype, x.time, x.place)


def _heights(graph: Graph, readers: dict[Node, list[Node]]) -> dict[Node, int]:
    """How far each node is from the last results that need it, at most; an operand is higher than its readers."""
    height: dict[Node, int] = {}
    for n in reversed(graph.nodes):
        height[n] = 1 + max((height[r] for r in readers[n]), default=0)
    return height


def _lies(sums: list[Sum], of: dict[Node, Family]) -> dict[Node, tuple[Node, int]]:
    """In which concatenation each x_k and its likes at other steps lie, and from which column on."""
    lies: dict[Node, tuple[Node, int]] = {}
    taken = set[Family | None]()
    for s in sums:
        its = [of.get(t.inputs[0]) for t in s.terms]
        if taken.isdisjoint(its) and None not in its and len(set(its)) == len(its):
            taken.update(its)
            by_time = [{m.time: m for m in f.members} for f in its if f is not None]
            for time in by_time[0]:
                if all(time in members for members in by_time):
                    xs = tuple([members[time] for members in by_time])
                    row = joined(xs, time)
                    lies.update(
                        {x: (row, start) for x, start in zip(xs, _begins(xs), strict=False)}
                    )
    return lies
