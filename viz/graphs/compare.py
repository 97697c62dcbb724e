"""Tapes side by side: one sheet, everything in the same place in each panel, what differs drawn strong."""

from __future__ import annotations

from collections.abc import Container, Sequence

import graphviz

from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.viz import style
from minigrad.viz.graphs.variables.variable_layout import FONT, SIZE
from minigrad.viz.graphs.variables.variable_model import Arrow, Item, Key, circles
from minigrad.viz.graphs.variables.variable_paint import (
    Paint,
    blank,
    paint,
    places,
    put_captions,
    put_text,
)

from .folding import Collapse, View
from .folds import folding

_ASIDE = 44.0  # between two panels
_MANY = 80  # items in all panels: beyond, arrows are straight
Panel = tuple[list[Item], list[Arrow]]


def compare(
    tapes: Sequence[tuple[str, Tape]],
    collapse: Collapse = "auto",
    steps: Container[int] | None = None,
) -> graphviz.Digraph:
    """The unrolled graphs of several tapes beside each other, each under its name; the options are draw's.

    What only some of them have is drawn strong there, and dotted where it is missing. Raises ArgumentError for none.
    """
    for name, tape in tapes:
        if not isinstance(name, str) or not isinstance(tape, Tape):
            raise ArgumentError(
                "compare",
                got=f"{name!r}: a {type(tape).__name__}",
                expected="expected (name, Tape)",
            )
    if not tapes:
        raise ArgumentError("compare", got="no tapes", expected="expected pairs (name, Tape)")
    return _sheet([(name, circles(tape)) for name, tape in tapes], View(collapse, steps))


def _sheet(panels: list[tuple[str, Panel]], view: View) -> graphviz.Digraph:
    union = _union([panel for _, panel in panels])
    fold = folding(*union, view)
    everything, arrows = fold.apply(*union)
    at = places(everything, arrows)
    (left, _), (right, top) = at.corners
    graph = blank("compare", len(everything) * len(panels) > _MANY)
    shown = [fold.apply(*panel) for _, panel in panels]
    common = [_known(its).issuperset for its in shown]
    for k, ((name, _), its) in enumerate(zip(panels, shown, strict=True)):
        shift = k * (right - left + SIZE + _ASIDE), 0.0
        mine = _known(its)
        new = {x for x in mine if not all(has([x]) for has in common)}
        gone = {i.key for i in everything} - mine
        how = Paint(shift, f"{k + 1}/", new=new, gone=gone, kinds=dict.fromkeys(gone, "missing"))
        paint(graph, everything, its[1], places(everything, arrows, its[1]), how)
        middle = (left + right) / 2 + shift[0]
        text = f"<<b>{style.html(name, FONT)}</b>>"
        put_text(
            graph,
            f"name {k + 1}",
            (middle, top + 1.4 * SIZE),
            (style.width(name, FONT) * 1.2, FONT * 1.4),
            text,
        )
    put_captions(graph, everything, at)
    return graph


def _union(panels: list[Panel]) -> Panel:
    """What any of them has, in an order that fits all: inputs before their readers."""
    items: dict[Key, Item] = {}
    arrows: dict[Arrow, None] = {}
    for its, theirs in panels:
        for i in its:
            items.setdefault(i.key, i)
        arrows |= dict.fromkeys(theirs)
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


def _known(panel: Panel) -> set[Key | Arrow]:
    return {*(i.key for i in panel[0]), *panel[1]}
