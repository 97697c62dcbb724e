"""Lines that lie on each other, and how far they do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.viz.graphs.curves import Path

Array = Any
"""A NumPy array."""

# Lines nearer than that are one to the eye: their own width.
TOUCHING_POINTS = 0.8
# So far two lines may run together: from a box until they part.
STUB_POINTS = 18.0
_SMALL = 1e-9


class Taken:
    """The lines that are drawn already, piece by piece."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._pieces = np.empty((0, 2, 2))
        self._lines = np.empty(0, int)
        self._count = 0
        for path in paths:
            self.add(path)

    def add(self, path: Path) -> None:
        """Draw a line."""
        pieces = _pieces(path)
        owner = np.full(len(pieces), self._count)
        self._pieces = np.concatenate([self._pieces, pieces])
        self._lines = np.concatenate([self._lines, owner])
        self._count += 1

    def run(self, path: Path) -> float:
        """How far a line lies on one of these without a break, in points: the longest such run."""
        run = longest = np.zeros(self._count + 1)
        for piece in _pieces(path):
            shares = np.zeros(self._count + 1)
            np.add.at(shares, self._lines, _shared(piece, self._pieces))
            run = np.where(shares, run + shares, 0.0)
            longest = np.maximum(longest, run)
        return float(longest.max())


def _pieces(path: Path) -> Array:
    """Straight pieces along a path, two for each bend: shape (pieces, 2, 2)."""
    points = np.array(path)
    first = points[:-3:3]
    last = points[3::3]
    inner = points[1::3] + points[2::3]
    middle = (first + 3 * inner + last) / 8
    chord = (first + last) / 2
    bend = np.abs(middle - chord).max(axis=1)
    is_drawn = np.ones((len(first), 2), bool)
    is_drawn[:, 0] = bend > TOUCHING_POINTS / 2
    halves = np.stack([middle, last], axis=1)
    corners = np.concatenate([points[:1], halves[is_drawn]])
    return np.stack([corners[:-1], corners[1:]], axis=1)


def _shared(piece: Array, others: Array) -> Array:
    """How much of each of the others lies on a piece."""
    start, end = piece
    way = end - start
    length = np.hypot(*way)
    if length < _SMALL:
        return np.zeros(len(others))
    along = way / length
    across = np.array([-along[1], along[0]])
    places = (others - start) @ along
    heights = (others - start) @ across
    # The share of each other one that is near enough, and of that what is beside the piece.
    near = _between(heights, -TOUCHING_POINTS, TOUCHING_POINTS)
    beside = _between(places, 0.0, length)
    first = np.maximum(near[0], beside[0])
    last = np.minimum(near[1], beside[1])
    lengths = np.hypot(*(others[:, 1] - others[:, 0]).T)
    return np.maximum(last - first, 0.0) * lengths


def _between(values: Array, low: float, high: float) -> tuple[Array, Array]:
    """From which share to which of each way its value, at either end (n, 2), is in that range."""
    start, end = values.T
    gain = end - start
    gain = np.where(np.abs(gain) < _SMALL, _SMALL, gain)
    one = (low - start) / gain
    other = (high - start) / gain
    first = np.clip(np.minimum(one, other), 0.0, 1.0)
    last = np.clip(np.maximum(one, other), 0.0, 1.0)
    return first, last
