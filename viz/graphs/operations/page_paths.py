"""The paths of edges on a page: side by side at each box, upright through the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property

from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.curves import HEAD_POINTS, Path, Station, rising

from .barycentre import Across, Node
from .page import BESIDE_POINTS, RIGHT, Page

# Between the arrows that end at one box, and from its corners.
PORT_POINTS = 14.0
CORNER_POINTS = 5.0
# Two places so close count as one above the other.
UPRIGHT_POINTS = 1.0
# Between the head of an arrow and the bend before it.
NECK_POINTS = 1.0

Line = Hashable
"""Edges of one line share their port: the lane that they leave into."""


@dataclass
class Paths:
    """The places on a page, and the paths between them.

    bottom, top: of each row.
    """

    page: Page
    x: Across
    bottom: Mapping[int, float]
    top: Mapping[int, float]

    @cached_property
    def centres(self) -> dict[Node, Point]:
        """The middle of each box."""
        page = self.page
        centres: dict[Node, Point] = {}
        for n, row in page.rows.items():
            y = (self.bottom[row] + self.top[row]) / 2
            centres[n] = self.x[n], y
        for n, (reader, side) in page.beside.items():
            x, y = centres[reader]
            both = page.sizes[reader][0] + page.sizes[n][0]
            distance = both / 2 + BESIDE_POINTS
            if side == RIGHT:
                centres[n] = x + distance, y
            else:
                centres[n] = x - distance, y
        return centres

    @cached_property
    def ways(self) -> list[list[Node]]:
        """The nodes and lanes of each edge; none for one that does not rise."""
        ways = []
        for edge in self.page.edges:
            way = self.page.way(edge) if self.page.rises(edge) else []
            ways.append(way)
        return ways

    @cached_property
    def begins(self) -> dict[int, float]:
        """The x at which each edge leaves its tail; those of one lane together."""
        leaving: defaultdict[Node, dict[int, Node]] = defaultdict(dict)
        for i, way in enumerate(self.ways):
            if way:
                leaving[way[0]][i] = way[1]
        ports: dict[int, float] = {}
        for n, onward in leaving.items():
            ports |= self._ports(n, onward, onward)
        return ports

    @cached_property
    def ends(self) -> dict[int, float]:
        """The x at which each edge comes to its head."""
        coming: defaultdict[Node, dict[int, Node]] = defaultdict(dict)
        for i, way in enumerate(self.ways):
            if way:
                coming[way[-1]][i] = way[-2]
        ports: dict[int, float] = {}
        for n, before in coming.items():
            alone = {i: i for i in before}
            ports |= self._ports(n, before, alone)
        return ports

    def _ports(
        self,
        n: Node,
        nearest: Mapping[int, Node],
        lines: Mapping[int, Line],
    ) -> dict[int, float]:
        """Where edges touch a box: side by side, in the order of what comes next on their ways."""
        x = self.x[n]
        next_x = {i: self.x[other] for i, other in nearest.items()}
        edges = sorted(next_x, key=next_x.__getitem__)
        order = list(dict.fromkeys(lines[i] for i in edges))
        middle = (len(order) - 1) / 2
        for i in edges:
            # What is upright anyway ends in the middle.
            if abs(next_x[i] - x) < UPRIGHT_POINTS:
                middle = order.index(lines[i])
                break
        outermost = max(middle, len(order) - 1 - middle) or 1.0
        wide, _ = self.page.sizes[n]
        room = max(wide / 2 - CORNER_POINTS, 0.0)
        apart = min(PORT_POINTS, room / outermost)
        ports = {}
        for i in edges:
            place = order.index(lines[i]) - middle
            ports[i] = x + apart * place
        return ports

    def path(self, i: int) -> Path | None:
        """The path of an edge that rises; None for another."""
        way = self.ways[i]
        if not way:
            return None
        tail, *lanes, head = way
        start = self._border(tail, upwards=1)
        end = self._border(head, upwards=-1)
        rows = self.page.rows
        stations = [Station(self.begins[i], start, self.top[rows[tail]])]
        for lane in lanes:
            station = Station(self.x[lane], self.bottom[lane.row], self.top[lane.row])
            stations.append(station)
        low = self.bottom[rows[head]] - HEAD_POINTS - NECK_POINTS
        stations.append(Station(self.ends[i], low, end))
        return rising(stations)

    def _border(self, n: Node, upwards: int) -> float:
        """The height of the upper border of a box (1), or of the lower one (-1)."""
        _, y = self.centres[n]
        _, tall = self.page.sizes[n]
        return y + upwards * tall / 2
