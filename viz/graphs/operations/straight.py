"""Chains of operations and lanes stand upright: what is aligned has one x.

Source: Brandes and Köpf (2001), whose blocks these are; they come to rest near what they join.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from .barycentre import (
    GAP_POINTS,
    SWEEPS,
    Across,
    Level,
    Node,
    Part,
    rows_of,
)
from .page import Edge, Lane

# Of what counts as moved, in points.
_LEAST_POINTS = 1e-6


@dataclass
class _Blocks:
    """The nodes row by row, from left to right, and the block of each: its lowest node.

    x: of the blocks.
    """

    part: Part
    rows: dict[Level, list[Node]]
    block: dict[Node, Node]
    x: Across

    @cached_property
    def members(self) -> dict[Node, list[Node]]:
        """The nodes of each block."""
        members: defaultdict[Node, list[Node]] = defaultdict(list)
        for row in self.rows.values():
            for n in row:
                members[self.block[n]].append(n)
        return members

    @cached_property
    def pairs(self) -> list[tuple[Node, Node]]:
        """The neighbours in each row."""
        return [pair for row in self.rows.values() for pair in pairwise(row)]

    @cached_property
    def left_of(self) -> dict[Node, Node]:
        """The neighbour on the left."""
        return {right: left for left, right in self.pairs}

    @cached_property
    def right_of(self) -> dict[Node, Node]:
        """The neighbour on the right."""
        return dict(self.pairs)

    def at(self, n: Node) -> float:
        """The x of a node."""
        return self.x[self.block[n]]

    def apart(self, left: Node, right: Node) -> float:
        """The least distance between two neighbours in a row."""
        reach = self.part.reach
        return reach[left][1] + GAP_POINTS + reach[right][0]

    def ends(self, n: Node) -> tuple[float, float]:
        """How far left and right a node may stand on the page."""
        start, end = self.part.page
        left, right = self.part.reach[n]
        return start + left, end - right

    def room(self, block: Node) -> tuple[float, float]:
        """How far left and right a block may stand."""
        lows = []
        highs = []
        for n in self.members[block]:
            low, high = self.ends(n)
            lows.append(low)
            highs.append(high)
            if n in self.left_of:
                left = self.left_of[n]
                lows.append(self.at(left) + self.apart(left, n))
            if n in self.right_of:
                right = self.right_of[n]
                highs.append(self.at(right) - self.apart(n, right))
        return max(lows), min(highs)


def straighten(part: Part, pieces: Sequence[Edge], x: Across) -> None:
    """Change the x of the nodes so that chains and lanes are upright, where the page has room.

    pieces: what is joined from row to row.
    """
    rows = rows_of(part, x)
    lanes = _lanes(pieces)
    chains = _chains(pieces)
    for upright in (lanes + chains, chains):
        block = _blocks(part, rows, upright, x)
        blocks = _Blocks(part, rows, block, {})
        for root, members in blocks.members.items():
            total = sum(x[n] for n in members)
            blocks.x[root] = total / len(members)
        if _pushed_apart(blocks):
            _come_to_rest(blocks)
            for n in part.nodes:
                x[n] = blocks.at(n)
            return


def _lanes(pieces: Sequence[Edge]) -> list[Edge]:
    """The pieces within lanes."""
    lanes = []
    for a, b in pieces:
        if isinstance(a, Lane) and isinstance(b, Lane):
            lanes.append((a, b))
    return lanes


def _chains(pieces: Sequence[Edge]) -> list[Edge]:
    """The nodes that are joined to each other alone."""
    between = []
    for a, b in pieces:
        if not isinstance(a, Lane) and not isinstance(b, Lane):
            between.append((a, b))
    ups = Counter(a for a, _ in between)
    downs = Counter(b for _, b in between)
    return [(a, b) for a, b in between if ups[a] == downs[b] == 1]


def _blocks(
    part: Part,
    rows: dict[Level, list[Node]],
    upright: list[Edge],
    x: Across,
) -> dict[Node, Node]:
    """The block of each node, where of pieces that cross the first is upright."""
    above: dict[Node, Node] = {}
    placed: defaultdict[Level, list[Edge]] = defaultdict(list)
    for a, b in upright:
        others = placed[part.level[a]]
        if all((x[a] - x[c]) * (x[b] - x[d]) > 0 for c, d in others):
            others.append((a, b))
            above[a] = b
    block = {n: n for n in part.nodes}
    for level in sorted(rows):
        for n in rows[level]:
            if n in above:
                block[above[n]] = block[n]
    return block


def _pushed_apart(blocks: _Blocks) -> bool:
    """Move blocks to the right, then back onto the page, until none overlap; whether that works."""
    if not _pushed(blocks, 1):
        return False
    nodes = blocks.part.nodes
    for n in nodes:
        _, end = blocks.ends(n)
        blocks.x[blocks.block[n]] = min(blocks.at(n), end)
    if not _pushed(blocks, -1):
        return False
    for n in nodes:
        start, _ = blocks.ends(n)
        if blocks.at(n) < start - _LEAST_POINTS:
            return False
    return True


def _pushed(blocks: _Blocks, direction: int) -> bool:
    """Move blocks to the right (1) or left (-1) until none overlap; whether that comes to an end.

    In the worst case one more block comes to rest with each sweep.
    """
    for _ in range(len(blocks.x) + 1):
        is_at_rest = True
        for left, right in blocks.pairs:
            lack = blocks.at(left) + blocks.apart(left, right) - blocks.at(right)
            if lack > _LEAST_POINTS:
                is_at_rest = False
                pushed = right if direction == 1 else left
                blocks.x[blocks.block[pushed]] += direction * lack
        if is_at_rest:
            return True
    return False


def _come_to_rest(blocks: _Blocks) -> None:
    """Move each block to the mean of what it is joined to, as far as there is room."""
    near: defaultdict[Node, list[Node]] = defaultdict(list)
    for n in blocks.part.nodes:
        own = blocks.block[n]
        for m in blocks.part.near[n]:
            other = blocks.block[m]
            if other is not own:
                near[own].append(other)
    for sweep in range(SWEEPS):
        leftwards = sweep % 2 == 0
        order = sorted(blocks.x, key=blocks.x.__getitem__, reverse=leftwards)
        for root in order:
            if near[root]:
                total = sum(blocks.x[m] for m in near[root])
                wanted = total / len(near[root])
                low, high = blocks.room(root)
                blocks.x[root] = max(low, min(wanted, high))
