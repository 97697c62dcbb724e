"""How large the blocks of the graph of operations are, and in which band of rows each stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from minigrad.viz import style
from minigrad.viz.graphs.canvas import Point

from .operation_block import Block, Key
from .operation_layout import Band, Box
from .operation_model import Arc

# Around the text of a block, and of a mark without a box.
BOX_PADDING_POINTS = (10.0, 7.0)
BARE_PADDING_POINTS = (2.0, 2.0)
# An oval is so much larger than its text.
OVAL_STRETCH = 1.42

Blocks = Mapping[Key, Block]


def boxes_of(blocks: Blocks, arcs: list[Arc]) -> dict[Key, Box]:
    """Measures, band and column of every block."""
    bands = _bands(blocks, arcs)
    boxes: dict[Key, Box] = {}
    for key, block in blocks.items():
        wide, tall = size_of(block)
        step = block.step
        boxes[key] = Box(wide, tall, bands[key], step, block.folded, block.role)
    return boxes


def _bands(blocks: Blocks, arcs: list[Arc]) -> dict[Key, Band]:
    """The band of each block: the steps have theirs, the others come before, between or after."""
    inputs: defaultdict[Key, list[Key]] = defaultdict(list)
    for arc in arcs:
        inputs[arc.head].append(arc.tail)
    bands: dict[Key, Band] = {}
    for key, block in blocks.items():
        below = [bands.get(x, Band.BEFORE) for x in inputs[key]]
        highest = max(below, default=Band.BEFORE)
        bands[key] = _band(block, highest)
    readers: defaultdict[Key, list[Band]] = defaultdict(list)
    for arc in arcs:
        readers[arc.tail].append(bands[arc.head])
    for key, read_in in readers.items():
        first = min(read_in)
        # Targets of the loss, constants of backward.
        if bands[key] == Band.BEFORE and first >= Band.LOSS:
            bands[key] = Band.LOSS if first == Band.BACKWARD else first
    return bands


def _band(block: Block, below: Band) -> Band:
    """The band of a block, given the highest one that it reads from."""
    if block.step is not None:
        return Band.BACKWARD if block.backward else Band.FORWARD
    if below >= Band.BACKWARD:
        return Band.AFTER
    if below > Band.BEFORE or block.backward:
        return Band.LOSS
    return Band.BEFORE


def size_of(block: Block) -> Point:
    """Width and height of a block in points."""
    wide = 0.0
    tall = 0.0
    for row in block.rows:
        wide = max(wide, style.width(row.text, row.size, style.SANS))
        tall += style.LINE_HEIGHT * row.size
    if block.strip:
        strip_wide, strip_tall = block.strip.size
        wide = max(wide, strip_wide)
        tall += strip_tall
    if block.oval:
        wide = OVAL_STRETCH * wide
        tall = OVAL_STRETCH * tall
    across, down = BARE_PADDING_POINTS if block.bare else BOX_PADDING_POINTS
    return wide + across, tall + down
