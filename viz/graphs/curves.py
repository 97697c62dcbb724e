"""Chains of cubic Bézier curves: how arrows are drawn, with round bends and a straight end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from .canvas import Point

Path = list[Point]
"""A chain of cubic Bézier curves: the first point, then three for each curve; the last is the tip.
"""

# What stays free around a box that an arrow passes.
MARGIN_POINTS = 4.0
# Of an arrowhead in the size that ``canvas.blank_with_paths`` sets.
HEAD_POINTS = 5.0
# From row to row: how soft bends are, at most 1.
_BEND = 0.8
# Of the pieces before and after a bend so much may be bent; more of the first and of the last.
_SHARE = 0.5
_FIRST_SHARE = 0.8
_LAST_SHARE = 0.6
# Where the inner points of a curve lie on the way to its corner.
_TOWARDS_CORNER = 2 / 3
_SMALL = 1e-9


class Station(NamedTuple):
    """Where a path runs straight up: at this x from one height to another, in points."""

    x: float
    low: float
    high: float

    @property
    def foot(self) -> Point:
        """Its lower end."""
        return self.x, self.low

    @property
    def top(self) -> Point:
        """Its upper end."""
        return self.x, self.high


def rising(stations: Sequence[Station]) -> Path:
    """The path up through rows, upright in each, curved between them.

    From the top of one row to the bottom of the next it stays between the two: what stands in the
    rows beside the stations is not touched. The last curve is upright, for an arrowhead.
    """
    first = stations[0]
    path = [first.foot]
    path += straight(first.foot, first.top)
    for below, above in pairwise(stations):
        rise = (above.low - below.high) * _BEND
        path.append((below.x, below.high + rise))
        path.append((above.x, above.low - rise))
        path.append(above.foot)
        path += straight(above.foot, above.top)
    return path


def position(path: Path, has_head: bool = True) -> str:
    """The path as the ``pos`` of an edge, which a graph with ``layout=nop2`` draws as it is."""
    if not has_head:
        return _written(path)
    tip = path[-1]
    start = path[-4]
    length = math.dist(start, tip)
    head = min(HEAD_POINTS, length / 2)
    share = 1 - head / length if length else 1.0
    base = between(start, tip, share)
    # The last curve is a straight line.
    shaft = path[:-3] + straight(start, base)
    return f"e,{_written([tip])} {_written(shaft)}"


def _written(points: Iterable[Point]) -> str:
    words = []
    for x, y in points:
        words.append(f"{x:.2f},{y:.2f}")
    return " ".join(words)


def rounded(line: Path) -> Path:
    """The line with its bends rounded, so little that what is cut off stays within the margin.

    Of a bend that begins and ends at a distance d from its corner, no point is further from the
    line than d sin(turn) / 4.
    """
    points = line[:1]
    for a, b in pairwise(line):
        # A line may leave its first box just where it bends.
        if math.dist(a, b) > _SMALL:
            points.append(b)
    path = points[:1]
    last = len(points) - 2
    for k in range(1, last + 1):
        a, corner, b = points[k - 1 : k + 2]
        room_before = math.dist(a, corner) * (_FIRST_SHARE if k == 1 else _SHARE)
        room_after = math.dist(corner, b) * (_LAST_SHARE if k == last else _SHARE)
        d = min(room_before, room_after, _sharpest(a, corner, b))
        begin = between(corner, a, d / math.dist(a, corner))
        finish = between(corner, b, d / math.dist(corner, b))
        path += straight(path[-1], begin)
        path.append(between(begin, corner, _TOWARDS_CORNER))
        path.append(between(finish, corner, _TOWARDS_CORNER))
        path.append(finish)
    return path + straight(path[-1], points[-1])


def _sharpest(a: Point, corner: Point, b: Point) -> float:
    """How far from its corner a bend may begin and end for the margin."""
    x, y = way(a, corner)
    u, v = way(corner, b)
    sine = 1.0
    if x * u + y * v >= 0:
        lengths = math.dist(a, corner) * math.dist(corner, b)
        sine = abs(x * v - y * u) / lengths
    return 4 * MARGIN_POINTS / max(sine, _SMALL)


def straight(a: Point, b: Point) -> Path:
    """The three further points of a curve that is a line."""
    first = between(a, b, 1 / 3)
    second = between(a, b, 2 / 3)
    return [first, second, b]


def between(a: Point, b: Point, share: float) -> Point:
    """The point at that share of the way."""
    right, up = way(a, b)
    return a[0] + right * share, a[1] + up * share


def way(a: Point, b: Point) -> Point:
    """How far b is to the right of a, and above it."""
    right = b[0] - a[0]
    up = b[1] - a[1]
    return right, up
