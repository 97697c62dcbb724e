"""Arrows led round boxes: shortest paths with round bends."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .canvas import Point
from .curves import MARGIN_POINTS, Path, between, rounded, way
from .shortest import OUTWARDS, hits, led_round

Array = Any
"""A NumPy array."""
Edge = tuple[Any, Any]
"""Tail and head."""
Outlines = Mapping[Any, "Outline"]
"""What each end of an edge looks like."""

# Between arrows that join the same two boxes.
APART_POINTS = 5.0
_SMALL = 1e-9
_MAX_CELLS = 100_000


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
    obstacles = boxes + OUTWARDS * MARGIN_POINTS
    lines = _aims(outlines, edges)
    blocked = _blocked(lines, ends, obstacles)
    paths = []
    for k, (tail, head) in enumerate(edges):
        line = lines[k]
        if blocked[k]:
            others = np.delete(obstacles, ends[k], axis=0)
            line = led_round(line, others)
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
        table = hits(points[:, 0], points[:, 1], obstacles)
        own = np.array(ends[piece])
        np.put_along_axis(table, own, values=False, axis=1)
        blocked += table.any(axis=1).tolist()
    return blocked


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
