"""A tape node by node: every operation, the leaves it reads, a cluster per time step, and what its gates do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import graphviz

from minigrad import Edge, Tape, Tensor
from minigrad.ops.elementwise import accumulate
from minigrad.viz import style
from minigrad.viz.graphs.canvas import Point, blank, pin, put_legend
from minigrad.viz.graphs.fold import View
from minigrad.viz.graphs.norms import Scale

from minigrad import Tape

from .operation_layout import Band, Box, columns
from .operation_model import FONT_POINTS, SMALL_POINTS, Arc, Block, Key, operation_graph

# Nodes: with more, arrows are straight.
MAX_BLOCKS_WITH_BENT_ARROWS = 170

# From line to line, as a multiple of the font.
LINE_HEIGHT = 1.25
# Around the text of a block, and of a mark without a box.
BOX_PADDING_POINTS = (10.0, 7.0)
BARE_PADDING_POINTS = (2.0, 2.0)
# An oval is so much larger than its text; and Graphviz leads arrows round it as if it were wider.
OVAL_STRETCH = 1.42
OVAL_MARGIN_POINTS = 14.0

# From what is in a frame to the frame; below, there is room for the frame's label.
FRAME_PADDING_POINTS = 7.0
LABEL_PADDING_POINTS = 20.0
CORNER_SIZE = (0.2, 0.2)
CORNER_LOOKS = {"shape": "box", "label": "", "style": "invis", "class": "corner"}

LEGEND_BELOW_POINTS = 75
LEGEND_LINE_POINTS = 30
LEGEND_SIZE = (150, 14)
SCALE_SIZE = (190, 40)


def draw_operations(tape: Tape, view: View, colours: Scale | None) -> graphviz.Digraph:
    """The graph of a tape's operations, the steps from left to right, values rising, backward above the loss."""
    model = operation_graph(tape, view, colours)
    boxes = _boxes(model.blocks, model.arcs)
    centres = columns(boxes, [(arc.tail, arc.head) for arc in model.arcs])
    graph = blank("tape", len(boxes) > MAX_BLOCKS_WITH_BENT_ARROWS)
    graph.attr("node", fontname=style.SANS, fontsize=f"{FONT_POINTS:g}")
    frames: defaultdict[tuple[Band, int], list[Key]] = defaultdict(list)
    for key, box in boxes.items():
        if box.column is None:
            _put_block(graph, model.ids[key], model.blocks[key], box, centres[key])
        else:
            frames[box.band, box.column].append(key)
    for (band, step), members in sorted(frames.items(), key=lambda frame: frame[0]):
        with graph.subgraph(name=_cluster(band, step)) as part:
            is_folded = model.blocks[members[0]].folded
            part.attr(**_frame_looks(band, step, is_folded))
            part.attr(fontname=style.SANS, fontsize="11")
            for key in members:
                _put_block(part, model.ids[key], model.blocks[key], boxes[key], centres[key])
            spans = [(centres[key], boxes[key]) for key in members]
            _put_corners(part, _frame_name(band, step), spans, is_folded)
    for arc in model.arcs:
        graph.edge(model.ids[arc.tail], model.ids[arc.head], **arc.looks)
    _put_legends(graph, centres.values(), colours, model.has_recomputed)
    return graph


# --- places ---------------------------------------------------------------------------------------


def _boxes(blocks: Mapping[Key, Block], arcs: list[Arc]) -> dict[Key, Box]:
    """Measures, band and column of every block."""
    bands = _bands(blocks, arcs)
    boxes: dict[Key, Box] = {}
    for key, block in blocks.items():
        wide, tall = _size(block)
        boxes[key] = Box(wide, tall, bands[key], block.step, whole=block.folded)
    return boxes


def _bands(blocks: Mapping[Key, Block], arcs: list[Arc]) -> dict[Key, Band]:
    """The band of each block: the steps have theirs, the others come before, between or after them."""
    inputs: defaultdict[Key, list[Key]] = defaultdict(list)
    for arc in arcs:
        inputs[arc.head].append(arc.tail)
    bands: dict[Key, Band] = {}
    for key, block in blocks.items():
        below = [bands.get(x, Band.BEFORE) for x in inputs[key]]
        bands[key] = _band(block, max(below, default=Band.BEFORE))
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


def _size(block: Block) -> Point:
    """Width and height in points."""
    wide = max(style.width(row.text, row.size) for row in block.rows)
    tall = sum(LINE_HEIGHT * row.size for row in block.rows)
    if block.oval:
        wide = OVAL_STRETCH * wide + OVAL_MARGIN_POINTS
        tall = OVAL_STRETCH * tall
    across, down = BARE_PADDING_POINTS if block.bare else BOX_PADDING_POINTS
    return wide + across, tall + down


# --- nodes ----------------------------------------------------------------------------------------


def _put_block(graph: graphviz.Digraph, name: str, block: Block, box: Box, centre: Point) -> None:
    """Draw one node, or what stands for folded ones."""
    rows = [style.sized(row.text, row.size) for row in block.rows]
    label = f"<{rows[0]}>" if len(rows) == 1 else style.table(rows)
    wide = box.wide
    if block.oval:
        wide -= OVAL_MARGIN_POINTS
    pin(graph, name, centre, (wide, box.tall), label=label, **block.looks)


def _cluster(band: Band, step: int) -> str:
    return f"cluster_back_{step}" if band == Band.BACKWARD else f"cluster_{step}"


def _frame_name(band: Band, step: int) -> str:
    return f"back {step}" if band == Band.BACKWARD else str(step)


def _frame_looks(band: Band, step: int, is_folded: bool) -> dict[str, str]:
    """A grey frame that names its step; a dashed one round what stands for several."""
    label = ""
    if not is_folded:
        label = f"t = {step}, backward" if band == Band.BACKWARD else f"t = {step}"
    return {
        "label": label,
        "style": "rounded,dashed" if is_folded else "rounded",
        "color": style.FAINT,
        "fontcolor": style.FAINT,
        "labelloc": "b",
    }


def _put_corners(
    part: graphviz.Digraph, name: str, spans: list[tuple[Point, Box]], is_folded: bool
) -> None:
    """Graphviz draws a frame tight around what is in it: two invisible corners give it room."""
    below = FRAME_PADDING_POINTS if is_folded else LABEL_PADDING_POINTS
    left = min(x - box.wide / 2 for (x, _), box in spans) - FRAME_PADDING_POINTS
    right = max(x + box.wide / 2 for (x, _), box in spans) + FRAME_PADDING_POINTS
    bottom = min(y - box.tall / 2 for (_, y), box in spans) - below
    top = max(y + box.tall / 2 for (_, y), box in spans) + FRAME_PADDING_POINTS
    pin(part, f"low {name}", (left, bottom), CORNER_SIZE, **CORNER_LOOKS)
    pin(part, f"high {name}", (right, top), CORNER_SIZE, **CORNER_LOOKS)


def _put_legends(
    graph: graphviz.Digraph,
    centres: Iterable[Point],
    colours: Scale | None,
    has_recomputed: bool,
) -> None:
    """What the colours and the outlines mean, below the picture."""
    xs, ys = zip(*centres, strict=True)
    middle = (min(xs) + max(xs)) / 2
    below = min(ys) - LEGEND_BELOW_POINTS
    if colours:
        put_legend(graph, "scale", (middle, below), SCALE_SIZE, colours.legend())
    if has_recomputed:
        text = style.label("dashed outline: recomputed", size=SMALL_POINTS)
        centre = middle, below + LEGEND_LINE_POINTS
        put_legend(graph, "recomputed", centre, LEGEND_SIZE, text)
