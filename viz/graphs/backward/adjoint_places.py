"""Where the adjoints of the graph of operations stand: mirrored above the values, sums on top."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.operations.operation_bands import size_of
from minigrad.viz.graphs.operations.operation_block import Block, Key
from minigrad.viz.graphs.operations.operation_layout import BAND_GAP_POINTS, Band, Box
from minigrad.viz.graphs.curves import HEAD_POINTS, Path, between

from .adjoint_operations import AdjointOperations

# From the highest value up to the lowest adjoint; from the last value to the right.
MIRROR_GAP_POINTS = 2 * BAND_GAP_POINTS
BESIDE_POINTS = 60.0
# A page and a half.
MAX_WIDTH_POINTS = 1050.0
# Between sums beside each other, and from row to row of them.
SUM_GAP_POINTS = 10.0
LEAST_CURVE_POINTS = 0.1

Boxes = dict[Key, Box]
Centres = dict[Key, Point]


def spread(boxes: Mapping[Key, Box], adjoints: AdjointOperations) -> Boxes:
    """The boxes of the values, each with as much room as its adjoint needs."""
    roomy = dict(boxes)
    for key, block in adjoints.model.blocks.items():
        wide, tall = size_of(block)
        box = boxes[key]
        roomy[key] = replace(box, wide=max(box.wide, wide), tall=max(box.tall, tall))
    return roomy


def mirrored(
    boxes: Mapping[Key, Box],
    centres: Mapping[Key, Point],
    paths: Sequence[Path | None],
    adjoints: AdjointOperations,
) -> tuple[Boxes, Centres, list[Path | None]]:
    """Boxes, centres and paths of the adjoints and of the sums, given those of the values.

    A path that is None is not known yet.
    """
    mirror = _mirror(boxes, centres)
    new_boxes: Boxes = {}
    new_centres: Centres = {}
    for key in adjoints.model.blocks:
        box = boxes[key]
        band = Band.BACKWARD if box.band == Band.FORWARD else box.band
        new_boxes[key] = replace(box, band=band)
        new_centres[key] = mirror(centres[key])
    _put_sums(adjoints.totals, new_boxes, new_centres)
    new_paths: list[Path | None] = []
    for k in adjoints.origins:
        path = paths[k]
        # it goes from its end to its start
        new_paths.append(path and _reversed([mirror(point) for point in path]))
    return new_boxes, new_centres, new_paths


def _reversed(path: Path) -> Path:
    """The path from its end to its start, without curves of no length; the last piece straight."""
    points = path[::-1]
    result = points[:1]
    for start in range(1, len(points), 3):
        curve = points[start : start + 3]
        if math.dist(result[-1], curve[-1]) > LEAST_CURVE_POINTS:
            result += curve
    *path, (x, y), (u, v) = result
    share = min(HEAD_POINTS / (math.dist((x, y), (u, v)) or 1.0), 1.0)
    right, up = (u - x) * share, (v - y) * share
    base = u - right, v - up
    return [*path, (x - right, y - up), base, base, (u, v), (u, v)]


def _mirror(boxes: Mapping[Key, Box], centres: Mapping[Key, Point]) -> Callable[[Point], Point]:
    """Where the image of a point is: above the values; of a tall picture without steps beside them.

    Beside, an adjoint stands in the row of its value; above, in its column.
    """
    left = min(x - boxes[key].wide / 2 for key, (x, _) in centres.items())
    right = max(x + boxes[key].wide / 2 for key, (x, _) in centres.items())
    top = max(y + boxes[key].tall / 2 for key, (_, y) in centres.items())
    has_steps = any(box.column is not None for box in boxes.values())
    if not has_steps and 2 * (right - left) + BESIDE_POINTS <= MAX_WIDTH_POINTS:
        return lambda point: (2 * right + BESIDE_POINTS - point[0], point[1])
    return lambda point: (point[0], 2 * top + MIRROR_GAP_POINTS - point[1])


def _box(block: Block, like: Box) -> Box:
    wide, tall = size_of(block)
    return replace(like, wide=wide, tall=tall)


def _put_sums(sums: Mapping[Key, Block], boxes: Boxes, centres: Centres) -> None:
    """Add the sums, in rows above everything, around its middle."""
    if not sums:
        return
    left = min(x - boxes[key].wide / 2 for key, (x, _) in centres.items())
    right = max(x + boxes[key].wide / 2 for key, (x, _) in centres.items())
    top = max(y + boxes[key].tall / 2 for key, (_, y) in centres.items())
    cell = max(size_of(block)[0] for block in sums.values()) + SUM_GAP_POINTS
    tall = max(size_of(block)[1] for block in sums.values())
    rows = _rows(list(sums), cell, right - left)
    first = (left + right - cell * (len(rows[0]) - 1)) / 2
    for k, row in enumerate(rows):
        # as bricks: what goes up from a row has a gap above it
        x = first + cell / 2 * (k % 2)
        y = top + BAND_GAP_POINTS + tall / 2 + k * (tall + SUM_GAP_POINTS)
        for key in row:
            boxes[key] = _box(sums[key], Box(0, 0, Band.AFTER, None))
            centres[key] = x, y
            x += cell


def _rows(sums: list[Key], cell: float, room: float) -> list[list[Key]]:
    """The sums in as many rows of cells as there have to be, each as full as the others."""
    fitting = max(int(room // cell), 1)
    count = math.ceil(len(sums) / fitting)
    size = math.ceil(len(sums) / count)
    return [sums[start : start + size] for start in range(0, len(sums), size)]
