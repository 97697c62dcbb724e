"""Where the nodes of layered rows stand across: over the mean of their neighbours, without overlap.

Source: Sugiyama, Tagawa and Toda (1981), the barycentre method; the packing of a row is a
least-squares fit under an order (isotonic regression by pooling adjacent violators).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Node = Any
"""Anything hashable."""
Level = tuple[int, int]
"""Band and row, from below."""

Levels = Mapping[Node, Level]
Reach = Mapping[Node, tuple[float, float]]
"""How far each node reaches to the left and to the right of its x, in points."""
Across = dict[Node, float]
"""The x of each node, in points."""

GAP_POINTS = 10.0
SWEEPS = 24


@dataclass(frozen=True)
class Part:
    """Nodes that get their x together.

    nodes: in the order of execution. level, reach, near: the row, how far it reaches, and the
    neighbours of each node, one that pulls harder several times. early: those that compute from the
    step before, further left. page: how far left and right all may reach.
    """

    nodes: list[Node]
    level: Levels
    reach: Reach
    near: Mapping[Node, list[Node]]
    early: Container[Node] = ()
    page: tuple[float, float] = (-math.inf, math.inf)

    def below(self, n: Node) -> list[Node]:
        """The neighbours in lower rows."""
        return [m for m in self.near[n] if self.level[m] < self.level[n]]


def settle(part: Part, x: Across) -> None:
    """Add the x of each node of a part, near the mean of its neighbours, in rows without overlap.

    x: the middles of the nodes that have a place already; those of the part are added.
    """
    is_first = not x
    _start(part, x)
    rows = rows_of(part, x)
    if is_first:
        # All rows around one middle.
        for row in rows.values():
            x.update(packed(row, dict.fromkeys(row, 0.0), part))
    # Each row pulls at the next: upwards and downwards by turns until the order has settled.
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 1
        for level in sorted(rows, reverse=downwards):
            row = rows[level]
            _resettle(row, part, x)


def rows_of(part: Part, x: Across) -> dict[Level, list[Node]]:
    """The nodes of each row from left to right."""
    rows: defaultdict[Level, list[Node]] = defaultdict(list)
    for n in sorted(part.nodes, key=x.__getitem__):
        rows[part.level[n]].append(n)
    return rows


def _resettle(row: list[Node], part: Part, x: Across) -> None:
    """Move the nodes of a row to the mean of their neighbours."""
    wanted: Across = {}
    for n in row:
        known = [x[m] for m in part.near[n] if m in x]
        wanted[n] = _mean(known, x[n])

    def turn(n: Node) -> tuple[float, float]:
        return wanted[n], x[n]

    order = sorted(row, key=turn)
    x.update(packed(order, wanted, part))


def _start(part: Part, x: Across) -> None:
    """A first x, as of trees: the leaves side by side, a reader over the middle of its inputs."""
    first = _further_left(part)
    inside = set(part.nodes)
    next_leaf = 0.0
    for root in sorted(part.nodes, key=part.level.__getitem__, reverse=True):
        stack = [(root, False)]
        while stack:
            n, inputs_are_placed = stack.pop()
            if n in x:
                continue
            below = sorted(part.below(n), key=lambda m: m not in first)
            if not inputs_are_placed:
                stack.append((n, True))
                for m in reversed(below):
                    if m in inside and m not in x:
                        stack.append((m, False))
                continue
            known = [x[m] for m in below if m in x]
            if known:
                x[n] = _mean(known, 0.0)
            else:
                x[n] = next_leaf
                next_leaf += sum(part.reach[n]) + GAP_POINTS


def _further_left(part: Part) -> set[Node]:
    """The early nodes, and what is computed from them."""
    first: set[Node] = set()
    for n in part.nodes:
        below = part.below(n)
        if n in part.early or not first.isdisjoint(below):
            first.add(n)
    return first


def _mean(values: list[float], default: float) -> float:
    if not values:
        return default
    return sum(values) / len(values)


def packed(order: list[Node], wanted: Across, part: Part) -> Across:
    """The x closest to what is wanted, by least squares, that keep the order and the gaps."""
    offset = {order[0]: 0.0}
    for a, b in pairwise(order):
        offset[b] = offset[a] + part.reach[a][1] + GAP_POINTS + part.reach[b][0]
    # Each block: the mean of wanted - offset, and the nodes that share it. A block that would stand
    # left of the one before joins it; what remains is in order.
    blocks: list[tuple[float, list[Node]]] = []
    for n in order:
        mean = wanted[n] - offset[n]
        members = [n]
        while blocks and blocks[-1][0] > mean:
            left_mean, left = blocks.pop()
            total = left_mean * len(left) + mean * len(members)
            members = left + members
            mean = total / len(members)
        blocks.append((mean, members))
    left_end, right_end = part.page
    least = left_end + part.reach[order[0]][0]
    greatest = right_end - part.reach[order[-1]][1] - offset[order[-1]]
    x: Across = {}
    for mean, members in blocks:
        for n in members:
            x[n] = max(least, min(mean, greatest)) + offset[n]
    return x
