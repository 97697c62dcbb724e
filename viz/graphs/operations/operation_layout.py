"""Where a tape's operations stand: a column per time step, values rising from row to row, backward above the loss."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Node = Any  # hashable
Band = int
Point = tuple[float, float]
BEFORE, FORWARD, LOSS, BACKWARD, AFTER = range(
    5
)  # bands of rows, from below; steps are in two of them
_GAP, _BETWEEN, _ROW = (
    10.0,
    26.0,
    17.0,
)  # beside each other in a step, from step to step, from row to row
_SWEEPS = 24


@dataclass(frozen=True)
class Box:
    """A node's measures, its band, and (in FORWARD and BACKWARD) its column."""

    wide: float
    tall: float
    band: Band
    column: int | None
    whole: bool = False  # stands for all of a step


def columns(boxes: Mapping[Node, Box], edges: Iterable[tuple[Node, Node]]) -> dict[Node, Point]:
    """The centre of each node, given the boxes in order of execution. No two overlap, nor do the frames of steps."""
    inputs: dict[Node, list[Node]] = {n: [] for n in boxes}
    readers: dict[Node, list[Node]] = {n: [] for n in boxes}
    for a, b in dict.fromkeys(edges):
        inputs[b].append(a)
        readers[a].append(b)
    level = _levels(boxes, inputs, readers)
    parts: defaultdict[tuple[Band, int | None], list[Node]] = defaultdict(list)
    for n, box in boxes.items():
        parts[box.band, box.column].append(n)

    x: dict[Node, float] = {}
    wide: defaultdict[int, float] = defaultdict(float)
    for (_, column), part in parts.items():
        if column is not None:
            inside = set(part)
            near = {n: [m for m in inputs[n] + readers[n] if m in inside] for n in part}
            for n in part:  # what only others read stands beside what they read with it
                near[n] = near[n] or [
                    m for r in readers[n] for m in inputs[r] if m in inside and m is not n
                ]
            early = {
                n for n in part if any(boxes[m].column not in (None, column) for m in inputs[n])
            }
            local: dict[Node, float] = {}
            _settle(part, level, boxes, near, local, early)
            x |= local
            left = min(x[n] - boxes[n].wide / 2 for n in part)
            right = max(x[n] + boxes[n].wide / 2 for n in part)
            for n in part:
                x[n] -= (left + right) / 2
            wide[column] = max(wide[column], right - left)
    at = 0.0
    middle = {}
    for column in sorted(wide):
        middle[column] = at + wide[column] / 2
        at += wide[column] + _BETWEEN
    for n in x:
        x[n] += middle[boxes[n].column or 0]
    for band in (LOSS, AFTER, BEFORE):
        if part := parts[band, None]:
            _settle(part, level, boxes, {n: inputs[n] + readers[n] for n in part}, x)
    y = _heights(boxes, level)
    return {n: (x[n], y[level[n]]) for n in boxes}


def _levels(
    boxes: Mapping[Node, Box], inputs: Mapping[Node, list[Node]], readers: Mapping[Node, list[Node]]
) -> dict[Node, tuple[Band, int]]:
    """Band and row: the longest path to each node in its part, then as close below what reads it as it can be."""

    def part(n: Node) -> tuple[Band, int | None]:
        return boxes[n].band, boxes[n].column

    row: dict[Node, int] = {}
    for n in boxes:
        row[n] = max((row[x] + 1 for x in inputs[n] if part(x) == part(n) and x in row), default=0)
    top: defaultdict[Band, int] = defaultdict(int)
    for n in boxes:
        top[boxes[n].band] = max(top[boxes[n].band], row[n])
    for n in reversed(list(boxes)):
        above = [row[r] - 1 for r in readers[n] if part(r) == part(n)]
        if above and (boxes[n].column is not None or not inputs[n]):
            row[n] = max(row[n], min(above))
        elif not inputs[n] or boxes[n].band == BEFORE:  # a leaf that only later parts read
            row[n] = top[boxes[n].band]
    for n, box in boxes.items():  # what stands for a whole step: half-way up
        if box.column is not None and box.whole:
            row[n] = top[box.band] // 2
    return {n: (boxes[n].band, row[n]) for n in boxes}


def _settle(
    part: list[Node],
    level: Mapping[Node, tuple[Band, int]],
    boxes: Mapping[Node, Box],
    near: Mapping[Node, list[Node]],
    x: dict[Node, float],
    early: Container[Node] = (),
) -> None:
    """Give each node of a part its x: near the mean of its neighbours, in rows without overlap.

    What computes from those in ``early`` stands further left.
    """
    alone = not x
    _started(part, level, boxes, near, x, early)
    rows: defaultdict[tuple[Band, int], list[Node]] = defaultdict(list)
    for n in sorted(part, key=x.__getitem__):
        rows[level[n]].append(n)
    if alone:  # all rows around one middle
        for row in rows.values():
            x.update(_packed(row, dict.fromkeys(row, 0.0), boxes))
    for sweep in range(_SWEEPS):
        for key in sorted(rows, reverse=sweep % 2 == 1):
            wanted = {n: _mean([x[m] for m in near[n] if m in x], x[n]) for n in rows[key]}
            rank = {n: (at, x[n]) for n, at in wanted.items()}
            x.update(_packed(sorted(rows[key], key=rank.__getitem__), wanted, boxes))


def _started(
    part: list[Node],
    level: Mapping[Node, tuple[Band, int]],
    boxes: Mapping[Node, Box],
    near: Mapping[Node, list[Node]],
    x: dict[Node, float],
    early: Container[Node],
) -> None:
    """A first x, as of trees drawn from their tops: the leaves side by side, a reader over the middle of its inputs."""
    own, first = set(part), set[Node]()
    for n in part:
        if n in early or any(m in first for m in near[n] if level[m] < level[n]):
            first.add(n)
    slot = 0.0
    for root in sorted(part, key=lambda n: level[n], reverse=True):
        stack = [(root, False)]
        while stack:
            n, done = stack.pop()
            if n in x:
                continue
            below = sorted(
                (m for m in near[n] if level[m] < level[n]), key=lambda m: m not in first
            )
            if not done:
                stack.append((n, True))
                stack += [(m, False) for m in reversed(below) if m in own and m not in x]
            elif known := [x[m] for m in below if m in x]:
                x[n] = _mean(known, 0.0)
            else:
                x[n] = slot
                slot += boxes[n].wide + _GAP


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _packed(
    order: list[Node], wanted: Mapping[Node, float], boxes: Mapping[Node, Box]
) -> dict[Node, float]:
    """The x closest to what is wanted, by least squares, that keep the order and the gaps."""
    offset = {order[0]: 0.0}
    for a, b in pairwise(order):
        offset[b] = offset[a] + (boxes[a].wide + boxes[b].wide) / 2 + _GAP
    blocks: list[
        tuple[float, list[Node]]
    ] = []  # the mean of wanted - offset, and the nodes that share it
    for n in order:
        mean, members = wanted[n] - offset[n], [n]
        while blocks and blocks[-1][0] > mean:
            before, theirs = blocks.pop()
            mean = (before * len(theirs) + mean * len(members)) / (len(theirs) + len(members))
            members = theirs + members
        blocks.append((mean, members))
    return {n: mean + offset[n] for mean, members in blocks for n in members}


def _heights(
    boxes: Mapping[Node, Box], level: Mapping[Node, tuple[Band, int]]
) -> dict[tuple[Band, int], float]:
    """The y of each row; more room between bands, where the frames of the steps end."""
    tall: defaultdict[tuple[Band, int], float] = defaultdict(float)
    for n, box in boxes.items():
        tall[level[n]] = max(tall[level[n]], box.tall)
    y: dict[tuple[Band, int], float] = {}
    last = None
    for key in sorted(tall):
        if last is None:
            y[key] = 0.0
        else:
            y[key] = (
                y[last]
                + (tall[last] + tall[key]) / 2
                + _ROW
                + (_BETWEEN + 4 if last[0] != key[0] else 0)
            )
        last = key
    return y
