"""Where everything of the unrolled graph stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from minigrad.viz.graphs.canvas import Point

from .rails import Rail
from .variable_model import Key
from .variable_sizes import Gate

Points = dict[Key, Point]


@dataclass(frozen=True)
class Places:
    """The centre of each item and gate; the rails that arrows share.

    floor: below everything, where the steps go to the right, not upwards.
    """

    item: Points
    gate: dict[Gate, Point]
    rails: list[Rail]
    floor: float | None = None

    @property
    def runs_across(self) -> bool:
        """Whether the steps go to the right, not upwards."""
        return self.floor is not None

    @property
    def corners(self) -> tuple[Point, Point]:
        """The lowest and the highest centre in either direction."""
        return corners(self.item.values() or [(0.0, 0.0)])


def corners(points: Iterable[Point]) -> tuple[Point, Point]:
    """The lowest and the highest of these points in either direction."""
    xs, ys = zip(*points, strict=True)
    low = min(xs), min(ys)
    high = max(xs), max(ys)
    return low, high
