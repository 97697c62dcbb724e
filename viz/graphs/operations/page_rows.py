"""The rows of a page, filled as far as it is wide.

Source: Coffman and Graham (1972).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from .barycentre import Node
from .page import Page

# From row to row.
ROW_GAP_POINTS = 19.0


@dataclass
class _Filling:
    """A page whose rows are filled up to this width."""

    page: Page
    room: float
    used: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))

    def put(self, n: Node, rows: Iterable[int]) -> None:
        """Put a node, or move it, into the first of these rows that has room."""
        wide = self.page.room(n)
        for row in rows:
            if not self.used[row] or self.used[row] + wide <= self.room:
                break
        else:
            return
        if n in self.page.rows:
            before = self.page.rows[n]
            self.used[before] -= wide
        self.page.rows[n] = row
        self.used[row] += wide


def fill_rows(page: Page, room: float) -> None:
    """Give each node the lowest row above its inputs with room; then closer to its readers."""
    filling = _Filling(page, room)
    nodes = [n for n in page.sizes if n not in page.beside]
    leaves = {n for n in nodes if not page.inputs[n] and page.readers[n]}
    for n in nodes:
        if n not in leaves:
            below = [page.rows[x] for x in page.inputs[n] if x in page.rows]
            lowest = max(below, default=-1) + 1
            filling.put(n, count(lowest))
    nodes.reverse()
    _raise(nodes, leaves, filling)


def _raise(nodes: list[Node], leaves: set[Node], filling: _Filling) -> None:
    """Move nodes up to their readers, from the last one; leaves get their rows here."""
    page = filling.page
    apart = leaves | page.beside.keys()
    for n in nodes:
        above = [page.rows[r] for r in page.readers[n]]
        if not above:
            continue
        highest = min(above) - 1
        inputs = [x for x in page.inputs[n] if x not in apart]
        if n in leaves:
            filling.put(n, count(highest, -1))
        elif len(inputs) < len(above):
            filling.put(n, range(highest, page.rows[n], -1))


def heights(page: Page) -> tuple[dict[int, float], dict[int, float]]:
    """The lower and the upper end of each row."""
    tall: defaultdict[int, float] = defaultdict(float)
    for n, (_, height) in page.sizes.items():
        reader = page.beside[n].reader if n in page.beside else n
        row = page.rows[reader]
        tall[row] = max(tall[row], height)
    bottom: dict[int, float] = {}
    top: dict[int, float] = {}
    y = 0.0
    lowest = min(tall, default=0)
    highest = max(tall, default=-1)
    for row in range(lowest, highest + 1):
        bottom[row] = y
        top[row] = y + tall[row]
        y = top[row] + ROW_GAP_POINTS
    return bottom, top
