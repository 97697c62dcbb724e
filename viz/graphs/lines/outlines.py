"""What arrows end at and go round, and where they cross its border."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import NamedTuple

from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.curves import Path, between, way

_SMALL = 1e-9


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


def cut_off(line: Path, first: Outline) -> Path:
    """The line without what lies in its first box."""
    inside = [i for i, point in enumerate(line) if is_inside(point, first)]
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


def is_inside(point: Point, box: Outline) -> bool:
    """Whether a point lies within the border."""
    across, up = map(abs, _depths(point, box))
    depth = math.hypot(across, up) if box.is_round else max(across, up)
    return depth < 1
