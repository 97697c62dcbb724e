"""Arrows led round boxes: shortest paths with round bends, as chains of cubic Bézier curves.

Source: the shortest path among boxes bends at their corners only (Lozano-Pérez and Wesley, 1979).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .canvas import Point

Node = Hashable
Path = list[Point]
"""A chain of cubic Bézier curves: the first point, then three for each curve; the last is the tip.
"""
Array = Any
"""A NumPy array."""

# What stays free around a box that an arrow passes.
MARGIN_POINTS = 4.0
# Between arrows that join the same two boxes.
APART_POINTS = 5.0
# Of an arrowhead in the size that ``canvas.blank`` sets.
HEAD_POINTS = 5.0
# Bends lie so much further out: what touches a margin does not run through it.
_OUTSIDE_POINTS = 0.01
_CORNERS = np.array([(0, 1), (0, 3), (2, 1), (2, 3)])
_SMALL = 1e-9
_MAX_CELLS = 100_000
# From row to row: how soft bends are, at most 1.
_BEND = 0.8


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
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2


def outline(centre: Point, size: Point, is_round: bool = False) -> Outline:
    """The outline of this width and height around a centre."""
    (x, y), (wide, tall) = centre, size
    return Outline(x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2, is_round)


def routes(outlines: Mapping[Any, Outline], edges: Sequence[tuple[Any, Any]]) -> list[Path]:
    """The path of each edge, (tail, head), from border to border.

    None runs through a box that is not its end, unless boxes shut the way off: then it is straight.

    >>> boxes = {"a": outline((0, 0), (20, 20)), "b": outline((90, 0), (20, 20))}
    >>> [(x, y) for x, y in routes(boxes, [("a", "b")])[0]][::3]
    [(10.0, 0.0), (80.0, 0.0)]
    """
    index = {key: i for i, key in enumerate(outlines)}
    borders = np.array([tuple(o)[:4] for o in outlines.values()], dtype=float).reshape(-1, 4)
    obstacles = borders + np.array([-1, -1, 1, 1]) * MARGIN_POINTS
    ends = [(index[tail], index[head]) for tail, head in edges]
    aims = _aims(outlines, edges)
    blocked = _blocked(aims, ends, obstacles)
    paths = []
    for k, (tail, head) in enumerate(edges):
        line = aims[k]
        if blocked[k]:
            line = _shortest(line, np.delete(obstacles, ends[k], axis=0))
        line = _cut_off(line, outlines[tail])
        line = _cut_off(line[::-1], outlines[head])[::-1]
        paths.append(_rounded(line))
    return paths


def _blocked(aims: list[Path], ends: list[tuple[int, int]], obstacles: Array) -> list[bool]:
    """Whether something else than its ends stands on the straight line of each edge."""
    blocked: list[bool] = []
    # So many at a time that the table of all lines and boxes stays small.
    size = max(1, _MAX_CELLS // (len(obstacles) or 1))
    for first in range(0, len(aims), size):
        lines = np.array(aims[first : first + size])
        hits = _hits(lines[:, 0], lines[:, 1], obstacles)
        own = np.array(ends[first : first + size])
        np.put_along_axis(hits, own, values=False, axis=1)
        blocked += hits.any(axis=1).tolist()
    return blocked


class Station(NamedTuple):
    """Where a path runs straight up: at this x from one height to another, in points."""

    x: float
    low: float
    high: float


def rising(stations: Sequence[Station]) -> Path:
    """The path up through rows, upright in each, curved between them.

    From the top of one row to the bottom of the next it stays between the two: what stands in the
    rows beside the stations is not touched. The last curve is upright, for an arrowhead.
    """
    first = stations[0]
    path = [(first.x, first.low), *_straight((first.x, first.low), (first.x, first.high))]
    for below, above in pairwise(stations):
        rise = (above.low - below.high) * _BEND
        path += [(below.x, below.high + rise), (above.x, above.low - rise), (above.x, above.low)]
        path += _straight((above.x, above.low), (above.x, above.high))
    return path


def position(path: Path, has_head: bool = True) -> str:
    """The path as the ``pos`` of an edge, which a graph with ``layout=nop2`` draws as it is."""
    if not has_head:
        return " ".join(map(_written, path))
    tip = path[-1]
    start = path[-4]
    length = math.dist(start, tip)
    share = 1 - min(HEAD_POINTS, length / 2) / length if length else 1.0
    # The last curve is a straight line.
    last = _straight(start, _between(start, tip, share))
    points = [*path[:-3], *last]
    return f"e,{_written(tip)} " + " ".join(map(_written, points))


def _written(point: Point) -> str:
    x, y = point
    return f"{x:.2f},{y:.2f}"


# --- the shortest path ----------------------------------------------------------------------------
def _aims(outlines: Mapping[Any, Outline], edges: Sequence[tuple[Any, Any]]) -> list[Path]:
    """From where to where each edge leads: middles; side by side where several join the same."""
    count = Counter(map(frozenset, edges))
    drawn: defaultdict[frozenset[Any], list[tuple[Any, Any]]] = defaultdict(list)
    aims: list[Path] = []
    for tail, head in edges:
        pair = frozenset((tail, head))
        one, other = (drawn[pair] or [(tail, head)])[0]
        right, up = _sideways(outlines[one], outlines[other], count[pair])
        side = len(drawn[pair]) - (count[pair] - 1) / 2
        drawn[pair].append((tail, head))
        (x, y), (u, v) = outlines[tail].centre, outlines[head].centre
        aims.append([(x + side * right, y + side * up), (u + side * right, v + side * up)])
    return aims


def _sideways(one: Outline, other: Outline, count: int) -> Point:
    """From one of so many arrows between two boxes to the next; all aim at the inside of both."""
    smallest = min(min(o.right - o.left, o.top - o.bottom) for o in (one, other))
    apart = min(APART_POINTS, smallest / 2 / count)
    (x, y), (u, v) = one.centre, other.centre
    length = math.dist((x, y), (u, v)) or 1.0
    return (v - y) / length * apart, (x - u) / length * apart


def _shortest(aim: Path, obstacles: Array) -> Path:
    """The shortest line from start to end outside the obstacles, as its points.

    It bends at corners of what stands in its way, and of what stands in the way of the bends.
    """
    ends = np.array(aim)
    line = ends
    in_the_way = np.zeros(len(obstacles), bool)
    while True:
        hit = _hits(line[:-1], line[1:], obstacles).any(axis=0) & ~in_the_way
        if not hit.any():
            return _points(line)
        in_the_way |= hit
        known = obstacles[in_the_way]
        points = np.concatenate([ends, _corners(known)])
        order = _way(points, _visible(points, known))
        if not order:
            return aim
        line = points[order]


def _corners(boxes: Array) -> Array:
    """The four corners of each box, a little further out."""
    wider = boxes + np.array([-1, -1, 1, 1]) * _OUTSIDE_POINTS
    return wider[:, _CORNERS].reshape(-1, 2)


def _visible(points: Array, boxes: Array) -> Array:
    """Whether the line between each two points meets no box."""
    first, second = np.triu_indices(len(points), 1)
    free = ~_hits(points[first], points[second], boxes).any(axis=1)
    visible = np.zeros((len(points), len(points)), bool)
    visible[first, second] = free
    return visible | visible.T


def _hits(starts: Array, ends: Array, boxes: Array) -> Array:
    """Whether each line runs through the inside of each box."""
    way = ends - starts
    inverse = 1 / np.where(way == 0, _SMALL, way)
    enter, leave = 0.0, 1.0 - _SMALL
    for axis in (0, 1):
        origin = starts[:, axis, None]
        share = inverse[:, axis, None]
        one = (boxes[:, axis] - origin) * share
        other = (boxes[:, axis + 2] - origin) * share
        enter = np.maximum(enter, np.minimum(one, other))
        leave = np.minimum(leave, np.maximum(one, other))
    hit: Array = enter < leave
    return hit


def _way(points: Array, visible: Array) -> list[int]:
    """The indices of the points on the shortest way from the first to the second; [] for none.

    Source: A* (Hart, Nilsson and Raphael, 1968).
    """
    rest = np.hypot(*(points - points[1]).T)
    length = np.full(len(points), math.inf)
    length[0] = 0.0
    before = np.zeros(len(points), int)
    is_open = np.ones(len(points), bool)
    while True:
        i = int(np.where(is_open, length + rest, math.inf).argmin())
        if not is_open[i] or not math.isfinite(length[i]):
            return []
        if i == 1:
            break
        is_open[i] = False
        far = length[i] + np.hypot(*(points - points[i]).T)
        is_nearer = visible[i] & (far < length)
        length[is_nearer] = far[is_nearer]
        before[is_nearer] = i
    order = [1]
    while order[-1]:
        order.append(int(before[order[-1]]))
    return order[::-1]


# --- ends and bends -------------------------------------------------------------------------------
def _points(line: Array) -> Path:
    """As plain numbers."""
    return [(x, y) for x, y in line.tolist()]


def _cut_off(line: Path, first: Outline) -> Path:
    """The line without what lies in its first box."""
    inside = [i for i, point in enumerate(line) if _is_inside(point, first)]
    last = max(inside, default=0)
    if last == len(line) - 1:
        return line
    a, b = line[last : last + 2]
    return [_between(a, b, _share_inside(a, b, first)), *line[last + 1 :]]


def _share_inside(a: Point, b: Point, around: Outline) -> float:
    """The share of the line from a, inside, to b, outside, that is inside."""
    x, y = _depths(a, around)
    end = _depths(b, around)
    u, v = end[0] - x, end[1] - y
    if not around.is_round:
        return min((math.copysign(1, d) - p) / d for p, d in ((x, u), (y, v)) if d)
    # Where the square of the depth is 1.
    square = u * u + v * v
    product = x * u + y * v
    root = math.sqrt(product**2 - square * (x * x + y * y - 1))
    return (root - product) / square


def _depths(point: Point, around: Outline) -> Point:
    """How far right of the centre and how far above it a point is: 1 on the border."""
    x, y = around.centre
    across = (point[0] - x) / max((around.right - around.left) / 2, _SMALL)
    up = (point[1] - y) / max((around.top - around.bottom) / 2, _SMALL)
    return across, up


def _is_inside(point: Point, around: Outline) -> bool:
    across, up = map(abs, _depths(point, around))
    depth = math.hypot(across, up) if around.is_round else max(across, up)
    return depth < 1


def _rounded(line: Path) -> Path:
    """The line with its bends rounded, so little that what is cut off stays within the margin.

    Of a bend that begins and ends at a distance d from its corner, no point is further from the
    line than d sin(turn) / 4.
    """
    # A line may leave its first box just where it bends.
    points = line[:1] + [b for a, b in pairwise(line) if math.dist(a, b) > _SMALL]
    path = [points[0]]
    for a, corner, b in zip(points, points[1:], points[2:], strict=False):
        d = _bend(a, corner, b, is_first=a == points[0], is_last=b == points[-1])
        begin = _between(corner, a, d / math.dist(a, corner))
        finish = _between(corner, b, d / math.dist(corner, b))
        path += _straight(path[-1], begin)
        path += [_between(begin, corner, 2 / 3), _between(finish, corner, 2 / 3), finish]
    return path + _straight(path[-1], points[-1])


def _bend(a: Point, corner: Point, b: Point, is_first: bool, is_last: bool) -> float:
    """How far from its corner a bend may begin and end."""
    before = math.dist(a, corner)
    after = math.dist(corner, b)
    room = min(before * (0.8 if is_first else 0.5), after * (0.6 if is_last else 0.5))
    ways = (corner[0] - a[0], corner[1] - a[1]), (b[0] - corner[0], b[1] - corner[1])
    (x, y), (u, v) = ways
    sine = abs(x * v - y * u) / (before * after)
    if x * u + y * v < 0:
        sine = 1.0
    return min(room, 4 * MARGIN_POINTS / max(sine, _SMALL))


def _straight(a: Point, b: Point) -> Path:
    """The three further points of a curve that is a line."""
    return [_between(a, b, 1 / 3), _between(a, b, 2 / 3), b]


def _between(a: Point, b: Point, share: float) -> Point:
    """The point at that share of the way."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
