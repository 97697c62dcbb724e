"""Arrows led round boxes: shortest paths with round bends."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import (
    Iterable,
    Mapping,
    Sequence,
)
from typing import Any, NamedTuple

import numpy as np

from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.curves import (
    MARGIN_POINTS,
    Path,
    rounded,
    way,
)

from .lanes import STUB_POINTS, Taken
from .outlines import Outline, cut_off, is_inside
from .shortest import (
    OUTWARDS,
    corners,
    hits,
    led_round,
)

Array = Any
"""A NumPy array."""
Edge = tuple[Any, Any]
"""Tail and head."""
Outlines = Mapping[Any, "Outline"]
"""What each end of an edge looks like."""

# Between arrows that join the same two boxes.
APART_POINTS = 5.0
# From a line that others lie on to the next beside it, and how much of a box its ends may use.
LANE_POINTS = 2.5
MOST_BESIDE = 0.35
# How many lanes to the left the ends of a line are moved, in turn, until it lies on no other.
SIDES = 6 * (0, 1, -1, 2, -2, 3, -3, 4, -4)
MAX_LANES = 5
_SMALL = 1e-9
_MAX_CELLS = 100_000


def routes(outlines: Outlines, edges: Sequence[Edge], drawn: Iterable[Path] = ()) -> list[Path]:
    """The path of each edge, (tail, head), from border to border.

    None runs through a box that is not its end, unless boxes shut the way off: then it is straight.
    None lies on another, or on one that is drawn already, for longer than ``lanes.STUB_POINTS``,
    where there is a way beside it.

    >>> from minigrad.viz.graphs.lines.outlines import outline
    >>> boxes = {"a": outline((0, 0), (20, 20)), "b": outline((90, 0), (20, 20))}
    >>> [(x, y) for x, y in routes(boxes, [("a", "b")])[0]][::3]
    [(10.0, 0.0), (80.0, 0.0)]
    """
    index = {key: i for i, key in enumerate(outlines)}
    ends = [(index[tail], index[head]) for tail, head in edges]
    borders = [o[:4] for o in outlines.values()]
    boxes = np.array(borders, dtype=float).reshape(-1, 4)
    lines = _aims(outlines, edges)
    blocked = _blocked(lines, ends, boxes + OUTWARDS * MARGIN_POINTS)
    taken = Taken(drawn)
    paths: dict[int, Path] = {}
    # How many lines bend at each corner of each box.
    bends = np.zeros((len(boxes), 4))

    def turn(k: int) -> tuple[bool, float]:
        return blocked[k], math.dist(*lines[k])

    # What goes straight has its way first, then the others, the shortest before those around it.
    for k in sorted(range(len(edges)), key=turn):
        tail, head = edges[k]
        own = ends[k]
        others = np.delete(boxes, own, axis=0)
        room = _Room(outlines[tail], outlines[head], others, np.delete(bends, own, axis=0))
        lines[k] = room.free_line(lines[k], taken)
        paths[k] = rounded(lines[k])
        taken.add(paths[k])
        count_bends(lines[k][1:-1], boxes, bends)
    return [paths[k] for k in range(len(edges))]


def count_bends(points: Iterable[Point], boxes: Array, bends: Array) -> None:
    """Add 1 for the corner that each of these points is nearest to; bends: shape (boxes, 4)."""
    places = corners(boxes, MARGIN_POINTS)
    for point in points:
        across, up = np.moveaxis(places - point, -1, 0)
        nearest = np.hypot(across, up).argmin()
        bends.flat[nearest] += 1


class _Room(NamedTuple):
    """The ends of an arrow, and what stands in its way: left, bottom, right, top of each.

    bends: how many lines bend at each corner of that.
    """

    tail: Outline
    head: Outline
    others: Array
    bends: Array

    def free_line(self, aim: Path, taken: Taken) -> Path:
        """The first of the lines beside each other that lies on none that is taken, or the freest.

        The middle one is straight where all shut the way off.
        """
        best = self._cut(self._around(aim, 0.0))
        least = taken.run(rounded(best))
        # Each try gives each corner another lane: that of the lines before it, or further out.
        chance = np.random.default_rng(0)
        for side in SIDES:
            if least <= STUB_POINTS:
                break
            beside = self._beside(aim, side * LANE_POINTS)
            lanes = self.bends + chance.integers(0, MAX_LANES, self.bends.shape)
            way_round = self._around(beside, lanes * LANE_POINTS)
            if not self._is_free(way_round):
                continue
            line = self._cut(way_round)
            run = taken.run(rounded(line))
            if run < least:
                best = line
                least = run
        return best

    def _around(self, aim: Path, further: Array) -> Path:
        """The shortest line round what stands in its way, so much further out at each corner."""
        return led_round(aim, self.others + OUTWARDS * MARGIN_POINTS, further)

    def _is_free(self, line: Path) -> bool:
        points = np.array(line)
        margins = self.others + OUTWARDS * MARGIN_POINTS
        return not hits(points[:-1], points[1:], margins).any()

    def _cut(self, line: Path) -> Path:
        """The line from border to border."""
        line = cut_off(line, self.tail)
        return cut_off(line[::-1], self.head)[::-1]

    def _beside(self, aim: Path, shift: float) -> Path:
        """The aim so far to the left, as far as both ends are large enough."""
        right, up = way(*aim)
        length = math.hypot(right, up) or 1.0
        moved = []
        for point, end in zip(aim, (self.tail, self.head), strict=True):
            most = min(end.wide, end.tall) * MOST_BESIDE
            own = max(-most, min(shift, most)) / length
            x, y = point
            beside = x - up * own, y + right * own
            moved.append(beside if is_inside(beside, end) else point)
        return moved


def _aims(outlines: Outlines, edges: Sequence[Edge]) -> list[Path]:
    """From where to where each edge leads: middles; side by side where several join the same."""
    count = Counter(map(frozenset, edges))
    drawn: Counter[frozenset[Any]] = Counter()
    first: dict[frozenset[Any], Edge] = {}
    aims: list[Path] = []
    for edge in edges:
        pair = frozenset(edge)
        # All of a pair lie beside each other as seen along the first of them.
        one, other = first.setdefault(pair, edge)
        right, up = _sideways(outlines[one], outlines[other], count[pair])
        side = drawn[pair] - (count[pair] - 1) / 2
        drawn[pair] += 1
        aim = []
        for end in edge:
            x, y = outlines[end].centre
            aim.append((x + side * right, y + side * up))
        aims.append(aim)
    return aims


def _sideways(one: Outline, other: Outline, count: int) -> Point:
    """From one of so many arrows between two boxes to the next; all aim at the inside of both."""
    smallest = min(one.wide, one.tall, other.wide, other.tall)
    apart = min(APART_POINTS, smallest / 2 / count)
    right, up = way(one.centre, other.centre)
    length = math.dist(one.centre, other.centre) or 1.0
    return up / length * apart, -right / length * apart


def _blocked(lines: list[Path], ends: list[tuple[int, int]], obstacles: Array) -> list[bool]:
    """Whether something else than its ends stands on the straight line of each edge."""
    blocked: list[bool] = []
    # So many at a time that the table of all lines and boxes stays small.
    size = max(1, _MAX_CELLS // (len(obstacles) or 1))
    for first in range(0, len(lines), size):
        piece = slice(first, first + size)
        points = np.array(lines[piece])
        table = hits(points[:, 0], points[:, 1], obstacles)
        own = np.array(ends[piece])
        np.put_along_axis(table, own, values=False, axis=1)
        blocked += table.any(axis=1).tolist()
    return blocked
