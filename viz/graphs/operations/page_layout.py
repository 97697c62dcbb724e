"""Where the operations of a tape without steps stand: rows that rise with the flow, on one page.

Values rise, as they do within a step and in the figures of papers, so that a backward pass has its
place above the loss. A leaf with one reader stands beside it, the others below their readers. An
edge that passes rows has a lane of its own through them (Sugiyama, Tagawa and Toda, 1981).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.curves import Path

from .barycentre import Across, Level, Node, Part, settle
from .page import Lane, Links, Page
from .page_paths import Paths
from .page_rows import fill_rows, heights
from .straight import straighten

# What rows may take of a page; the rest is for arrows that go round them.
ROWS_POINTS = 680.0
# How much harder than a single edge the pieces of a lane pull, and what has one reader only.
LANE_PULL = 4
ONLY_PULL = 3
# Where lanes leave too little room, rows are filled less.
SHRINK = 0.9
LEAST_SHARE = 0.3


class Placed(NamedTuple):
    """The centre of each node; the path of each edge."""

    centres: dict[Node, Point]
    paths: list[Path | None]


def on_a_page(
    sizes: Mapping[Any, Point], edges: Sequence[tuple[Any, Any]], room: float = ROWS_POINTS
) -> Placed:
    """Places of nodes and paths of edges, given the nodes in the order of execution.

    sizes: width and height of each node in points. room: how wide rows may be. No two nodes
    overlap, and no path runs through a node. An edge against the flow has no path.
    """
    # Nodes may be compared by what they hold: here they are numbers.
    number = {n: i for i, n in enumerate(sizes)}
    sizes_by_number = dict(enumerate(sizes.values()))
    numbered = [(number[a], number[b]) for a, b in edges]
    share = 1.0
    while True:
        page = Page(sizes_by_number, numbered)
        fill_rows(page, share * room)
        if page.widest <= room or share < LEAST_SHARE:
            break
        share *= SHRINK
    bottom, top = heights(page)
    paths = Paths(page, _across(page, room), bottom, top)
    centres = {n: paths.centres[i] for n, i in number.items()}
    every = [paths.path(i) for i in range(len(edges))]
    return Placed(centres, every)


def _across(page: Page, room: float) -> Across:
    """The x of each node and lane."""
    lanes = [lane for own in page.lanes.values() for lane in own]
    nodes = [*page.rows, *lanes]
    level: dict[Node, Level] = {n: (0, row) for n, row in page.rows.items()}
    reach = dict(page.reach)
    for lane in lanes:
        level[lane] = 0, lane.row
        reach[lane] = 0.0, 0.0
    near: Links = {n: [] for n in nodes}
    pieces = page.pieces
    for a, b in pieces:
        pull = _pull(a, b, page)
        near[a] += [b] * pull
        near[b] += [a] * pull
    x: Across = {}
    half = room / 2
    part = Part(nodes, level, reach, near, page=(-half, half))
    settle(part, x)
    straighten(part, pieces, x)
    return x


def _pull(a: Node, b: Node, page: Page) -> int:
    """How hard two neighbours pull at each other."""
    if isinstance(a, Lane):
        return LANE_PULL if isinstance(b, Lane) else 1
    return ONLY_PULL if len(page.readers[a]) == 1 else 1
