"""Tapes side by side: one sheet, everything in the same place in each panel, what differs drawn strong."""

from __future__ import annotations

from collections.abc import Container, Sequence

import graphviz

from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.viz import style
from minigrad.viz.graphs.variables.variable_fold import fold_items
from minigrad.viz.graphs.variables.variable_layout import places
from minigrad.viz.graphs.variables.variable_model import Arrow, Item, Key, variable_graph
from minigrad.viz.graphs.variables.variable_paint import Panel, Part, paint_variables, put_captions
from minigrad.viz.graphs.variables.variable_sizes import SIDE_POINTS

from minigrad import Tape
from minigrad.errors import ArgumentError

from .canvas import NAME_POINTS, blank, put_text
from .fold import Collapse, View

# Between two panels.
PANEL_GAP_POINTS = 44.0
# From the highest centre up to the panel's name.
NAME_ABOVE_POINTS = 1.4 * SIDE_POINTS
# Boxes and circles in all panels: with more, arrows are straight.
MAX_ITEMS_WITH_BENT_ARROWS = 80

Graph = tuple[list[Item], list[Arrow]]


def compare(
    tapes: Sequence[tuple[str, Tape]],
    collapse: Collapse = "auto",
    steps: Container[int] | None = None,
) -> graphviz.Digraph:
    """The unrolled graphs of several tapes beside each other, each under its name; the options are draw's.

    What only some of them have is drawn strong there, and dotted where it is missing.

    >>> import minigrad as mg
    >>> from minigrad.transforms import truncate
    >>> h = mg.tensor(0.5, requires_grad=True, name="h_0")
    >>> for t in (1, 2):
    ...     with mg.timestep(t):
    ...         h = (h * h).named(f"h_{t}")
    >>> tape = mg.Tape.of(h)
    >>> graph = compare([("full", tape), ("truncated", truncate(tape, every=1))])
    >>> "<b>truncated</b>" in graph.source
    True

    Raises: ArgumentError for no tapes, and for what is no pair (name, Tape).
    """
    for name, tape in tapes:
        if not isinstance(name, str) or not isinstance(tape, Tape):
            got = f"{name!r}: a {type(tape).__name__}"
            raise ArgumentError("compare", got=got, expected="expected (name, Tape)")
    if not tapes:
        raise ArgumentError("compare", got="no tapes", expected="expected pairs (name, Tape)")
    names = [name for name, _ in tapes]
    graphs = [variable_graph(tape) for _, tape in tapes]
    return _sheet(names, graphs, View(collapse, steps))


def _sheet(names: list[str], graphs: list[Graph], view: View) -> graphviz.Digraph:
    """One panel per graph, all laid out as their union is."""
    union = _union(graphs)
    folding = fold_items(*union, view)
    items, arrows = folding.apply(*union)
    spots = places(items, arrows)
    (left, _), (right, top) = spots.corners
    pitch = right - left + SIDE_POINTS + PANEL_GAP_POINTS
    picture = blank("compare", len(items) * len(graphs) > MAX_ITEMS_WITH_BENT_ARROWS)
    folded = [folding.apply(*graph) for graph in graphs]
    common = set.intersection(*map(_parts, folded))
    for k, (name, graph) in enumerate(zip(names, folded, strict=True)):
        present = _parts(graph)
        missing = {i.key for i in items} - present
        shift = k * pitch
        panel = Panel(
            (shift, 0.0),
            prefix=f"{k + 1}/",
            added=present - common,
            missing=missing,
            kinds=dict.fromkeys(missing, "missing"),
        )
        spots_of_panel = places(items, arrows, shown=graph[1])
        paint_variables(picture, items, graph[1], spots_of_panel, panel)
        centre = (left + right) / 2 + shift, top + NAME_ABOVE_POINTS
        _put_name(picture, f"name {k + 1}", name, centre)
    put_captions(picture, items, spots)
    return picture


def _put_name(
    picture: graphviz.Digraph, identifier: str, name: str, centre: tuple[float, float]
) -> None:
    """The name of a panel, bold above it."""
    text = f"<<b>{style.html(name, NAME_POINTS)}</b>>"
    size = style.width(name, NAME_POINTS) * 1.2, NAME_POINTS * 1.4
    put_text(picture, identifier, centre, size, text)


def _union(graphs: list[Graph]) -> Graph:
    """What any of them has, in an order that fits all: inputs before their readers."""
    items: dict[Key, Item] = {}
    arrows: dict[Arrow, None] = {}
    for their_items, their_arrows in graphs:
        for i in their_items:
            items.setdefault(i.key, i)
        arrows |= dict.fromkeys(their_arrows)
    feeds: dict[Key, list[Key]] = {key: [] for key in items}
    for a in arrows:
        feeds[a.head].append(a.tail)
    done: dict[Key, None] = {}
    for root in items:
        stack = [root]
        while stack:
            key = stack[-1]
            waiting = [x for x in feeds[key] if x not in done]
            if waiting and key not in done:
                stack += waiting
            else:
                done.setdefault(key)
                stack.pop()
    return [items[key] for key in done], list(arrows)


def _parts(graph: Graph) -> set[Part]:
    """The items and arrows of one graph."""
    items, arrows = graph
    return {*(i.key for i in items), *arrows}
