"""Tapes side by side: one sheet, the same places in each panel, differences drawn strong."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import chain

from graphviz import Digraph

from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.viz import style
from minigrad.viz.graphs.backward.split import backward_of
from minigrad.viz.graphs.canvas import blank_with_paths
from minigrad.viz.graphs.fold import Collapse, Rules, View
from minigrad.viz.graphs.landmarks import landmarks
from minigrad.viz.graphs.picture import Picture
from minigrad.viz.graphs.variables.variable_fold import fold_items

from .sheet import Sheet, Side
from .union import graphs_alike, union_of


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


def _compared(tapes: Sequence[tuple[str, Tape]], view: View) -> Picture:
    """The picture in that view: one panel per tape, all laid out as their union is."""
    sides = _sides(tapes, view)
    union = union_of([side.whole for side in sides])
    kept = list(dict.fromkeys(chain.from_iterable(side.known.kept for side in sides)))
    for fitting in view.narrower():
        folding = fold_items(union, fitting, kept)
        sheet = Sheet(sides, folding, folding.apply(union, sides[0].known))
        if sheet.fits:
            break
    title = f"Side by side: {', '.join(side.name for side in sides)}"
    picture = blank_with_paths("compare", style.tooltip(title))
    picture.reopened = lambda opened: _compared(tapes, fitting.with_open(opened))
    for k in range(len(sides)):
        sheet.paint(picture, k)
    return picture


def _sides(tapes: Sequence[tuple[str, Tape]], view: View) -> list[Side]:
    """Of each tape what is known; leaves share a box where they do in all of them."""
    backwards = [backward_of(tape) if view.rules == "folded" else None for _, tape in tapes]
    forwards = []
    for (_, tape), backward in zip(tapes, backwards, strict=True):
        forwards.append(backward.forward if backward else tape)
    graphs = graphs_alike(forwards)
    sides = []
    for (name, _), forward, graph, backward in zip(tapes, forwards, graphs, backwards, strict=True):
        sides.append(Side(name, forward, graph, landmarks(forward), backward))
    return sides
