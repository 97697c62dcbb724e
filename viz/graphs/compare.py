"""Tapes side by side: one sheet, the same places in each panel, differences drawn strong."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from graphviz import Digraph

from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.viz import style
from minigrad.viz.graphs.backward.adjoint_variables import (
    AdjointGraph,
    adjoint_graph,
    mirrored_places,
    put_adjoints,
)
from minigrad.viz.graphs.backward.aftermath import After
from minigrad.viz.graphs.backward.aftermath_box import afters_tall
from minigrad.viz.graphs.backward.split import Backward, backward_of
from minigrad.viz.graphs.variables.unrolled import members_by_id, tensors_by_item
from minigrad.viz.graphs.variables.variable_captions import captions_size, put_captions
from minigrad.viz.graphs.variables.variable_fold import fold_items
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
from .fold import Collapse, Rules, View
from .landmarks import Landmarks, landmarks
from .picture import Picture

# Between two panels.
PANEL_GAP_POINTS = 44.0
# From the highest centre up to the panel's name.
NAME_ABOVE_POINTS = 1.4 * SIDE_POINTS
BOLD_STRETCH = 1.2


def compare(
    tapes: Sequence[tuple[str, Tape]] | Mapping[str, Tape],
    collapse: Collapse = "auto",
    steps: Container[int] | None = None,
    rules: Rules = "folded",
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
    pairs = tapes.items() if isinstance(tapes, Mapping) else tapes
    rows = [_pair(pair) for pair in pairs] if isinstance(pairs, Iterable) else [_pair(pairs)]
    if not rows:
        raise ArgumentError("compare", got="no tapes", expected="expected pairs (name, Tape)")
    return _compared(rows, View(collapse, steps, rules).checked("compare"))


def _pair(pair: object) -> tuple[str, Tape]:
    """A pair as compare takes it. Raises ArgumentError."""
    match pair:
        case (str(name), Tape() as tape):
            return name, tape
        case (name, tape):
            got = f"{name!r}: a {type(tape).__name__}"
        case _:
            got = f"a {type(pair).__name__}"
    raise ArgumentError("compare", got=got, expected="expected (name, Tape)")


@dataclass(frozen=True)
class _Side:
    """One of the tapes: what is known of its forward pass, and its backward pass if it has one."""

    name: str
    tape: Tape
    whole: VariableGraph
    known: Landmarks
    backward: Backward | None

    @property
    def afters(self) -> list[After]:
        """What is made of its gradients."""
        return self.backward.after if self.backward else []

    @property
    def done(self) -> set[tuple[str, ...]]:
        """What the boxes of that say."""
        return {after.rows for after in self.afters}

    def adjoints(self, graph: VariableGraph) -> AdjointGraph | None:
        """Those of what is shown of it."""
        if self.backward is None:
            return None
        return adjoint_graph(graph, tensors_by_item(self.tape, graph.items), self.backward)


def _sides(tapes: Sequence[tuple[str, Tape]], view: View) -> list[_Side]:
    """Of each tape what is known; leaves share a box where they do in all of them."""
    backwards = [backward_of(tape) if view.rules == "folded" else None for _, tape in tapes]
    forwards = []
    for (_, tape), backward in zip(tapes, backwards, strict=True):
        forwards.append(backward.forward if backward else tape)
    sharing = _sharing([variable_graph(forward) for forward in forwards])
    sides = []
    for (name, _), forward, backward in zip(tapes, forwards, backwards, strict=True):
        graph = variable_graph(forward, sharing)
        sides.append(_Side(name, forward, graph, landmarks(forward), backward))
    return sides


def _sharing(graphs: list[VariableGraph]) -> dict[str, tuple[Key | None, ...]]:
    """Of each leaf the box that it is in, in each of the graphs; None where it is in none."""
    boxes = []
    for graph in graphs:
        keys: dict[str, Key] = {}
        for i in graph.items:
            if i.leaf:
                keys |= dict.fromkeys(i.names, i.key)
        boxes.append(keys)
    sharing = {}
    for name in dict.fromkeys(chain.from_iterable(boxes)):
        sharing[name] = tuple(box.get(name) for box in boxes)
    return sharing


def _compared(tapes: Sequence[tuple[str, Tape]], view: View) -> Picture:
    """The picture in that view: one panel per tape, all laid out as their union is."""
    sides = _sides(tapes, view)
    title = f"Side by side: {', '.join(side.name for side in sides)}"
    picture = blank_with_paths("compare", style.tooltip(title))
    picture.reopened = lambda opened: _compared(tapes, view.with_open(opened))
    union = _union([side.whole for side in sides])
    kept = frozenset[int]().union(*(side.known.kept for side in sides))
    folding = fold_items(union, view, kept)
    union = folding.apply(union, sides[0].known)
    graphs = [folding.apply(side.whole, side.known) for side in sides]
    adjoints = [side.adjoints(graph) for side, graph in zip(sides, graphs, strict=True)]
    roomy = union
    for each in adjoints:
        roomy = each.spread(roomy) if each else roomy
    spots = places(roomy)
    done_by_all = set.intersection(*(side.done for side in sides))
    sheet = _Sheet(union, roomy, graphs, adjoints, spots, _top(sides, graphs, spots), done_by_all)
    for k, side in enumerate(sides):
        values, mirrored = sheet.paint(picture, k, side)
        members = members_by_id(side.tape, side.whole, folding, values)
        back = members_by_id(side.tape, side.whole, folding, mirrored)
        picture.shows(side.tape, members, back)
    return picture


def _top(sides: list[_Side], graphs: list[VariableGraph], spots: Places) -> float:
    """How far up the highest panel reaches, the boxes of what is made of the gradients included."""
    _, (_, highest) = spots.corners
    for side, graph in zip(sides, graphs, strict=True):
        if side.backward:
            _, (_, top) = mirrored_places(graph, spots).corners
            highest = max(highest, top + afters_tall(side.afters))
    return highest


@dataclass(frozen=True)
class _Sheet:
    """All panels. roomy: the union with room for the adjoints. top: the greatest height.

    done_by_all: what is made of the gradients in each of them.
    """

    union: VariableGraph
    roomy: VariableGraph
    graphs: list[VariableGraph]
    adjoints: list[AdjointGraph | None]
    spots: Places
    top: float
    done_by_all: set[tuple[str, ...]]

    def paint(self, picture: Picture, k: int, side: _Side) -> tuple[Identifiers, Identifiers]:
        """Draw one panel; the identifiers of its values and of its adjoints.

        It shows all items, those that it lacks as missing, and its own arrows.
        """
        graph = self.graphs[k]
        across, up = self.pitch
        panel = _panel(k, self.graphs, self.union)
        panel = replace(panel, shift=(k * across, k * up))
        own = graph.by_key
        items = [own.get(i.key, i) for i in self.union.items]
        shown_places = places(self.roomy, shown=graph.arrows)
        ids = paint_variables(picture, VariableGraph(items, graph.arrows), shown_places, panel)
        (left, _), (right, _) = self.spots.corners
        above = (left + right) / 2, self.top + NAME_ABOVE_POINTS
        _put_name(picture, f"name {k + 1}", side.name, panel.moved(above))
        put_captions(picture, graph.items, self.spots, panel)
        own_adjoints = self.adjoints[k]
        if not side.backward or not own_adjoints:
            return ids, {}
        mirrors = [each.graph if each else VariableGraph([], []) for each in self.adjoints]
        accents = replace(_panel(k, mirrors, own_adjoints.graph), shift=panel.shift)
        strong = [after for after in side.afters if after.rows not in self.done_by_all]
        back = put_adjoints(picture, own_adjoints, shown_places, side.backward, accents, strong)
        return ids, back

    @property
    def pitch(self) -> Point:
        """From panel to panel: beside each other, or below where the steps run to the right."""
        (left, bottom), (right, _) = self.spots.corners
        sizes = [captions_size(graph.items, self.spots) for graph in self.graphs]
        captions_wide, captions_tall = map(max, zip(*sizes, strict=True))
        if self.spots.runs_across:
            return 0.0, bottom - self.top - SIDE_POINTS - PANEL_GAP_POINTS - captions_tall
        return right - left + SIDE_POINTS + PANEL_GAP_POINTS + captions_wide, 0.0


def _panel(k: int, graphs: list[VariableGraph], shown: VariableGraph) -> Panel:
    """What the k-th of these has that others lack, and what is shown in it that it lacks."""
    present = _parts(graphs[k])
    common = set.intersection(*map(_parts, graphs))
    missing = shown.times.keys() - present
    return Panel(
        prefix=f"{k + 1}/",
        added=present - common,
        missing=missing,
        kinds=dict.fromkeys(missing, "missing"),
    )


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
