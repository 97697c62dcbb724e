"""Where the adjoints of the graph of operations stand: mirrored above the values, sums on top."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.operations.operation_bands import size_of
from minigrad.viz.graphs.operations.operation_block import Block, Key
from minigrad.viz.graphs.operations.operation_layout import BAND_GAP_POINTS, Band, Box

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
    boxes: Mapping[Key, Box], centres: Mapping[Key, Point], adjoints: AdjointOperations
) -> tuple[Boxes, Centres]:
    """Boxes and centres of the adjoints and of the sums, given those of the values."""
    top = max(y + boxes[key].tall / 2 for key, (_, y) in centres.items())
    seam = 2 * top + MIRROR_GAP_POINTS
    new_boxes: Boxes = {}
    new_centres: Centres = {}
    for key, block in adjoints.model.blocks.items():
        x, y = centres[key]
        box = boxes[key]
        band = Band.BACKWARD if box.band == Band.FORWARD else box.band
        new_boxes[key] = _box(block, replace(box, band=band))
        new_centres[key] = x, seam - y
    _put_sums(adjoints.totals, new_boxes, new_centres)
    return new_boxes, new_centres


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
