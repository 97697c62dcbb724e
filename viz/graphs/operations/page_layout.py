"""Where the operations of a tape without steps stand: rows that rise with the flow, on one page.

Values rise, as they do within a step and in the figures of papers, so that a backward pass has its
place above the loss. A leaf with one reader stands beside it, the others below their readers. Rows
are filled as far as a page is wide (Coffman and Graham, 1972); an edge that passes rows has a lane
of its own through them (Sugiyama, Tagawa and Toda, 1981).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.routing import HEAD_POINTS, Path, Station, rising

from .barycentre import GAP_POINTS, Across, Node, Part, settle
from .straight import straighten

PAGE_POINTS = 680.0
# From a leaf to the reader that it stands beside; from row to row.
BESIDE_POINTS = 16.0
ROW_GAP_POINTS = 19.0
# Between the arrows that end at one box, and from its corners.
PORT_POINTS = 14.0
CORNER_POINTS = 5.0
# How much harder than a single edge the pieces of a lane pull, and what has one reader only.
LANE_PULL = 4
ONLY_PULL = 3
# Where lanes leave too little room, rows are filled less.
SHRINK = 0.9
LEAST_SHARE = 0.3

LEFT = 0
RIGHT = 1
Edge = tuple[Node, Node]
Links = dict[Node, list[Node]]


class Lane(NamedTuple):
    """Where the edges from one tail pass a row."""

    tail: Node
    row: int


class Placed(NamedTuple):
    """The centre of each node; the path of each edge."""

    centres: dict[Node, Point]
    paths: list[Path | None]


@dataclass
class _Page:
    """The nodes in the order of execution with their width and height, and what joins them."""

    sizes: Mapping[Node, Point]
    edges: Sequence[Edge]
    rows: dict[Node, int] = field(default_factory=dict)

    @cached_property
    def inputs(self) -> Links:
        """What each node reads, in the order of its operands."""
        links: Links = {n: [] for n in self.sizes}
        for a, b in dict.fromkeys(self.edges):
            links[b].append(a)
        return links

    @cached_property
    def readers(self) -> Links:
        """What reads each node."""
        links: Links = {n: [] for n in self.sizes}
        for a, b in dict.fromkeys(self.edges):
            links[a].append(b)
        return links

    @cached_property
    def beside(self) -> dict[Node, tuple[Node, int]]:
        """The leaves that stand beside their one reader, each with it and the side."""
        found: dict[Node, tuple[Node, int]] = {}
        for n, inputs in self.inputs.items():
            leaves = [x for x in inputs if not self.inputs[x] and self.readers[x] == [n]]
            # The flow comes from below, if from a leaf.
            if len(leaves) == len(inputs):
                leaves = leaves[1:]
            taken: set[int] = set()
            for x in leaves:
                side = LEFT if x == inputs[0] else RIGHT
                if side not in taken:
                    taken.add(side)
                    found[x] = n, side
        return found

    @cached_property
    def reach(self) -> dict[Node, tuple[float, float]]:
        """How far each node and what stands beside it reach to the left and to the right."""
        reach = {n: [wide / 2, wide / 2] for n, (wide, _) in self.sizes.items()}
        for x, (n, side) in self.beside.items():
            reach[n][side] += BESIDE_POINTS + self.sizes[x][0]
        return {n: (left, right) for n, (left, right) in reach.items() if n not in self.beside}

    @cached_property
    def lanes(self) -> dict[Node, list[Lane]]:
        """The lanes of each node: through all rows up to that below its last reader."""
        lanes = {}
        for n, row in self.rows.items():
            last = max((self.rows[r] for r in self.readers[n]), default=row)
            lanes[n] = [Lane(n, between) for between in range(row + 1, last)]
        return lanes

    @property
    def widest(self) -> float:
        """The width of the widest row."""
        wide: defaultdict[int, float] = defaultdict(float)
        for n, row in self.rows.items():
            wide[row] += sum(self.reach[n]) + GAP_POINTS
            for lane in self.lanes[n]:
                wide[lane.row] += GAP_POINTS
        return max(wide.values(), default=0.0)

    def way(self, edge: Edge) -> list[Node]:
        """The tail, the lanes and the head of an edge that rises."""
        tail, head = edge
        passed = self.rows[head] - self.rows[tail] - 1
        return [tail, *self.lanes[tail][:passed], head]


def on_a_page(sizes: Mapping[Any, Point], edges: Sequence[tuple[Any, Any]]) -> Placed:
    """Places of nodes and paths of edges, given the nodes in the order of execution.

    sizes: width and height of each node in points. No two nodes overlap, and no path runs through a
    node. An edge against the flow has no path.
    """
    # Nodes may be compared by what they hold: here they are numbers.
    number = {n: i for i, n in enumerate(sizes)}
    sizes_by_number = dict(enumerate(sizes.values()))
    numbered = [(number[a], number[b]) for a, b in edges]
    share = 1.0
    while True:
        page = _Page(sizes_by_number, numbered)
        _fill_rows(page, share * PAGE_POINTS)
        if page.widest <= PAGE_POINTS or share < LEAST_SHARE:
            break
        share *= SHRINK
    paths = _Paths(page, _across(page), *_heights(page))
    centres = paths.centres
    return Placed(
        {n: centres[i] for n, i in number.items()}, list(map(paths.of, range(len(edges))))
    )


# --- rows -----------------------------------------------------------------------------------------
def _fill_rows(page: _Page, room: float) -> None:
    """Give each node the lowest row above its inputs with room; then closer to its readers."""
    used: defaultdict[int, float] = defaultdict(float)

    def put(n: Node, rows: Iterator[int] | range) -> None:
        wide = sum(page.reach[n]) + GAP_POINTS
        row = next((r for r in rows if used[r] + wide <= room or not used[r]), None)
        if row is not None:
            used[page.rows.get(n, row)] -= wide if n in page.rows else 0.0
            page.rows[n] = row
            used[row] += wide

    core = [n for n in page.sizes if n not in page.beside]
    far = len(page.sizes)
    leaves = [n for n in core if not page.inputs[n] and page.readers[n]]
    is_leaf = set(leaves)
    for n in core:
        if n not in is_leaf:
            below = [page.rows[x] for x in page.inputs[n] if x in page.rows]
            first = max(below, default=-1) + 1
            put(n, range(first, first + far))
    for n in reversed(core):
        if n in is_leaf:
            last = min(page.rows[r] for r in page.readers[n]) - 1
            put(n, range(last, last - far, -1))
            continue
        above = [page.rows[r] for r in page.readers[n]]
        inputs = [x for x in page.inputs[n] if x not in page.beside and x not in is_leaf]
        if above and len(inputs) < len(above):
            put(n, range(min(above) - 1, page.rows[n], -1))


def _heights(page: _Page) -> tuple[dict[int, float], dict[int, float]]:
    """The lower and the upper end of each row."""
    tall: dict[int, float] = {}
    for n, (_, height) in page.sizes.items():
        reader = page.beside[n][0] if n in page.beside else n
        row = page.rows[reader]
        tall[row] = max(tall.get(row, 0.0), height)
    bottom: dict[int, float] = {}
    top: dict[int, float] = {}
    y = 0.0
    for row in range(min(tall, default=0), max(tall, default=-1) + 1):
        bottom[row] = y
        top[row] = y + tall.get(row, 0.0)
        y = top[row] + ROW_GAP_POINTS
    return bottom, top


def _across(page: _Page) -> Across:
    """The x of each node and lane."""
    near: Links = {n: [] for n in page.rows}
    level = {n: (0, row) for n, row in page.rows.items()}
    reach = {n: page.reach[n] for n in page.rows}
    for lanes in page.lanes.values():
        for lane in lanes:
            near[lane] = []
            level[lane] = 0, lane.row
            reach[lane] = 0.0, 0.0
    joined: dict[Edge, None] = {}
    for edge in page.edges:
        if edge[0] in page.beside or page.rows[edge[0]] >= page.rows[edge[1]]:
            continue
        for a, b in pairwise(page.way(edge)):
            if (a, b) not in joined:
                joined[a, b] = None
                pull = _pull(a, b, page)
                near[a] += [b] * pull
                near[b] += [a] * pull
    nodes = [*page.rows, *(lane for lanes in page.lanes.values() for lane in lanes)]
    x: Across = {}
    half = PAGE_POINTS / 2
    part = Part(nodes, level, reach, near, page=(-half, half))
    settle(part, x)
    straighten(part, joined, lambda n: isinstance(n, Lane), x)
    return x


def _pull(a: Node, b: Node, page: _Page) -> int:
    """How hard two neighbours pull at each other."""
    if isinstance(a, Lane) and isinstance(b, Lane):
        return LANE_PULL
    is_only = not isinstance(a, Lane) and len(page.readers[a]) == 1
    return ONLY_PULL if is_only else 1


# --- paths ----------------------------------------------------------------------------------------
@dataclass
class _Paths:
    """The paths between places: where the arrows at each box begin and end, side by side."""

    page: _Page
    x: Across
    bottom: Mapping[int, float]
    top: Mapping[int, float]

    @cached_property
    def centres(self) -> dict[Node, Point]:
        """The middle of each box."""
        page = self.page
        centres: dict[Node, Point] = {}
        for n, row in page.rows.items():
            centres[n] = self.x[n], (self.bottom[row] + self.top[row]) / 2
        for n, (reader, side) in page.beside.items():
            middle, y = centres[reader]
            distance = (page.sizes[reader][0] + page.sizes[n][0]) / 2 + BESIDE_POINTS
            centres[n] = middle + (distance if side == RIGHT else -distance), y
        return centres

    @cached_property
    def ways(self) -> list[list[Node]]:
        """The nodes and lanes of each edge; none for one that does not rise."""
        ways = []
        for tail, head in self.page.edges:
            rises = tail in self.page.rows and self.page.rows[tail] < self.page.rows[head]
            ways.append(self.page.way((tail, head)) if rises else [])
        return ways

    @cached_property
    def begins(self) -> dict[int, float]:
        """The x at which each edge leaves its tail."""
        return self._ports(0, 1)

    @cached_property
    def ends(self) -> dict[int, float]:
        """The x at which each edge comes to its head."""
        return self._ports(-1, -2)

    def _ports(self, end: int, next_to: int) -> dict[int, float]:
        """Side by side in the order of where the edges come from; those of one lane together."""
        at: defaultdict[Node, list[int]] = defaultdict(list)
        for i, way in enumerate(self.ways):
            if way:
                at[way[end]].append(i)
        ports: dict[int, float] = {}
        for n, edges in at.items():
            next_x = {i: self.x[self.ways[i][next_to]] for i in edges}
            edges.sort(key=next_x.__getitem__)
            lines = [self.ways[i][next_to] if end == 0 else i for i in edges]
            order = list(dict.fromkeys(lines))
            # What is upright anyway ends in the middle.
            upright = [lines[k] for k, i in enumerate(edges) if abs(next_x[i] - self.x[n]) < 1]
            middle = order.index(upright[0]) if upright else (len(order) - 1) / 2
            outermost = max(middle, len(order) - 1 - middle) or 1.0
            room = max(self.page.sizes[n][0] / 2 - CORNER_POINTS, 0.0)
            apart = min(PORT_POINTS, room / outermost)
            for i, line in zip(edges, lines, strict=True):
                ports[i] = self.x[n] + apart * (order.index(line) - middle)
        return ports

    def of(self, i: int) -> Path | None:
        """The path of an edge, if it rises or comes from beside its reader."""
        tail, head = self.page.edges[i]
        if tail in self.page.beside:
            return None
        way = self.ways[i]
        if not way:
            return None
        rows = self.page.rows
        start = self.centres[tail][1] + self.page.sizes[tail][1] / 2
        end = self.centres[head][1] - self.page.sizes[head][1] / 2
        stations = [Station(self.begins[i], start, self.top[rows[tail]])]
        for lane in way[1:-1]:
            stations.append(Station(self.x[lane], self.bottom[lane.row], self.top[lane.row]))
        low = self.bottom[rows[head]] - HEAD_POINTS - 1
        stations.append(Station(self.ends[i], low, end))
        return rising(stations)
