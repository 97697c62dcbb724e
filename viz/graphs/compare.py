"""Tapes side by side: one sheet, the same places in each panel, differences drawn strong."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from graphviz import Digraph

from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.viz import style
from minigrad.viz.graphs.variables.unrolled import members_by_id
from minigrad.viz.graphs.variables.variable_captions import captions_size, put_captions
from minigrad.viz.graphs.variables.variable_fold import Folding, fold_items
from minigrad.viz.graphs.variables.variable_layout import places
from minigrad.viz.graphs.variables.variable_model import (
    Arrow,
    Item,
    Key,
    VariableGraph,
    variable_graph,
)
from minigrad.viz.graphs.variables.variable_paint import (
    Identifiers,
    Panel,
    Part,
    paint_variables,
)
from minigrad.viz.graphs.variables.variable_places import Places
from minigrad.viz.graphs.variables.variable_sizes import SIDE_POINTS

from .canvas import NAME_POINTS, Point, blank_with_paths, put_text
from .fold import Collapse, View
from .landmarks import Landmarks, landmarks
from .picture import Picture

# Between two panels.
PANEL_GAP_POINTS = 44.0
# From the highest centre up to the panel's name.
NAME_ABOVE_POINTS = 1.4 * SIDE_POINTS
BOLD_STRETCH = 1.2


def compare(
    tapes: Sequence[tuple[str, Tape]],
    collapse: Collapse = "auto",
    steps: Container[int] | None = None,
) -> Digraph:
    """The unrolled graphs of several tapes beside each other, each under its name.

    What only some of them have is drawn strong there, and dotted where it is missing. The
    options are draw's.

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
    return _compared(tapes, View(collapse, steps).checked("compare"))


def _compared(tapes: Sequence[tuple[str, Tape]], view: View) -> Picture:
    """The picture in that view."""
    names = [name for name, _ in tapes]
    graphs = [variable_graph(tape) for _, tape in tapes]
    known = [landmarks(tape) for _, tape in tapes]
    picture, ids, folding = _sheet(names, graphs, known, view)
    picture.reopened = lambda opened: _compared(tapes, view.with_open(opened))
    for (_, tape), graph, each in zip(tapes, graphs, ids, strict=True):
        picture.shows(tape, members_by_id(tape, graph, folding, each))
    return picture


def _sheet(
    names: list[str], graphs: list[VariableGraph], known: list[Landmarks], view: View
) -> tuple[Picture, list[Identifiers], Folding]:
    """One panel per graph, all laid out as their union is.

    Returns the identifiers in each panel, too, and what folds.

    known: what is known of the steps of each.
    """
    union = _union(graphs)
    kept = frozenset[int]().union(*(each.kept for each in known))
    folding = fold_items(union, view, kept)
    union = folding.apply(union, known[0])
    folded = list(map(folding.apply, graphs, known))
    common = set.intersection(*map(_parts, folded))
    spots = places(union)
    (left, _), (right, top) = spots.corners
    across, up = _pitch(folded, spots)
    title = f"Side by side: {', '.join(names)}"
    picture = blank_with_paths("compare", style.tooltip(title))
    ids: list[Identifiers] = []
    for k, (name, graph) in enumerate(zip(names, folded, strict=True)):
        present = _parts(graph)
        missing = union.times.keys() - present
        panel = Panel(
            shift=(k * across, k * up),
            prefix=f"{k + 1}/",
            added=present - common,
            missing=missing,
            kinds=dict.fromkeys(missing, "missing"),
        )
        # Every panel shows all items, those that it lacks as missing, and its own arrows.
        own = graph.by_key
        items = [own.get(i.key, i) for i in union.items]
        all_items = VariableGraph(items, graph.arrows)
        shown_places = places(union, shown=graph.arrows)
        ids.append(paint_variables(picture, all_items, shown_places, panel))
        middle = (left + right) / 2, top + NAME_ABOVE_POINTS
        _put_name(picture, f"name {k + 1}", name, panel.moved(middle))
        put_captions(picture, graph.items, spots, panel)
    return picture, ids, folding


def _pitch(graphs: list[VariableGraph], spots: Places) -> Point:
    """From panel to panel: beside each other, or below where the steps run to the right."""
    (left, bottom), (right, top) = spots.corners
    sizes = [captions_size(graph.items, spots) for graph in graphs]
    captions_wide, captions_tall = map(max, zip(*sizes, strict=True))
    if spots.runs_across:
        return 0.0, bottom - top - SIDE_POINTS - PANEL_GAP_POINTS - captions_tall
    return right - left + SIDE_POINTS + PANEL_GAP_POINTS + captions_wide, 0.0


def _put_name(picture: Digraph, identifier: str, name: str, centre: Point) -> None:
    """The name of a panel, bold above it."""
    text = f"<<b>{style.html(name, NAME_POINTS)}</b>>"
    wide = style.width(name, NAME_POINTS, style.SANS) * BOLD_STRETCH
    put_text(picture, identifier, centre, (wide, NAME_POINTS * 1.4), label=text)


def _union(graphs: list[VariableGraph]) -> VariableGraph:
    """What any of them has, in an order that fits all: inputs before their readers."""
    items: dict[Key, Item] = {}
    arrows: dict[Arrow, None] = {}
    for graph in graphs:
        for i in graph.items:
            known = items.setdefault(i.key, i)
            # how many copies a window has of it takes room
            if len(i.copies) > len(known.copies):
                items[i.key] = i
        arrows |= dict.fromkeys(graph.arrows)
    feeds: dict[Key, list[Key]] = {key: [] for key in items}
    for a in arrows:
        feeds[a.head].append(a.tail)
    order = [items[key] for key in _inputs_first(feeds)]
    return VariableGraph(order, list(arrows))


def _inputs_first(feeds: dict[Key, list[Key]]) -> Iterable[Key]:
    """The keys, each after those that feed it."""
    done: dict[Key, None] = {}
    for root in feeds:
        stack = [root]
        while stack:
            key = stack[-1]
            waiting = [x for x in feeds[key] if x not in done]
            if waiting and key not in done:
                stack += waiting
            else:
                done.setdefault(key)
                stack.pop()
    return done


def _parts(graph: VariableGraph) -> set[Part]:
    """The items and arrows of one graph."""
    return {*graph.times, *graph.arrows}
