"""A tape node by node: every operation, the leaves it reads, a frame per time step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from graphviz import Digraph

from minigrad import Tape, Tensor
from minigrad.viz import style
from minigrad.viz.graphs.backward.adjoint_operations import AdjointOperations, adjoint_operations
from minigrad.viz.graphs.backward.adjoint_places import HALF_PAGE_POINTS, mirrored, spread
from minigrad.viz.graphs.backward.aftermath_box import Source, put_afters
from minigrad.viz.graphs.backward.split import Backward, backward_of
from minigrad.viz.graphs.canvas import ROOM_POINTS, Looks, Point, blank_with_paths, pin, put_scale
from minigrad.viz.graphs.curves import Path, position
from minigrad.viz.graphs.fold import View
from minigrad.viz.graphs.lines.outlines import Outline, around, outline
from minigrad.viz.graphs.lines.routing import routes
from minigrad.viz.graphs.norm_colors import Scale
from minigrad.viz.graphs.picture import Picture

from .operation_bands import boxes_of
from .operation_block import FONT_POINTS, Key, Occurrence
from .operation_layout import Band, Box, columns
from .operation_model import OperationGraph, operation_graph
from .page_layout import ROWS_POINTS, on_a_page

TITLE = "The operations of a tape"

# From what is in a frame to the frame; below, there is room for the frame's label.
FRAME_PADDING_POINTS = 7.0
LABEL_PADDING_POINTS = 20.0
LABEL_POINTS = 11.0

LEGEND_BELOW_POINTS = 75


class Frame(NamedTuple):
    """The frame around what is drawn of a step, forward or backward; sorted as they are drawn."""

    band: Band
    step: int

    @property
    def name(self) -> str:
        """Its identifier."""
        if self.band == Band.BACKWARD:
            return f"cluster_back_{self.step}"
        return f"cluster_{self.step}"

    @property
    def label(self) -> str:
        """What is written in its corner."""
        if self.band == Band.BACKWARD:
            return f"t = {self.step}, backward"
        return f"t = {self.step}"


Frames = Mapping[Frame, list[Key]]
"""What is in each frame."""


@dataclass(frozen=True)
class Placed:
    """The model, where each of its blocks stands, and the paths of arcs that are known."""

    model: OperationGraph
    boxes: Mapping[Key, Box]
    centres: Mapping[Key, Point]
    paths: Sequence[Path | None]

    def is_folded(self, members: list[Key]) -> bool:
        """Whether a frame is that of what stands for several steps."""
        return self.model.blocks[members[0]].folded

    def border(self, members: list[Key]) -> Outline:
        """The frame around these, with room for its label below."""
        inside = around([self.outline(key) for key in members])
        below = LABEL_PADDING_POINTS
        if self.is_folded(members):
            below = FRAME_PADDING_POINTS
        return Outline(
            left=inside.left - FRAME_PADDING_POINTS,
            bottom=inside.bottom - below,
            right=inside.right + FRAME_PADDING_POINTS,
            top=inside.top + FRAME_PADDING_POINTS,
        )

    @property
    def fits(self) -> bool:
        """Whether it is no wider than a page, frames included."""
        frames = [self.border(members) for members in self.frames.values()]
        return around([*self.outlines, *frames]).wide <= ROOM_POINTS

    @cached_property
    def frames(self) -> Frames:
        """What is in each frame."""
        frames: defaultdict[Frame, list[Key]] = defaultdict(list)
        for key, box in self.boxes.items():
            if box.column is not None:
                frame = Frame(box.band, box.column)
                frames[frame].append(key)
        return frames

    @property
    def outlines(self) -> list[Outline]:
        """The borders of all blocks."""
        return [self.outline(key) for key in self.boxes]

    def outline(self, key: Key) -> Outline:
        """The border of a block."""
        box = self.boxes[key]
        block = self.model.blocks[key]
        size = box.wide, box.tall
        return outline(self.centres[key], size, block.oval)


def draw_operations(tape: Tape, view: View, colours: Scale | None) -> Picture:
    """The graph of operations, steps from left to right, values rising, backward above the loss."""
    backward = backward_of(tape) if view.rules == "folded" else None
    forward = backward.forward if backward else tape
    fitting, values, adjoints = _fitted(forward, backward, view, colours)
    picture = blank_with_paths("tape", TITLE)
    picture.reopened = lambda names: draw_operations(tape, fitting.with_open(names), colours)
    picture.attr("node", fontname=style.SANS, fontsize=f"{FONT_POINTS:g}")
    members_of_adjoints: Mapping[str, list[Tensor]] = {}
    _paint(picture, values)
    if backward and adjoints:
        mirror_image = _mirror_image(values, adjoints)
        members_of_adjoints = mirror_image.model.members
        _paint(picture, mirror_image)
        sources = _sources(mirror_image, backward.tape.wrt)
        picture.rules = adjoints.rules(backward)
        put_afters(picture, backward.after, sources, mirror_image.outlines)
    picture.shows(forward, values.model.members, members_of_adjoints)
    if colours:
        _put_scale(picture, values, colours)
    return picture


class _Fitted(NamedTuple):
    """A view, and what is drawn in it."""

    view: View
    values: Placed
    adjoints: AdjointOperations | None


def _fitted(tape: Tape, backward: Backward | None, view: View, colours: Scale | None) -> _Fitted:
    """The forward pass, with room for its adjoints, in the first view that fits a page."""
    last: _Fitted | None = None
    for narrower in view.narrower():
        model = operation_graph(tape, narrower, colours)
        if last and list(model.members) == list(last.values.model.members):
            # the same steps fold
            continue
        adjoints = adjoint_operations(model, backward) if backward else None
        boxes = boxes_of(model.blocks, model.arcs)
        if adjoints:
            boxes = spread(boxes, adjoints)
        values = _placed(model, boxes, HALF_PAGE_POINTS if adjoints else ROWS_POINTS)
        last = _Fitted(narrower, values, adjoints)
        if values.fits:
            break
    assert last
    return last


def _mirror_image(values: Placed, adjoints: AdjointOperations) -> Placed:
    """The adjoints above the values."""
    images = mirrored(values.boxes, values.centres, values.paths, adjoints)
    model = adjoints.with_totals()
    return Placed(model, images.boxes, images.centres, images.paths)


def _sources(placed: Placed, wrt: Iterable[Tensor]) -> dict[Tensor, Source]:
    """The blocks of the gradients that were asked for."""
    sources: dict[Tensor, Source] = {}
    asked = set(wrt)
    for key in placed.model.blocks:
        # a sum comes after its shares
        if isinstance(key, Occurrence) and key.node in asked:
            name = placed.model.ids[key]
            sources[key.node] = Source(name, placed.outline(key))
    return sources


def _paint(picture: Picture, placed: Placed) -> None:
    """Draw one panel: blocks, those of a step in its frame, and what joins them."""
    picture.folds = {**picture.folds, **placed.model.folds}
    for key, box in placed.boxes.items():
        if box.column is None:
            _put_block(picture, key, placed)
    for frame in sorted(placed.frames):
        with picture.subgraph(name=frame.name) as part:
            _put_frame(part, frame, placed.frames[frame], placed)
    _put_arcs(picture, placed)


def _placed(model: OperationGraph, boxes: Mapping[Key, Box], room: float) -> Placed:
    """The places of the blocks: a column per step; without steps, rows in this room on a page.

    Rows that are wider than the room have all of the page.
    """
    edges = [(arc.tail, arc.head) for arc in model.arcs]
    if any(box.column is not None for box in boxes.values()):
        unknown = [None] * len(edges)
        return Placed(model, boxes, columns(boxes, edges), unknown)
    sizes = {key: (box.wide, box.tall) for key, box in boxes.items()}
    placed = Placed(model, boxes, *on_a_page(sizes, edges, room))
    if around(placed.outlines).wide <= room:
        return placed
    return Placed(model, boxes, *on_a_page(sizes, edges))


def _put_block(graph: Digraph, key: Key, placed: Placed) -> None:
    """Draw one node, or what stands for folded ones."""
    block = placed.model.blocks[key]
    box = placed.boxes[key]
    rows = [row.html for row in block.rows]
    if block.strip:
        rows.append(block.strip.table())
    label = f"<{rows[0]}>" if len(rows) == 1 else style.table(rows)
    name = placed.model.ids[key]
    size = box.wide, box.tall
    pin(graph, name, placed.centres[key], size, label=label, **block.looks)


def _put_frame(part: Digraph, frame: Frame, members: list[Key], placed: Placed) -> None:
    """Draw the blocks of a step in a frame that is dashed round what stands for several steps."""
    is_folded = placed.is_folded(members)
    looks: Looks = {
        "label": "" if is_folded else frame.label,
        "style": "rounded,dashed" if is_folded else "rounded",
        "color": style.FAINT,
        "fontcolor": style.FAINT,
        "fontname": style.SANS,
        "fontsize": f"{LABEL_POINTS:g}",
    }
    border = placed.border(members)
    looks["bb"] = _written(border[:4])
    looks["lp"] = _written(_label(frame, border).centre)
    part.attr(**looks)
    for key in members:
        _put_block(part, key, placed)


def _written(values: Iterable[float]) -> str:
    """Lengths in points, as Graphviz reads them."""
    return ",".join(f"{value:.6g}" for value in values)


def _label(frame: Frame, border: Outline) -> Outline:
    """Where the label of a frame stands: in its lower left corner."""
    wide = style.width(frame.label, LABEL_POINTS, style.SANS)
    left = border.left + FRAME_PADDING_POINTS
    return Outline(
        left=left,
        bottom=border.bottom,
        right=left + wide,
        top=border.bottom + LABEL_PADDING_POINTS,
    )


def _put_arcs(picture: Digraph, placed: Placed) -> None:
    """Draw the arrows, led round blocks and labels."""
    outlines: dict[Key | Frame, Outline] = {}
    for key in placed.boxes:
        outlines[key] = placed.outline(key)
    for frame, members in placed.frames.items():
        if not placed.is_folded(members):
            outlines[frame] = _label(frame, placed.border(members))
    model = placed.model
    arcs = list(zip(model.arcs, placed.paths, strict=True))
    free = [(arc.tail, arc.head) for arc, path in arcs if not path]
    routed = iter(routes(outlines, free))
    for arc, path in arcs:
        tail = model.ids[arc.tail]
        head = model.ids[arc.head]
        pos = position(path or next(routed))
        picture.edge(tail, head, pos=pos, **arc.looks)


def _put_scale(picture: Digraph, placed: Placed, colours: Scale) -> None:
    """What the colours mean, below the picture."""
    xs, ys = zip(*placed.centres.values(), strict=True)
    middle = (min(xs) + max(xs)) / 2
    below = min(ys) - LEGEND_BELOW_POINTS
    put_scale(picture, (middle, below), colours.legend())
