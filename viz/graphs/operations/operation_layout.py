"""Where operations stand: a column per step, values rising from row to row, backward on top."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from minigrad.viz.graphs.canvas import Point

from .barycentre import Across, Level, Levels, Node, Part, Reach, settle
from .step_templates import Role, Template, align_rows, settle_alike, templates

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


PartKey = tuple[Band, int | None]
"""Band and column: the nodes that share them are laid out together."""


@dataclass(frozen=True)
class Box:
    """A node's measures (points), its band, and (in FORWARD and BACKWARD) its column.

    whole: it stands for all of a step. role: that of its counterparts in other steps.
    """

    wide: float
    tall: float
    band: Band
    column: int | None
    whole: bool = False
    role: Role = None

    @property
    def part(self) -> PartKey:
        """What it is laid out with."""
        return self.band, self.column


Boxes = Mapping[Node, Box]
Links = dict[Node, list[Node]]


@dataclass(frozen=True)
class _Diagram:
    """The boxes in the order of execution, and what each reads and is read by."""

    boxes: Boxes
    inputs: Links
    readers: Links

    @cached_property
    def parts(self) -> dict[PartKey, list[Node]]:
        """The nodes by band and column."""
        parts: defaultdict[PartKey, list[Node]] = defaultdict(list)
        for n, box in self.boxes.items():
            parts[box.part].append(n)
        return dict(parts)

    @cached_property
    def reach(self) -> Reach:
        """How far each node reaches from its middle."""
        reach = {}
        for n, box in self.boxes.items():
            half = box.wide / 2
            reach[n] = half, half
        return reach

    @cached_property
    def templates(self) -> list[Template]:
        """The steps that are laid out alike, forward and backward apart."""
        roles: dict[Node, Role] = {}
        for n, box in self.boxes.items():
            roles[n] = id(n) if box.role is None or box.whole else box.role
        made: list[Template] = []
        for band in (Band.FORWARD, Band.BACKWARD):
            steps: dict[int, list[Node]] = {}
            for (part_band, column), nodes in self.parts.items():
                if part_band == band:
                    steps[column or 0] = nodes
            in_order = [steps[column] for column in sorted(steps)]
            made += templates(in_order, roles)
        return made

    def neighbours(self, n: Node) -> list[Node]:
        """What a node reads and is read by."""
        return self.inputs[n] + self.readers[n]

    def inputs_in_part(self, n: Node, reader: Node) -> list[Node]:
        """What the reader reads that is in the part of n."""
        return self._in_part(n, self.inputs[reader])

    def readers_in_part(self, n: Node) -> list[Node]:
        """What reads a node in its part."""
        return self._in_part(n, self.readers[n])

    def _in_part(self, n: Node, others: list[Node]) -> list[Node]:
        part = self.boxes[n].part
        return [m for m in others if self.boxes[m].part == part]


def columns(boxes: Boxes, edges: Iterable[tuple[Node, Node]]) -> dict[Node, Point]:
    """The centre of each node, given the boxes in order of execution.

    No two nodes overlap, nor do the frames of steps. Points: x to the right, y upwards.
    """
    diagram = _Diagram(boxes, inputs={}, readers={})
    for n in boxes:
        diagram.inputs[n] = []
        diagram.readers[n] = []
    for a, b in dict.fromkeys(edges):
        diagram.inputs[b].append(a)
        diagram.readers[a].append(b)
    levels = _levels(diagram)
    x = _across_in_steps(diagram, levels)
    # What lies outside the steps: the loss first, then what is above and what is below.
    for band in (Band.LOSS, Band.AFTER, Band.BEFORE):
        nodes = diagram.parts.get((band, None))
        if nodes:
            near = {n: diagram.neighbours(n) for n in nodes}
            part = Part(nodes, levels, diagram.reach, near)
            settle(part, x)
    y = _heights(boxes, levels)
    centres: dict[Node, Point] = {}
    for n, level in levels.items():
        centres[n] = x[n], y[level]
    return centres


def _across_in_steps(diagram: _Diagram, levels: Levels) -> Across:
    """The x of each node in a step: settled within its part, the columns side by side."""
    x: Across = {}
    for template in diagram.templates:
        alike = {diagram.boxes[n].part for same in template.values() for n in same}
        parts = []
        for key in sorted(alike, key=str):
            part = _part(diagram.parts[key], diagram, levels)
            parts.append(part)
        settle_alike(template, parts, x)
    wide: defaultdict[int, float] = defaultdict(float)
    for (_, column), nodes in diagram.parts.items():
        if column is not None:
            left, right = _ends(nodes, x, diagram.reach)
            middle = (left + right) / 2
            for n in nodes:
                x[n] -= middle
            wide[column] = max(wide[column], right - left)
    # Forward and backward of a step share its column, so that both stand around one middle.
    middles = _middles(wide)
    for n in x:
        column = diagram.boxes[n].column
        x[n] += middles[column or 0]
    return x


def _part(nodes: list[Node], diagram: _Diagram, levels: Levels) -> Part:
    """What of a step is laid out together."""
    near = {n: _neighbours_in_step(n, diagram) for n in nodes}
    early = {n for n in nodes if _reads_another_step(n, diagram)}
    return Part(nodes, levels, diagram.reach, near, early)


def _ends(nodes: list[Node], x: Across, reach: Reach) -> tuple[float, float]:
    """How far left and right the nodes reach."""
    lefts = []
    rights = []
    for n in nodes:
        left, right = reach[n]
        lefts.append(x[n] - left)
        rights.append(x[n] + right)
    return min(lefts), max(rights)


def _neighbours_in_step(n: Node, diagram: _Diagram) -> list[Node]:
    """What a node reads and is read by in its part, else what its readers elsewhere read."""
    near = diagram.inputs_in_part(n, reader=n)
    near += diagram.readers_in_part(n)
    if near:
        return near
    beside: list[Node] = []
    for reader in diagram.readers[n]:
        inputs = diagram.inputs_in_part(n, reader)
        beside += [m for m in inputs if m is not n]
    return beside


def _reads_another_step(n: Node, diagram: _Diagram) -> bool:
    """Whether an input of a node stands in another column."""
    own = diagram.boxes[n].column
    for m in diagram.inputs[n]:
        column = diagram.boxes[m].column
        if column is not None and column != own:
            return True
    return False


def _middles(wide: Mapping[int, float]) -> dict[int, float]:
    """The middle of each column, given how wide they are."""
    middles: dict[int, float] = {}
    left = 0.0
    for column in sorted(wide):
        middles[column] = left + wide[column] / 2
        left += wide[column] + STEP_GAP_POINTS
    return middles


def _levels(diagram: _Diagram) -> Levels:
    """Band and row: the longest path to each node in its part, then close below what reads it."""
    row = _longest_paths(diagram)
    top: defaultdict[Band, int] = defaultdict(int)
    for n, box in diagram.boxes.items():
        top[box.band] = max(top[box.band], row[n])
    for n in reversed(list(row)):
        box = diagram.boxes[n]
        is_leaf = not diagram.inputs[n]
        above = [row[r] - 1 for r in diagram.readers_in_part(n)]
        # Outside the steps only leaves move up: the chain to the loss stays as short as it is.
        if above and (is_leaf or box.column is not None):
            row[n] = max(row[n], min(above))
        elif is_leaf or box.band == Band.BEFORE:
            # Only later parts read it.
            row[n] = top[box.band]
    align_rows(row, diagram.templates, lambda n: diagram.inputs_in_part(n, reader=n))
    levels: dict[Node, Level] = {}
    for n, box in diagram.boxes.items():
        if box.whole and box.column is not None:
            # It stands for a whole step: half-way up.
            row[n] = top[box.band] // 2
        levels[n] = box.band, row[n]
    return levels


def _longest_paths(diagram: _Diagram) -> dict[Node, int]:
    """How many steps of the computation lead to each node within its part."""
    row: dict[Node, int] = {}
    for n in diagram.boxes:
        inputs = diagram.inputs_in_part(n, reader=n)
        rows = [row[x] for x in inputs if x in row]
        row[n] = max(rows, default=-1) + 1
    return row


def _heights(boxes: Boxes, levels: Levels) -> dict[Level, float]:
    """The y of each row; more room between bands, where the frames of the steps end."""
    tall: defaultdict[Level, float] = defaultdict(float)
    for n, box in boxes.items():
        level = levels[n]
        tall[level] = max(tall[level], box.tall)
    y: dict[Level, float] = {}
    last: Level | None = None
    for level in sorted(tall):
        if last is None:
            y[level] = 0.0
        else:
            half_heights = (tall[last] + tall[level]) / 2
            y[level] = y[last] + half_heights + ROW_GAP_POINTS
            if last[0] != level[0]:
                y[level] += BAND_GAP_POINTS
        last = level
    return y
