"""The shortest line from one place to another outside boxes; past many of them, a corridor.

Source: it bends at their corners only (Lozano-Pérez and Wesley, 1979).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.viz.graphs.curves import Path

Array = Any
"""A NumPy array."""

# Bends lie so much further out: what touches a margin does not run through it.
_OUTSIDE_POINTS = 0.01
# What moves left, bottom, right and top away from the middle; which of them make a corner.
OUTWARDS = np.array([-1, -1, 1, 1])
_CORNERS = np.array([(0, 1), (0, 3), (2, 1), (2, 3)])
# Of each corner: 1 where a line that touches its box there falls to the right, -1 where it rises.
_LEANING = np.array([1, -1, -1, 1])
# So many points are led on from at once; each box has as many corners.
_AT_ONCE = 4
# What is looked for first: a line little longer than the least that it can be.
_LITTLE_LONGER = 1.02
_SMALL = 1e-9
# In the way: nobody follows an arrow with a bend at each, and to look for it takes long.
MANY_BOXES = 8
# A corridor leaves so much free on both sides.
_CLEAR_POINTS = 2.0
# Of the points of a line: where it starts and where it ends; the bends follow.
_START = 0
_END = 1


def led_round(aim: Path, obstacles: Array, further: Array = 0.0) -> Path:
    """A line from start to end outside the obstacles, as its points.

    It is the shortest where few stand in the way, else it leads to a corridor, along it, and on.
    """
    start, end = aim
    ends = np.array(aim)
    is_hit = hits(ends[:1], ends[1:], obstacles)
    if is_hit.sum() <= MANY_BOXES:
        return shortest(aim, obstacles, further)
    enter, leave = _corridor(ends, obstacles, float(np.ravel(further)[0]))
    before = shortest([start, enter], obstacles, further)
    behind = shortest([leave, end], obstacles, further)
    return before + behind


def _corridor(ends: Array, obstacles: Array, aside: float) -> Path:
    """Where the corridor nearest to a line begins and ends, beside the ends of the line.

    aside: how far from the middle of others in that corridor, if it is wide enough.
    """
    along = int(np.argmax(np.ptp(ends, axis=0)))
    across = 1 - along
    low, high = np.sort(ends[:, along])
    is_beside = (obstacles[:, along] < high) & (obstacles[:, along + 2] > low)
    spans = obstacles[is_beside][:, [across, across + 2]]
    corridor = ends.copy()
    corridor[:, across] = _nearest_gap(spans, ends[:, across].mean(), aside)
    return [(x, y) for x, y in corridor.tolist()]


def _nearest_gap(spans: Array, place: float, aside: float) -> float:
    """The place that lies nearest outside the spans, each from low to high, and so far aside."""
    lows, highs = spans[np.argsort(spans[:, 0])].T
    # a gap before each span, and one after the last
    begins = np.append(-math.inf, np.maximum.accumulate(highs)) + _CLEAR_POINTS
    ends = np.append(lows, math.inf) - _CLEAR_POINTS
    is_wide = begins <= ends
    nearest = np.clip(place, begins[is_wide], ends[is_wide])
    chosen = np.argmin(np.abs(nearest - place))
    low, high = begins[is_wide][chosen], ends[is_wide][chosen]
    beside = nearest[chosen] + np.array([aside, -aside, 0.0])
    return float(beside[(low <= beside) & (beside <= high)][0])


def shortest(aim: Path, obstacles: Array, further: Array = 0.0) -> Path:
    """The shortest line from start to end outside the obstacles, as its points.

    It bends at corners of what stands in its way, and of what stands in the way of the bends.

    further: how much further out it bends, at each corner of each obstacle.
    """
    ends = np.array(aim)
    line = ends
    in_the_way = np.zeros(len(obstacles), bool)
    bends = corners(obstacles, further)
    while True:
        hit = hits(line[:-1], line[1:], obstacles).any(axis=0)
        hit &= ~in_the_way
        if not hit.any():
            return [(x, y) for x, y in line.tolist()]
        in_the_way |= hit
        known = obstacles[in_the_way]
        points = np.concatenate([ends, bends[in_the_way].reshape(-1, 2)])
        # Of what is known so far: no line is shorter.
        length = np.hypot(*np.diff(line, axis=0).T).sum()
        order = _order(points, known, length * _LITTLE_LONGER) or _order(points, known)
        if not order:
            return aim
        line = points[order]


def corners(boxes: Array, further: Array = 0.0) -> Array:
    """The four corners of each box, so much further out; shape (boxes, 4, 2)."""
    out = np.broadcast_to(further, (len(boxes), 4))[..., None] + _OUTSIDE_POINTS
    return boxes[:, _CORNERS] + OUTWARDS[_CORNERS] * out


def hits(starts: Array, ends: Array, boxes: Array) -> Array:
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
        is_free = ~hits(points[tails], points[heads], boxes).any(axis=1)
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
