"""Fig. 9.7.2 of any tape: the unrolled graph, time from bottom to top, the stages of a step from left to right."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

import graphviz

from minigrad import Tape, Tensor
from minigrad.viz import style
from minigrad.viz.graphs.folding import Collapse, View
from minigrad.viz.graphs.folds import folding
from minigrad.viz.graphs.norms import Grads, Scale, number, scale, together
from minigrad.viz.graphs.selection import reached_nodes
from minigrad.viz.graphs.tooltip import summary

from .variable_layout import SIZE
from .variable_model import Item, circles
from .variable_paint import MANY, Paint, blank, paint, places, put_captions, put_text


def unrolled(
    tape: Tape,
    collapse: Collapse = "auto",
    steps: Container[int] | None = None,
    grads: Grads = None,
) -> graphviz.Digraph:
    """The unrolled computational graph of a tape, each named tensor a box, in the layout of D2L's Fig. 9.7.2.

    Gates stand on the arrows; an arrow through which no gradient passes is red and dashed; a dashed outline is what a
    checkpointed tape recomputes. The options are draw's, whose level "variables" this is.
    """
    return variables(tape, View(collapse, steps), scale(tape, grads))


def variables(tape: Tape, view: View, colours: Scale | None) -> graphviz.Digraph:
    """The picture of that view."""
    items, arrows = circles(tape)
    fold = folding(items, arrows, view)
    items, arrows = fold.apply(items, arrows)
    tensors = members(tape, items)
    norms = {i.key: norm for i in items if (norm := _norm(tensors[i.key], colours)) is not None}
    items = [
        replace(i, note=number(norms[i.key])) if i.names and i.key in norms else i for i in items
    ]
    at = places(items, arrows)
    reached = reached_nodes(tape)
    lost = {
        k
        for k, its in tensors.items()
        if its and all(n.requires_grad and n not in reached for n in its)
    }
    fills = dict.fromkeys(lost, style.UNREACHED)
    fills |= {key: colours.colour(norm) for key, norm in norms.items() if colours}
    tips = {
        i.key: "; ".join(summary(tape, n) for n in tensors[i.key][:3])
        for i in items
        if i.names and not i.dots
    }
    tips |= {key: f"{tips[key]}, no gradient reaches it" for key in lost & tips.keys()}

    again = {k for k, its in tensors.items() if its and all(n.recomputed for n in its)}
    kinds = dict.fromkeys(lost, "unreached") | dict.fromkeys(again, "recomputed")

    graph = blank("unrolled", len(items) > MANY)
    paint(graph, items, arrows, at, Paint(tips=tips, fills=fills, kinds=kinds))
    (left, bottom), (right, _) = at.corners
    put_captions(graph, items, at)
    middle = (left + right) / 2
    if again:
        word = style.label("dashed outline: recomputed", size=10)
        put_text(
            graph,
            "recomputed",
            (middle, bottom - 1.25 * SIZE),
            (150, 14),
            word,
            **{"class": "legend"},
        )
    if colours:
        put_text(
            graph,
            "scale",
            (middle, bottom - 2.5 * SIZE),
            (190, 40),
            colours.legend(),
            **{"class": "legend"},
        )
    return graph


def members(tape: Tape, items: list[Item]) -> dict[tuple[str, str], list[Tensor]]:
    """The tensors in each box; a circle's is the one it computes."""
    by_name = {name: n for n, name in tape.names.items()}
    return {
        i.key: [] if i.dots else [by_name[k] for k in i.names or (i.key[1],) if k in by_name]
        for i in items
    }


def _norm(tensors: list[Tensor], colours: Scale | None) -> float | None:
    """The norm of the adjoints in a box together; None where none was asked for."""
    known = [colours.norms[n] for n in tensors if n in colours.norms] if colours else []
    return together(known) if known else None
