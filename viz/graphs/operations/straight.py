"""Chains of operations and lanes stand upright: what is aligned has one x.

Source: Brandes and Köpf (2001), whose blocks these are; they come to rest near what they join.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from .barycentre import GAP_POINTS, Across, Level, Node, Part

SWEEPS = 24
# Of what counts as moved, in points.
_LEAST_POINTS = 1e-6

Pair = tuple[Node, Node]
"""A node and one in the row above that are joined."""


@dataclass
class _Blocks:
    """The nodes row by row, from left to right, and the block of each: its lowest node."""

    part: Part
    rows: dict[Level, list[Node]]
    block: dict[Node, Node]
    x: Across
    members: dict[Node, list[Node]] = field(default_factory=dict)
    beside: dict[Node, tuple[Node | None, Node | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.rows.values():
            for left, n, right in zip([None, *row], row, [*row[1:], None], strict=False):
                self.members.setdefault(self.block[n], []).append(n)
                self.beside[n] = left, right

    def apart(self, left: Node, right: Node) -> float:
        """The least distance between two neighbours in a row."""
        return self.part.reach[left][1] + GAP_POINTS + self.part.reach[right][0]

    def room(self, block: Node) -> tuple[float, float]:
        """How far left and right a block may stand."""
        low, high = -math.inf, math.inf
        for n in self.members[block]:
            left, right = self.beside[n]
            start, end = self.part.page
            low = max(low, start + self.part.reach[n][0])
            high = min(high, end - self.part.reach[n][1])
            if left is not None:
                low = max(low, self.x[self.block[left]] + self.apart(left, n))
            if right is not None:
                high = min(high, self.x[self.block[right]] - self.apart(n, right))
        return low, high


def straighten(
    part: Part, pairs: Iterable[Pair], is_lane: Callable[[Node], bool], x: Across
) -> None:
    """Change the x of the nodes so that chains and lanes are upright, where the page has room.

    pairs: what is joined from row to row.
    """
    rows: defaultdict[Level, list[Node]] = defaultdict(list)
    for n in sorted(part.nodes, key=x.__getitem__):
        rows[part.level[n]].append(n)
    lanes, chains = _upright(list(pairs), is_lane)
    for upright in (lanes + chains, chains):
        blocks = _Blocks(part, rows, _blocks(part, rows, upright, x), {})
        for root, members in blocks.members.items():
            blocks.x[root] = sum(x[n] for n in members) / len(members)
        if _pushed_apart(blocks):
            _come_to_rest(blocks)
            x.update({n: blocks.x[blocks.block[n]] for n in part.nodes})
            return


def _upright(pairs: list[Pair], is_lane: Callable[[Node], bool]) -> tuple[list[Pair], list[Pair]]:
    """What should stand upright: pieces of lanes; nodes that are joined to each other alone."""
    lanes = [pair for pair in pairs if all(map(is_lane, pair))]
    between = [pair for pair in pairs if not any(map(is_lane, pair))]
    ups = Counter(a for a, _ in between)
    downs = Counter(b for _, b in between)
    return lanes, [(a, b) for a, b in between if ups[a] == downs[b] == 1]


def _blocks(
    part: Part, rows: dict[Level, list[Node]], upright: list[Pair], x: Across
) -> dict[Node, Node]:
    """The block of each node, where of pairs that cross the first is upright."""
    above: dict[Node, Node] = {}
    taken: defaultdict[Level, list[Pair]] = defaultdict(list)
    for a, b in upright:
        others = taken[part.level[a]]
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
    row_pairs = [pair for row in blocks.rows.values() for pair in pairwise(row)]
    x, block, part = blocks.x, blocks.block, blocks.part
    for direction in (1, -1):
        for _ in range(len(x) + 1):
            moved = 0.0
            for left, right in row_pairs:
                lack = x[block[left]] + blocks.apart(left, right) - x[block[right]]
                if lack > _LEAST_POINTS:
                    moved += lack
                    x[block[right if direction == 1 else left]] += direction * lack
            if not moved:
                break
        else:
            return False
        if direction == 1:
            for n in part.nodes:
                x[block[n]] = min(x[block[n]], part.page[1] - part.reach[n][1])
    return all(x[block[n]] - part.reach[n][0] >= part.page[0] - _LEAST_POINTS for n in part.nodes)


def _come_to_rest(blocks: _Blocks) -> None:
    """Move each block to the mean of what it is joined to, as far as there is room."""
    near: defaultdict[Node, list[Node]] = defaultdict(list)
    for n in blocks.part.nodes:
        for m in blocks.part.near[n]:
            if blocks.block[m] is not blocks.block[n]:
                near[blocks.block[n]].append(blocks.block[m])
    for sweep in range(SWEEPS):
        for root in sorted(blocks.x, key=blocks.x.__getitem__, reverse=sweep % 2 == 0):
            if near[root]:
                wanted = sum(blocks.x[m] for m in near[root]) / len(near[root])
                low, high = blocks.room(root)
                blocks.x[root] = max(low, min(wanted, high))
