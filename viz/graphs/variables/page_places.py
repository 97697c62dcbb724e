"""Variables without steps, where one row is wider than a page: rows that rise with the flow."""

from __future__ import annotations

from collections import defaultdict

from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.operations.page_layout import PAGE_POINTS, on_a_page

from .variable_model import Arrow, Key, VariableGraph
from .variable_places import Places, Points
from .variable_sizes import Gate, gate_of, gate_size, item_size

Node = Key | Gate


def fits(spots: Places, graph: VariableGraph) -> bool:
    """Whether these places are those of a tape with steps, or no wider than a page."""
    (left, _), (right, _) = spots.corners
    has_steps = len(graph.stamps) > 1
    return has_steps or right - left <= PAGE_POINTS


def page_places(graph: VariableGraph) -> Places:
    """The centre of each item and gate, in rows on a page."""
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
