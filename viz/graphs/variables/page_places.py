"""Variables without steps, where one row is wider than a page: rows that rise with the flow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from minigrad.viz.graphs.canvas import ROOM_POINTS, Point
from minigrad.viz.graphs.lines.outlines import Outline, around, outline
from minigrad.viz.graphs.operations.page_layout import on_a_page

from .variable_captions import caption_outlines
from .variable_layout import places
from .variable_model import Arrow, Key, VariableGraph
from .variable_places import Places, Points
from .variable_sizes import Gate, gate_of, gate_size, item_size

Node = Key | Gate
Layout = Callable[[VariableGraph, list[Arrow] | None], Places]
"""Gives the places of what is in a graph; gates have room where these arrows are shown."""


def layout_of(graph: VariableGraph) -> Layout:
    """The book's layout; rows on a page where that is too wide and has no steps that fold."""
    has_steps = len(graph.stamps) > 1
    return places if has_steps or fits(graph, places(graph)) else page_places


def fits(graph: VariableGraph, spots: Places) -> bool:
    """Whether what is drawn there is no wider than a page."""
    return border(graph, spots).wide <= ROOM_POINTS


def border(graph: VariableGraph, spots: Places) -> Outline:
    """The border of all that is drawn there, in points."""
    outlines = [outline((0.0, 0.0), (0.0, 0.0))] if not graph.items else []
    outlines += [outline(spots.item[i.key], item_size(i)) for i in graph.items]
    outlines += [outline(centre, gate_size(gate)) for gate, centre in spots.gate.items()]
    outlines += caption_outlines(graph.items, spots)
    return around(outlines)


def page_places(graph: VariableGraph, shown: list[Arrow] | None = None) -> Places:
    """The centre of each item and gate, in rows on a page; gates have room whatever is shown."""
    times = graph.times
    into: defaultdict[Key, list[Arrow]] = defaultdict(list)
    for a in graph.arrows:
        into[a.head].append(a)
    sizes: dict[Node, Point] = {}
    edges: dict[tuple[Node, Node], None] = {}
    for i in graph.items:
        for a in into[i.key]:
            if not a.marks:
                edges[a.tail, i.key] = None
                continue
            gate = gate_of(a, times)
            sizes[gate] = gate_size(gate)
            edges[a.tail, gate] = None
            edges[gate, i.key] = None
        sizes[i.key] = item_size(i)
    centres = on_a_page(sizes, list(edges)).centres
    gates: dict[Gate, Point] = {}
    items: Points = {}
    for node, centre in centres.items():
        if isinstance(node, Gate):
            gates[node] = centre
        else:
            items[node] = centre
    return Places(items, gates, rails=[])
