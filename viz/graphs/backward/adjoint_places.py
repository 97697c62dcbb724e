"""Where the adjoints of the graph of operations stand: mirrored above the values, sums on top."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.operations.operation_bands import size_of
from minigrad.viz.graphs.operations.operation_block import Block, Key
from minigrad.viz.graphs.operations.operation_layout import BAND_GAP_POINTS, Band, Box
from minigrad.viz.graphs.routing import Path

from .adjoint_operations import AdjointOperations

# From the highest value up to the lowest adjoint.
MIRROR_GAP_POINTS = 2 * BAND_GAP_POINTS
# Between sums beside each other, and from row to row of them.
SUM_GAP_POINTS = 10.0

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
    top = max(y + boxes[key].tall / 2 for key, (_, y) in centres.items())
    seam = 2 * top + MIRROR_GAP_POINTS
    new_boxes: Boxes = {}
    new_centres: Centres = {}
    for key in adjoints.model.blocks:
        x, y = centres[key]
        box = boxes[key]
        band = Band.BACKWARD if box.band == Band.FORWARD else box.band
        new_boxes[key] = replace(box, band=band)
        new_centres[key] = x, seam - y
    _put_sums(adjoints.totals, new_boxes, new_centres)
    new_paths = [_flipped(paths[k], seam) for k in adjoints.origins]
    return new_boxes, new_centres, new_paths


def _flipped(path: Path | None, seam: float) -> Path | None:
    """The path upside down, from its end to its start."""
    return path and [(x, seam - y) for x, y in reversed(path)]


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
