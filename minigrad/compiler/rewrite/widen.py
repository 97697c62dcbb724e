"""Matrices side by side: [x W_1, x W_2] = x [W_1, W_2].

So the four products of an LSTM's step that share h_{t-1} are one, and what is done alike with each is done once.
That saves calls. Columns of one row lie in one piece; those of several rows do not, and work on them takes longer by
more than the calls saved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minigrad.compiler.capabilities import elementwise
from minigrad.compiler.graph import Graph, Node, ordered
from minigrad.ops.indexing import getitem

from .chains import STEP

ROWS = 1  # at most


@dataclass(slots=True)
class Wide:
    """Results of one step as columns of one: where each lies, and what is new in the graph."""

    readers: dict[Node, list[Node]]
    rank: dict[Node, int]
    fixed: set[Node]
    at: dict[Node, tuple[Node, int]] = field(
        default_factory=dict
    )  # in which result, from which column on
    parts: dict[Node, list[Node]] = field(default_factory=dict)  # the other way round
    joined: dict[tuple[Node, ...], Node] = field(
        default_factory=dict
    )  # what is the same in every step, side by side

    def put(self, parts: list[Node], *operands: Node) -> Node:
        """One operation, on wide operands, in the stead of several."""
        first, width = parts[0], parts[0].shape[-1]
        shape = (*first.shape[:-1], len(parts) * width)
        wide = replace(first, inputs=operands, shape=shape, name="")
        self.rank[wide], self.parts[wide] = len(self.rank), parts
        self.at.update({part: (wide, i * width) for i, part in enumerate(parts)})
        return wide

    def join(self, parts: tuple[Node, ...]) -> Node:
        """What is the same in every step, side by side: one node for all steps."""
        if parts not in self.joined:
            self.joined[parts] = joined(parts, time=None)
        return self.joined[parts]


def joined(parts: tuple[Node, ...], time: int | None) -> Node:
    """The concatenation along the last axis."""
    x = parts[0]
    shape = (*x.shape[:-1], sum(p.shape[-1] for p in parts))
    return Node(np.concatenate, parts, {"axis": x.ndim - 1}, shape, x.dtype, time, x.place)


def columns(x: Node, start: int, stop: int) -> Node:
    """x[:, start:stop]."""
    if (start, stop) == (0, x.shape[1]):
        return x
    index = {"index": (slice(None), slice(start, stop))}
    return Node(getitem, (x,), index, (x.shape[0], stop - start), x.dtype, x.time, x.place)


def side_by_side(graph: Graph) -> Graph:
    """Products of one matrix with several that are the same in every step, and elementwise work on them, as one."""
    groups = defaultdict[Any, list[Node]](list)
    for n in graph.nodes:
        if n.fn is np.matmul and n.time is not None and plain(n):
            groups[n.inputs[0], n.time, n.inputs[1].shape].append(n)
    if all(len(its) < 2 for its in groups.values()):
        return graph
    fixed = _fixed(graph)
    alike = [[n for n in its if n.inputs[1] in fixed] for its in groups.values()]
    found = [its for its in alike if len(its) > 1]
    if not found:
        return graph
    wide = Wide(graph.readers(), {n: i for i, n in enumerate(graph.nodes)}, fixed)
    orders: dict[frozenset[Node], dict[Node, int]] = {}
    for its in found:
        weights = frozenset(n.inputs[1] for n in its)
        if weights not in orders:
            its.sort(
                key=lambda n: (
                    _way(n, wide, 3),
                    min((wide.rank[r] for r in wide.readers[n]), default=0),
                )
            )
            orders[weights] = {n.inputs[1]: i for i, n in enumerate(its)}
        its.sort(key=lambda n: orders[weights][n.inputs[1]])
        _lift(wide.put(its, its[0].inputs[0], wide.join(tuple(n.inputs[1] for n in its))), wide)
    instead = {n: columns(w, start, start + n.shape[1]) for n, (w, start) in wide.at.items()}
    return replaced(graph, [*wide.joined.values(), *wide.parts, *instead.values()], instead)


def _fixed(graph: Graph) -> set[Node]:
    """What is the same in every step: leaves, their transposes, and what is computed outside the steps from these."""
    fixed = set[Node]()
    for n in graph.nodes:
        if n.fn is None or (
            (n.time is None or n.fn is np.transpose) and all(x in fixed for x in n.inputs)
        ):
            fixed.add(n)
    return fixed


def plain(n: Node) -> bool:
    """Whether n is a product of matrices and few enough rows."""
    return (
        n.dtype.kind == "f"
        and all(x.ndim == 2 and x.dtype == n.dtype for x in n.inputs)
        and n.shape[0] <= ROWS
    )


def _way(n: Node, wide: Wide, steps: int) -> str:
    """How a result goes on, as text, a few operations far: those that go on alike shall be neighbours."""
    if not steps:
        return ""
    ways = [
        f"{getattr(r.fn, '__name__', '')}({_way(r, wide, steps - 1)})"
        for r in wide.readers[n]
        if r.time == n.time and r.shape == n.shape and elementwise(r.fn)
    ]
    return ",".join(sorted(ways))


def _lift(start: Node, wide: Wide) -> None:
    """Do what is done alike with neighbouring columns once with all of them; and so on with the results."""
    stack = [start]
    while stack:
        parts = wide.parts[stack.pop()]
        alike = defaultdict[Any, dict[int, tuple[Node, list[Any]]]](dict)
        for i, part in enumerate(parts):
            for r in wide.readers[part]:
                operands = _operands(r, part, wide)
                if operands is not None:
                    key = (r.fn, r.dtype, r.time, tuple(what for what, _ in operands))
                    alike[key].setdefault(i, (r, [x for _, x in operands]))
        for members in alike.values():
            for run in neighbours(members):
                its, rows = zip(*[members[i] for i in run], strict=True)
                if len(its) > 1 and not any(r in wide.at for r in its):
                    stack.append(
                        wide.put(list(its), *[_across(xs, wide) for xs in zip(*rows, strict=True)])
                    )


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


def _operands(r: Node, part: Node, wide: Wide) -> list[tuple[Any, Node]] | None:
    """What r reads besides the part and how it lies to it, the same for its neighbours if they can be done at once."""
    if (
        r.time != part.time
        or r in wide.at
        or r.kwargs
        or not elementwise(r.fn)
        or r.shape != part.shape
    ):
        return None
    found: list[tuple[Any, Node]] = []
    for x in r.inputs:
        if x in wide.at and x.shape == part.shape:
            found.append(((0, wide.rank[wide.at[x][0]], wide.at[x][1] - wide.at[part][1]), x))
        elif not x.ndim or x.shape[-1] == 1:
            found.append(((1, wide.rank[x], 0), x))
        elif x in wide.fixed and x.shape == part.shape[1:]:
            found.append(((2, x.dtype.num, 0), x))
        else:
            return None
    return sorted(found, key=lambda pair: pair[0]) if r.fn in STEP else found


def _across(xs: tuple[Node, ...], wide: Wide) -> Node:
    """The operands of neighbours as one."""
    if xs[0] in wide.at:
        (source, start), (_, last) = wide.at[xs[0]], wide.at[xs[-1]]
        return columns(source, start, last + xs[-1].shape[1])
    return xs[0] if not xs[0].ndim or xs[0].shape[-1] == 1 else wide.join(xs)


def replaced(graph: Graph, new: Iterable[Node], instead: dict[Node, Node]) -> Graph:
    """The graph with new nodes, and with others in the stead of some."""
    fresh: dict[Node, Node] = {}
    stack = [*graph.nodes, *new]
    while stack:
        n = stack.pop()
        if n not in fresh:
            fresh[n] = n.with_inputs(())  # for now
            stack += [x for x in n.inputs if x not in fresh]
    for n, copy in fresh.items():
        if n.inputs:
            copy.inputs = tuple([fresh[instead.get(x, x)] for x in n.inputs])
    return ordered(tuple(fresh[instead.get(o, o)] for o in graph.outputs))
