"""Arrows led round boxes: shortest paths with round bends.

Source: the shortest path among boxes bends at their corners only (Lozano-Pérez and Wesley, 1979).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .canvas import Point
from .curves import MARGIN_POINTS, Path, between, rounded, way

Array = Any
"""A NumPy array."""
Edge = tuple[Any, Any]
"""Tail and head."""
Outlines = Mapping[Any, "Outline"]
"""What each end of an edge looks like."""

# Between arrows that join the same two boxes.
APART_POINTS = 5.0
# Bends lie so much further out: what touches a margin does not run through it.
_OUTSIDE_POINTS = 0.01
# What moves left, bottom, right and top away from the middle; which of them make a corner.
_OUTWARDS = np.array([-1, -1, 1, 1])
_CORNERS = np.array([(0, 1), (0, 3), (2, 1), (2, 3)])
# Of each corner: 1 where a line that touches its box there falls to the right, -1 where it rises.
_LEANING = np.array([1, -1, -1, 1])
# So many points are led on from at once; each box has as many corners.
_AT_ONCE = 4
# What is looked for first: a line little longer than the least that it can be.
_LITTLE_LONGER = 1.02
_SMALL = 1e-9
_MAX_CELLS = 100_000
# Of the points of a line: where it starts and where it ends; the bends follow.
_START = 0
_END = 1


class Outline(NamedTuple):
    """What an arrow must not run through, in points; a round one is the ellipse inside."""

    left: float
    bottom: float
    right: float
    top: float
    is_round: bool = False

    @property
    def centre(self) -> Point:
        """Its middle."""
        x = (self.left + self.right) / 2
        y = (self.bottom + self.top) / 2
        return x, y

    @property
    def wide(self) -> float:
        """Its width."""
        return self.right - self.left

    @property
    def tall(self) -> float:
        """Its height."""
        return self.top - self.bottom


def outline(centre: Point, size: Point, is_round: bool = False) -> Outline:
    """The outline of this width and height around a centre."""
    x, y = centre
    wide, tall = size
    return Outline(
        left=x - wide / 2,
        bottom=y - tall / 2,
        right=x + wide / 2,
        top=y + tall / 2,
        is_round=is_round,
    )


def around(outlines: Collection[Outline]) -> Outline:
    """The outline of all of them together."""
    lefts, bottoms, rights, tops, _ = zip(*outlines, strict=True)
    return Outline(min(lefts), min(bottoms), max(rights), max(tops))


def routes(outlines: Outlines, edges: Sequence[Edge]) -> list[Path]:
    """The path of each edge, (tail, head), from border to border.

    None runs through a box that is not its end, unless boxes shut the way off: then it is straight.

    >>> boxes = {"a": outline((0, 0), (20, 20)), "b": outline((90, 0), (20, 20))}
    >>> [(x, y) for x, y in routes(boxes, [("a", "b")])[0]][::3]
    [(10.0, 0.0), (80.0, 0.0)]
    """
    index = {key: i for i, key in enumerate(outlines)}
    ends = [(index[tail], index[head]) for tail, head in edges]
    borders = [o[:4] for o in outlines.values()]
    boxes = np.array(borders, dtype=float).reshape(-1, 4)
    obstacles = boxes + _OUTWARDS * MARGIN_POINTS
    lines = _aims(outlines, edges)
    blocked = _blocked(lines, ends, obstacles)
    paths = []
    for k, (tail, head) in enumerate(edges):
        line = lines[k]
        if blocked[k]:
            others = np.delete(obstacles, ends[k], axis=0)
            line = _shortest(line, others)
        line = _cut_off(line, outlines[tail])
        line = _cut_off(line[::-1], outlines[head])[::-1]
        paths.append(rounded(line))
    return paths


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
        hits = _hits(points[:, 0], points[:, 1], obstacles)
        own = np.array(ends[piece])
        np.put_along_axis(hits, own, values=False, axis=1)
        blocked += hits.any(axis=1).tolist()
    return blocked


# --- the shortest path ----------------------------------------------------------------------------
def _shortest(aim: Path, obstacles: Array) -> Path:
    """The shortest line from start to end outside the obstacles, as its points.

    It bends at corners of what stands in its way, and of what stands in the way of the bends.
    """
    ends = np.array(aim)
    line = ends
    in_the_way = np.zeros(len(obstacles), bool)
    while True:
        hit = _hits(line[:-1], line[1:], obstacles).any(axis=0)
        hit &= ~in_the_way
        if not hit.any():
            return [(x, y) for x, y in line.tolist()]
        in_the_way |= hit
        known = obstacles[in_the_way]
        points = np.concatenate([ends, _corners(known)])
        # Of what is known so far: no line is shorter.
        length = np.hypot(*np.diff(line, axis=0).T).sum()
        order = _order(points, known, length * _LITTLE_LONGER) or _order(points, known)
        if not order:
            return aim
        line = points[order]


def _corners(boxes: Array) -> Array:
    """The four corners of each box, a little further out."""
    wider = boxes + _OUTWARDS * _OUTSIDE_POINTS
    return wider[:, _CORNERS].reshape(-1, 2)


def _hits(starts: Array, ends: Array, boxes: Array) -> Array:
    """Whether each line runs through the inside of each box."""
    steps = ends - starts
    inverse = 1 / np.where(steps == 0, _SMALL, steps)
    enter = 0.0
    leave = 1.0 - _SMALL
    for axis in (0, 1):
        origin = starts[:, axis, None]
        share = inverse[:, axis, None]
        one = (boxes[:, axis] - origin) * share
        other = (boxes[:, axis + 2] - origin) * share
        first = np.minimum(one, other)
        last = np.maximum(one, other)
        enter = np.maximum(enter, first)
        leave = np.minimum(leave, last)
    hit: Array = enter < leave
    return hit


def _order(points: Array, boxes: Array, bound: float = math.inf) -> list[int]:
    """The indices of the points on the shortest way from start to end, up to a length; [] for none.

    Source: A* (Hart, Nilsson and Raphael, 1968), a few points at once.
    """
    count = len(points)
    rest = _distances(points, _END)
    leaning = np.concatenate([[0, 0], np.tile(_LEANING, len(boxes))])
    length = np.full(count, math.inf)
    length[_START] = 0.0
    through = length + rest
    before = np.zeros(count, int)
    while True:
        waiting = np.argpartition(through, _AT_ONCE)[:_AT_ONCE]
        waiting = waiting[through[waiting] < through[_END]]
        if not waiting.size:
            break
        through[waiting] = math.inf
        right, up = (points - points[waiting, None]).transpose(2, 0, 1)
        longer = length[waiting, None] + np.hypot(right, up)
        falls = right * up
        # A line that bends at a corner touches its box there, before it and behind it.
        touches = (falls * leaning <= 0) & (falls * leaning[waiting, None] <= 0)
        is_nearer = (longer < length) & (longer + rest <= bound)
        rows, heads = np.nonzero(touches & is_nearer)
        tails = waiting[rows]
        is_free = ~_hits(points[tails], points[heads], boxes).any(axis=1)
        tails, heads, longer = tails[is_free], heads[is_free], longer[rows, heads][is_free]
        # The shortest of several to the same point is entered last.
        last = np.argsort(-longer)
        length[heads[last]] = longer[last]
        before[heads[last]] = tails[last]
        through[heads] = length[heads] + rest[heads]
    if length[_END] == math.inf:
        return []
    order = [_END]
    while order[-1] != _START:
        order.append(int(before[order[-1]]))
    return order[::-1]


def _distances(points: Array, i: int) -> Array:
    """From each point to the one with this index."""
    across, up = (points - points[i]).T
    return np.hypot(across, up)


# --- ends -----------------------------------------------------------------------------------------
def _cut_off(line: Path, first: Outline) -> Path:
    """The line without what lies in its first box."""
    inside = [i for i, point in enumerate(line) if _is_inside(point, first)]
    last = max(inside, default=0)
    if last == len(line) - 1:
        return line
    a, b = line[last : last + 2]
    border = between(a, b, _share_inside(a, b, first))
    return [border, *line[last + 1 :]]


def _share_inside(a: Point, b: Point, box: Outline) -> float:
    """The share of the line from a, inside, to b, outside, that is inside."""
    start = _depths(a, box)
    gain = way(start, _depths(b, box))
    if box.is_round:
        return _share_in_circle(start, gain)
    shares = []
    for depth, more in zip(start, gain, strict=True):
        if more:
            side = math.copysign(1, more)
            shares.append((side - depth) / more)
    return min(shares)


def _share_in_circle(start: Point, gain: Point) -> float:
    """How much of what is gained leads to where the square of the depth is 1."""
    x, y = start
    u, v = gain
    square = u * u + v * v
    product = x * u + y * v
    lack = x * x + y * y - 1
    root = math.sqrt(product**2 - square * lack)
    return (root - product) / square


def _depths(point: Point, box: Outline) -> Point:
    """How far right of the centre and how far above it a point is: 1 on the border."""
    right, up = way(box.centre, point)
    across = right / max(box.wide / 2, _SMALL)
    upwards = up / max(box.tall / 2, _SMALL)
    return across, upwards


def _is_inside(point: Point, box: Outline) -> bool:
    across, up = map(abs, _depths(point, box))
    depth = math.hypot(across, up) if box.is_round else max(across, up)
    return depth < 1
