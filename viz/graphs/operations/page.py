"""Operations on a page: what stands beside its reader, and where edges pass the rows between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from minigrad.viz.graphs.canvas import Point

from .barycentre import GAP_POINTS, Node

# From a leaf to the reader that it stands beside.
BESIDE_POINTS = 16.0

LEFT = 0
RIGHT = 1
Edge = tuple[Node, Node]
Links = dict[Node, list[Node]]


class Lane(NamedTuple):
    """Where the edges from one tail pass a row."""

    tail: Node
    row: int


class Place(NamedTuple):
    """Of a leaf: its one reader, and on which side of it the leaf stands."""

    reader: Node
    side: int


@dataclass
class Page:
    """The nodes in the order of execution with their width and height, and what joins them."""

    sizes: Mapping[Node, Point]
    edges: Sequence[Edge]
    rows: dict[Node, int] = field(default_factory=dict)

    @cached_property
    def inputs(self) -> Links:
        """What each node reads, in the order of its operands."""
        return self._links((head, tail) for tail, head in self.edges)

    @cached_property
    def readers(self) -> Links:
        """What reads each node."""
        return self._links(self.edges)

    def _links(self, pairs: Iterable[Edge]) -> Links:
        """What is paired with each node, once."""
        links: Links = {n: [] for n in self.sizes}
        for n, other in dict.fromkeys(pairs):
            links[n].append(other)
        return links

    @cached_property
    def beside(self) -> dict[Node, Place]:
        """The leaves that stand beside their one reader: one at most on each side."""
        beside: dict[Node, Place] = {}
        for n, inputs in self.inputs.items():
            leaves = [x for x in inputs if self._is_leaf_of(n, x)]
            # The flow comes from below, if from a leaf.
            if len(leaves) == len(inputs):
                leaves = leaves[1:]
            first: dict[int, Node] = {}
            for x in leaves:
                side = LEFT if x == inputs[0] else RIGHT
                first.setdefault(side, x)
            for side, x in first.items():
                beside[x] = Place(n, side)
        return beside

    def _is_leaf_of(self, reader: Node, x: Node) -> bool:
        return not self.inputs[x] and self.readers[x] == [reader]

    @cached_property
    def reach(self) -> dict[Node, tuple[float, float]]:
        """How far each node and what stands beside it reach to the left and to the right."""
        ends: dict[Node, list[float]] = {}
        for n, (wide, _) in self.sizes.items():
            ends[n] = [wide / 2, wide / 2]
        for x, place in self.beside.items():
            wide, _ = self.sizes[x]
            ends[place.reader][place.side] += BESIDE_POINTS + wide
        reach = {}
        for n, (left, right) in ends.items():
            if n not in self.beside:
                reach[n] = left, right
        return reach

    def room(self, n: Node) -> float:
        """How much of a row a node needs."""
        return sum(self.reach[n]) + GAP_POINTS

    @cached_property
    def lanes(self) -> dict[Node, list[Lane]]:
        """The lanes of each node: through all rows up to that below its last reader."""
        lanes = {}
        for n, row in self.rows.items():
            readers = [self.rows[r] for r in self.readers[n]]
            last = max(readers, default=row)
            lanes[n] = [Lane(n, between) for between in range(row + 1, last)]
        return lanes

    @property
    def widest(self) -> float:
        """The width of the widest row."""
        wide: defaultdict[int, float] = defaultdict(float)
        for n, row in self.rows.items():
            wide[row] += self.room(n)
            for lane in self.lanes[n]:
                wide[lane.row] += GAP_POINTS
        return max(wide.values(), default=0.0)

    def rises(self, edge: Edge) -> bool:
        """Whether an edge leads up, row by row."""
        tail, head = edge
        return tail not in self.beside and self.rows[tail] < self.rows[head]

    def way(self, edge: Edge) -> list[Node]:
        """The tail, the lanes and the head of an edge that rises."""
        tail, head = edge
        passed = self.rows[head] - self.rows[tail] - 1
        return [tail, *self.lanes[tail][:passed], head]

    @property
    def pieces(self) -> list[Edge]:
        """What ways join from row to row, each once."""
        pieces: dict[Edge, None] = {}
        for edge in self.edges:
            if self.rises(edge):
                pairs = pairwise(self.way(edge))
                pieces.update(dict.fromkeys(pairs))
        return list(pieces)
