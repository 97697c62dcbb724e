"""Where a tape's operations stand: a column per time step, values rising from row to row, backward above the loss."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from minigrad.viz.graphs.canvas import Point

from .barycentre import Level, Node, Part, settle

# From step to step, and from row to row.
STEP_GAP_POINTS = 26.0
ROW_GAP_POINTS = 17.0
# Further room between two bands, where the frames of the steps end.
BAND_GAP_POINTS = STEP_GAP_POINTS + 4


class Band(IntEnum):
    """Bands of rows, from below; the steps are in two of them."""

    BEFORE = 0
    FORWARD = 1
    LOSS = 2
    BACKWARD = 3
    AFTER = 4


@dataclass(frozen=True)
class Box:
    """A node's measures (points), its band, and (in FORWARD and BACKWARD) its column.

    whole: it stands for all of a step.
    """

    wide: float
    tall: float
    band: Band
    column: int | None
    whole: bool = False

    @property
    def part(self) -> tuple[Band, int | None]:
        """The nodes that share it are laid out together."""
        return self.band, self.column


@dataclass(frozen=True)
class _Diagram:
    """The boxes in the order of execution, and what each reads and is read by."""

    boxes: Mapping[Node, Box]
    inputs: Mapping[Node, list[Node]]
    readers: Mapping[Node, list[Node]]

    @cached_property
    def parts(self) -> dict[tuple[Band, int | None], list[Node]]:
        """The nodes by band and column."""
        parts: defaultdict[tuple[Band, int | None], list[Node]] = defaultdict(list)
        for n, box in self.boxes.items():
            parts[box.part].append(n)
        return dict(parts)

    @cached_property
    def wide(self) -> dict[Node, float]:
        """The width of each node."""
        return {n: box.wide for n, box in self.boxes.items()}

    def same_part(self, n: Node, others: Iterable[Node]) -> list[Node]:
        """Those of the others that are in the part of n."""
        part = self.boxes[n].part
        return [m for m in others if self.boxes[m].part == part]


def columns(boxes: Mapping[Node, Box], edges: Iterable[tuple[Node, Node]]) -> dict[Node, Point]:
    """The centre of each node, given the boxes in order of execution.

    No two nodes overlap, nor do the frames of steps. Points: x to the right, y upwards.
    """
    inputs: dict[Node, list[Node]] = {n: [] for n in boxes}
    readers: dict[Node, list[Node]] = {n: [] for n in boxes}
    for a, b in dict.fromkeys(edges):
        inputs[b].append(a)
        readers[a].append(b)
    diagram = _Diagram(boxes, inputs, readers)
    level = _levels(diagram)
    x = _across_in_steps(diagram, level)
    for band in (Band.LOSS, Band.AFTER, Band.BEFORE):
        nodes = diagram.parts.get((band, None), [])
        if nodes:
            near = {n: inputs[n] + readers[n] for n in nodes}
            settle(Part(nodes, level, diagram.wide, near), x)
    y = _heights(boxes, level)
    return {n: (x[n], y[level[n]]) for n in boxes}


def _across_in_steps(diagram: _Diagram, level: Mapping[Node, Level]) -> dict[Node, float]:
    """The x of each node in a step: settled within its part, the columns side by side."""
    x: dict[Node, float] = {}
    wide: defaultdict[int, float] = defaultdict(float)
    for (_, column), nodes in diagram.parts.items():
        if column is None:
            continue
        local: dict[Node, float] = {}
        near = {n: _neighbours_in_step(n, diagram) for n in nodes}
        early = {n for n in nodes if _reads_another_step(n, diagram)}
        settle(Part(nodes, level, diagram.wide, near, early), local)
        left = min(local[n] - diagram.wide[n] / 2 for n in nodes)
        right = max(local[n] + diagram.wide[n] / 2 for n in nodes)
        for n in nodes:
            x[n] = local[n] - (left + right) / 2
        wide[column] = max(wide[column], right - left)
    middle = _middles(wide)
    for n in x:
        x[n] += middle[diagram.boxes[n].column or 0]
    return x


def _neighbours_in_step(n: Node, diagram: _Diagram) -> list[Node]:
    """What a node reads and is read by in its part; without such, what its readers elsewhere read with it."""
    near = diagram.same_part(n, diagram.inputs[n] + diagram.readers[n])
    if near:
        return near
    beside: list[Node] = []
    for r in diagram.readers[n]:
        beside += [m for m in diagram.same_part(n, diagram.inputs[r]) if m is not n]
    return beside


def _reads_another_step(n: Node, diagram: _Diagram) -> bool:
    own = diagram.boxes[n].column
    return any(diagram.boxes[m].column not in (None, own) for m in diagram.inputs[n])


def _middles(wide: Mapping[int, float]) -> dict[int, float]:
    """The middle of each column, given how wide they are."""
    middle: dict[int, float] = {}
    left = 0.0
    for column in sorted(wide):
        middle[column] = left + wide[column] / 2
        left += wide[column] + STEP_GAP_POINTS
    return middle


def _levels(diagram: _Diagram) -> dict[Node, Level]:
    """Band and row: the longest path to each node in its part, then as close below what reads it as it can be."""
    boxes = diagram.boxes
    row: dict[Node, int] = {}
    for n in boxes:
        rows = [row[x] + 1 for x in diagram.same_part(n, diagram.inputs[n]) if x in row]
        row[n] = max(rows, default=0)
    top: defaultdict[Band, int] = defaultdict(int)
    for n, box in boxes.items():
        top[box.band] = max(top[box.band], row[n])
    for n in reversed(list(boxes)):
        box = boxes[n]
        is_leaf = not diagram.inputs[n]
        above = [row[r] - 1 for r in diagram.same_part(n, diagram.readers[n])]
        if above and (is_leaf or box.column is not None):
            row[n] = max(row[n], min(above))
        elif is_leaf or box.band == Band.BEFORE:
            # Only later parts read it.
            row[n] = top[box.band]
    for n, box in boxes.items():
        # What stands for a whole step stands half-way up.
        if box.whole and box.column is not None:
            row[n] = top[box.band] // 2
    return {n: (box.band, row[n]) for n, box in boxes.items()}


def _heights(boxes: Mapping[Node, Box], level: Mapping[Node, Level]) -> dict[Level, float]:
    """The y of each row; more room between bands, where the frames of the steps end."""
    tall: defaultdict[Level, float] = defaultdict(float)
    for n, box in boxes.items():
        tall[level[n]] = max(tall[level[n]], box.tall)
    y: dict[Level, float] = {}
    last: Level | None = None
    for row in sorted(tall):
        if last is None:
            y[row] = 0.0
        else:
            between_bands = BAND_GAP_POINTS if last[0] != row[0] else 0
            y[row] = y[last] + (tall[last] + tall[row]) / 2 + ROW_GAP_POINTS + between_bands
        last = row
    return y
