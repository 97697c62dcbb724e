"""Where the adjoints of the graph of operations stand: mirrored above the values, sums on top."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from minigrad.viz.graphs.canvas import ROOM_POINTS, Point, upside_down
from minigrad.viz.graphs.curves import HEAD_POINTS, Path, between
from minigrad.viz.graphs.lines.outlines import Outline, around, outline
from minigrad.viz.graphs.operations.operation_bands import size_of
from minigrad.viz.graphs.operations.operation_block import Block, Key, Occurrence
from minigrad.viz.graphs.operations.operation_layout import BAND_GAP_POINTS, Band, Box

from .adjoint_operations import AdjointOperations

# From the highest value up to the lowest adjoint; from the last value to the right.
MIRROR_GAP_POINTS = 2 * BAND_GAP_POINTS
BESIDE_POINTS = 60.0
# How wide values may be that have their adjoints beside them.
HALF_PAGE_POINTS = (ROOM_POINTS - BESIDE_POINTS) / 2
# Between sums beside each other, and from row to row of them.
SUM_GAP_POINTS = 10.0
LEAST_CURVE_POINTS = 0.1

Boxes = Mapping[Key, Box]
Centres = Mapping[Key, Point]


def spread(boxes: Boxes, adjoints: AdjointOperations) -> dict[Key, Box]:
    """The boxes of the values, each with as much room as its adjoint needs."""
    roomy = dict(boxes)
    for key, block in adjoints.model.blocks.items():
        wide, tall = size_of(block)
        box = boxes[key]
        roomy[key] = replace(box, wide=max(box.wide, wide), tall=max(box.tall, tall))
    return roomy


@dataclass
class Mirrored:
    """Where the adjoints and the sums stand.

    paths: of the arrows between adjoints; None where it is not known yet.
    """

    boxes: dict[Key, Box] = field(default_factory=dict)
    centres: dict[Key, Point] = field(default_factory=dict)
    paths: list[Path | None] = field(default_factory=list)


def mirrored(
    boxes: Boxes,
    centres: Centres,
    paths: Sequence[Path | None],
    adjoints: AdjointOperations,
) -> Mirrored:
    """The places of the adjoints and of the sums, given those of the values."""
    mirror = _Mirror(boxes, centres)
    images = Mirrored()
    for key in adjoints.model.blocks:
        box = boxes[key]
        band = Band.BACKWARD if box.band == Band.FORWARD else box.band
        images.boxes[key] = replace(box, band=band)
        images.centres[key] = mirror.image(centres[key])
    if adjoints.totals:
        _put_sums(adjoints.totals, images)
    for k in adjoints.origins:
        path = paths[k]
        if path:
            image = [mirror.image(point) for point in path]
            # It goes from its end to its start.
            path = _reversed(image)
        images.paths.append(path)
    return images


def _reversed(path: Path) -> Path:
    """The path from its end to its start, without curves of no length; the last piece straight."""
    points = path[::-1]
    result = points[:1]
    for start in range(1, len(points), 3):
        curve = points[start : start + 3]
        if math.dist(result[-1], curve[-1]) > LEAST_CURVE_POINTS:
            result += curve
    *path, last, tip = result
    length = math.dist(last, tip) or 1.0
    share = min(HEAD_POINTS / length, 1.0)
    # As far before the last bend as the head is long.
    bend = between(last, tip, -share)
    base = between(tip, last, share)
    return [*path, bend, base, base, tip, tip]


def _around(boxes: Boxes, centres: Centres) -> Outline:
    """The border of all of them."""
    outlines = []
    for key, centre in centres.items():
        box = boxes[key]
        outlines.append(outline(centre, (box.wide, box.tall)))
    return around(outlines)


@dataclass(frozen=True)
class _Mirror:
    """Shows the values above them; those of a narrow picture without steps beside them.

    Beside, an adjoint stands in the row of its value; above, in its column.
    """

    boxes: Boxes
    centres: Centres

    @cached_property
    def border(self) -> Outline:
        """That of the values."""
        return _around(self.boxes, self.centres)

    @cached_property
    def is_beside(self) -> bool:
        """Whether adjoints stand beside the values."""
        has_steps = any(box.column is not None for box in self.boxes.values())
        return not has_steps and self.border.wide <= HALF_PAGE_POINTS

    def image(self, point: Point) -> Point:
        """Where the image of a point is."""
        x, y = point
        if self.is_beside:
            return 2 * self.border.right + BESIDE_POINTS - x, y
        return upside_down(point, 2 * self.border.top + MIRROR_GAP_POINTS)


def _put_sums(sums: Mapping[Occurrence, Block], images: Mirrored) -> None:
    """Add the sums, in rows above everything, around its middle."""
    border = _around(images.boxes, images.centres)
    sizes = {key: size_of(block) for key, block in sums.items()}
    cell = max(wide for wide, _ in sizes.values()) + SUM_GAP_POINTS
    row_tall = max(tall for _, tall in sizes.values())
    rows = _rows(list(sums), cell, border.wide)
    cells = cell * (len(rows[0]) - 1)
    first = (border.left + border.right - cells) / 2
    y = border.top + BAND_GAP_POINTS + row_tall / 2
    for k, row in enumerate(rows):
        # As bricks: what goes up from a row has a gap above it.
        x = first + cell / 2 * (k % 2)
        for key in row:
            wide, tall = sizes[key]
            images.boxes[key] = Box(wide, tall, Band.AFTER, None)
            images.centres[key] = x, y
            x += cell
        y += row_tall + SUM_GAP_POINTS


def _rows(sums: list[Occurrence], cell: float, room: float) -> list[list[Occurrence]]:
    """The sums in as many rows of cells as there have to be, each as full as the others."""
    fitting = int(room // cell)
    if fitting < len(sums):
        # bricks of every other row lie half a brick to the right
        fitting = max(fitting - 1, 1)
    count = math.ceil(len(sums) / fitting)
    size = math.ceil(len(sums) / count)
    return [sums[start : start + size] for start in range(0, len(sums), size)]
