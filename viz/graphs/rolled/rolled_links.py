"""The arrows of a folded network: up as it computes, down or round to what it reads of the past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from graphviz import Digraph

from minigrad.viz import style
from minigrad.viz.graphs.canvas import Looks
from minigrad.viz.graphs.roles import Role

from .rolled_model import (
    Link,
    Links,
    Nodes,
    Use,
)
from .rolled_text import describe

SMALL_POINTS = 10.0


def put_links(
    graph: Digraph, nodes: Nodes, links: Links, ids: Mapping[Role, str], back: bool = False
) -> None:
    """Draw the links between the nodes with these identifiers.

    back: from head to tail, as the gradient goes.
    """
    heights = _heights(nodes)
    # The cut ones last: a cut loop goes round an open one.
    order = sorted(links, key=lambda link: link.closed)
    gates = {link: _gates(links[link]) for link in order}
    rows: dict[Link, list[str]] = {}
    for link in order:
        text = describe(link, links[link], nodes)
        rows[link] = _rows(text, link, gates[link])
    loops = _name_outer_loops(order, rows)
    for link in order:
        looks = _looks(link, nodes)
        looks["class"] = " ".join([looks["class"], *gates[link]])
        if rows[link]:
            looks["label"] = style.table(rows[link])
        low = link.tail
        high = link.head
        if link.is_recurrent and heights[low] > heights[high]:
            # An edge back in time would turn the order of the nodes around.
            low, high = high, low
            looks["dir"] = "back"
        if not link.is_loop:
            # Beside the box is the room of what is written at a loop.
            if loops[low]:
                looks["tailport"] = "n"
            if loops[high]:
                looks["headport"] = "s"
        if back:
            looks = _turned(looks)
        graph.edge(ids[low], ids[high], **looks)


def _turned(looks: Looks) -> Looks:
    """The arrow the other way round."""
    turned = {"color": style.BACKWARD} | looks
    turned["class"] += " backward"
    if turned.pop("dir", "") != "back":
        turned["dir"] = "back"
    return turned


def _name_outer_loops(order: list[Link], rows: dict[Link, list[str]]) -> dict[Role, list[str]]:
    """Write what is said of the loops of a role beside the last of them, which is outside."""
    written: defaultdict[Role, list[str]] = defaultdict(list)
    for link in order:
        if link.is_loop:
            written[link.head] += rows[link]
            rows[link] = []
    outer = {link.head: link for link in order if link.is_loop}
    for role, link in outer.items():
        rows[link] = written[role]
    return written


def _heights(nodes: Nodes) -> dict[Role, int]:
    """The order of the roles from below: as they are computed."""
    return {role: place for place, role in enumerate(nodes)}


def _looks(link: Link, nodes: Nodes) -> Looks:
    looks = {"class": "recurrent" if link.is_recurrent else "edge"}
    if link.closed:
        looks["color"] = style.CUT
        looks["style"] = "dashed"
        looks["class"] += " cut"
    # What is computed from each other stands in one line.
    if link.is_recurrent:
        looks["weight"] = "0"
    elif not nodes[link.tail].first.leaf:
        looks["weight"] = "4"
    return looks


def _gates(uses: Iterable[Use]) -> list[str]:
    """The classes of the gates that let something pass."""
    kinds: set[str] = set()
    for use in uses:
        kinds |= {mark.kind for mark in use.marks if mark.text and not mark.closed}
    return sorted(kinds)


def _rows(text: list[str], link: Link, gates: list[str]) -> list[str]:
    colour = "#000000"
    if link.closed:
        colour = style.CUT
    elif gates:
        colour = style.GATE
    rows = []
    for line in text:
        # away from the line that it stands beside
        space = "\u2002" if link.is_loop else " "
        written = style.sized(space + line, SMALL_POINTS)
        rows.append(f'<font color="{colour}">{written}</font>')
    return rows
