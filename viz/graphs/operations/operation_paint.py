"""A tape node by node: every operation, the leaves it reads, a frame per time step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from graphviz import Digraph

from minigrad import Tape
from minigrad.viz import style
from minigrad.viz.graphs.backward.adjoint_operations import adjoint_operations
from minigrad.viz.graphs.backward.adjoint_places import mirrored, spread
from minigrad.viz.graphs.backward.aftermath_box import put_afters
from minigrad.viz.graphs.backward.split import backward_of
from minigrad.viz.graphs.canvas import Looks, Point, blank, pin, put_scale
from minigrad.viz.graphs.fold import View
from minigrad.viz.graphs.norm_colors import Scale

from .operation_bands import OVAL_MARGIN_POINTS, boxes_of
from .operation_block import FONT_POINTS, Key
from .operation_layout import Band, Box, columns
from .operation_model import OperationGraph, operation_graph

# Nodes: with more, arrows are straight.
MAX_BLOCKS_WITH_BENT_ARROWS = 170
TITLE = "The operations of a tape"

# From what is in a frame to the frame; below, there is room for the frame's label.
FRAME_PADDING_POINTS = 7.0
LABEL_PADDING_POINTS = 20.0
CORNER_SIZE = (0.2, 0.2)
CORNER_LOOKS = {
    "shape": "box",
    "label": "",
    "style": "invis",
    "class": "corner",
}

LEGEND_BELOW_POINTS = 75


class Frame(NamedTuple):
    """The frame around what is drawn of a step, forward or backward; sorted as they are drawn."""

    band: Band
    step: int

    @property
    def backward(self) -> bool:
        """Whether it holds adjoints."""
        return self.band == Band.BACKWARD


class Placed(NamedTuple):
    """The model, and where each of its blocks stands."""

    model: OperationGraph
    boxes: Mapping[Key, Box]
    centres: Mapping[Key, Point]


def draw_operations(tape: Tape, view: View, colours: Scale | None) -> Digraph:
    """The graph of operations, steps from left to right, values rising, backward above the loss."""
    backward = backward_of(tape) if view.rules == "folded" else None
    model = operation_graph(backward.forward if backward else tape, view, colours)
    boxes = boxes_of(model.blocks, model.arcs)
    edges = [(arc.tail, arc.head) for arc in model.arcs]
    panels = []
    if backward:
        adjoints = adjoint_operations(model, backward)
        centres = columns(spread(boxes, adjoints), edges)
        places = mirrored(boxes, centres, adjoints)
        panels = [Placed(model, boxes, centres), Placed(adjoints.with_totals(), *places)]
    else:
        panels = [Placed(model, boxes, columns(boxes, edges))]
    picture = blank("tape", TITLE, len(boxes) > MAX_BLOCKS_WITH_BENT_ARROWS)
    picture.attr("node", fontname=style.SANS, fontsize=f"{FONT_POINTS:g}")
    for placed in panels:
        _put_blocks(picture, placed)
        for arc in placed.model.arcs:
            tail = placed.model.ids[arc.tail]
            head = placed.model.ids[arc.head]
            picture.edge(tail, head, **arc.looks)
    if backward:
        ends = _sides(panels[-1])
        put_afters(picture, backward.after, *ends)
    _put_scale(picture, panels[0], colours)
    return picture


def _sides(placed: Placed) -> tuple[Point, float]:
    """The left and the right end, and what is the height above everything."""
    xs, ys = zip(*placed.centres.values(), strict=True)
    return (min(xs), max(xs)), max(ys) + LEGEND_BELOW_POINTS / 2


def _put_blocks(picture: Digraph, placed: Placed) -> None:
    """Draw every block, those of a step in its frame."""
    frames: defaultdict[Frame, list[Key]] = defaultdict(list)
    for key, box in placed.boxes.items():
        if box.column is None:
            _put_block(picture, key, placed)
        else:
            frame = Frame(box.band, box.column)
            frames[frame].append(key)
    for frame in sorted(frames):
        prefix = "back_" if frame.backward else ""
        with picture.subgraph(name=f"cluster_{prefix}{frame.step}") as part:
            _put_frame(part, frame, frames[frame], placed)


def _put_block(graph: Digraph, key: Key, placed: Placed) -> None:
    """Draw one node, or what stands for folded ones."""
    block = placed.model.blocks[key]
    box = placed.boxes[key]
    rows = [row.html for row in block.rows]
    if block.strip:
        rows.append(block.strip.table())
    label = f"<{rows[0]}>" if len(rows) == 1 else style.table(rows)
    wide = box.wide
    if block.oval:
        wide -= OVAL_MARGIN_POINTS
    name = placed.model.ids[key]
    size = wide, box.tall
    pin(graph, name, placed.centres[key], size, label=label, **block.looks)


def _put_frame(part: Digraph, frame: Frame, members: list[Key], placed: Placed) -> None:
    """Draw the blocks of a step in a frame that is dashed round what stands for several steps."""
    is_folded = placed.model.blocks[members[0]].folded
    looks: Looks = {
        "label": "" if is_folded else _frame_label(frame),
        "style": "rounded,dashed" if is_folded else "rounded",
        "color": style.FAINT,
        "fontcolor": style.FAINT,
        "labelloc": "b",
    }
    part.attr(**looks)
    part.attr(fontname=style.SANS, fontsize="11")
    for key in members:
        _put_block(part, key, placed)
    below = FRAME_PADDING_POINTS if is_folded else LABEL_PADDING_POINTS
    low, high = _corners(members, placed, below)
    name = f"back {frame.step}" if frame.backward else f"{frame.step}"
    # Graphviz draws a frame tight around what is in it: two invisible corners give it room.
    pin(part, f"low {name}", low, CORNER_SIZE, **CORNER_LOOKS)
    pin(part, f"high {name}", high, CORNER_SIZE, **CORNER_LOOKS)


def _frame_label(frame: Frame) -> str:
    label = f"t = {frame.step}"
    if frame.backward:
        label += ", backward"
    return label


def _corners(members: Iterable[Key], placed: Placed, below: float) -> tuple[Point, Point]:
    """The lowest and the highest point of a frame, which leaves so much room below its members."""
    xs: list[float] = []
    ys: list[float] = []
    for key in members:
        x, y = placed.centres[key]
        box = placed.boxes[key]
        xs += [x - box.wide / 2, x + box.wide / 2]
        ys += [y - box.tall / 2, y + box.tall / 2]
    low = min(xs) - FRAME_PADDING_POINTS, min(ys) - below
    high = max(xs) + FRAME_PADDING_POINTS, max(ys) + FRAME_PADDING_POINTS
    return low, high


def _put_scale(picture: Digraph, placed: Placed, colours: Scale | None) -> None:
    """What the colours mean, below the picture."""
    if colours:
        xs, ys = zip(*placed.centres.values(), strict=True)
        middle = (min(xs) + max(xs)) / 2
        put_scale(picture, (middle, min(ys) - LEGEND_BELOW_POINTS), colours.legend())
