"""Fig. 9.7.2 of any tape: the unrolled graph, a box for each variable."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

from graphviz import Digraph

from minigrad import Tape, Tensor
from minigrad.internal import refuse_no_tape
from minigrad.viz import style as looks_of
from minigrad.viz.graphs.backward.adjoint_variables import adjoint_graph, put_adjoints
from minigrad.viz.graphs.backward.split import backward_of
from minigrad.viz.graphs.canvas import blank_with_paths, put_scale
from minigrad.viz.graphs.fold import Collapse, Labels, Rules, View
from minigrad.viz.graphs.landmarks import is_broken, landmarks
from minigrad.viz.graphs.looks import refuse_style
from minigrad.viz.graphs.norm_colors import BROKEN, Grads, Scale, number, scale, together
from minigrad.viz.graphs.picture import Picture
from minigrad.viz.graphs.selection import (
    adjoint_nodes,
    nodes_by_name,
    reached_nodes,
    state_nodes,
)
from minigrad.viz.graphs.tooltip import summary

from .page_places import fits, layout_of
from .variable_captions import captions_size, put_captions
from .variable_fold import Folding, fold_items
from .variable_model import Item, Key, VariableGraph, variable_graph
from .variable_paint import Identifiers, Panel, paint_variables
from .variable_places import Places
from .variable_sizes import SIDE_POINTS

# Tensors that the tooltip of a box says something of.
MAX_TOOLTIP_TENSORS = 3

Tensors = dict[Key, list[Tensor]]
"""The tensors of each item."""
NO_NORMS: Mapping[Key, float] = {}

TITLE = "The unrolled computational graph"
# From the lowest centre down to the scale of the colours.
SCALE_BELOW_POINTS = 2.5 * SIDE_POINTS


def unrolled(
    tape: Tape,
    collapse: Collapse = "auto",
    steps: Container[int] | None = None,
    grads: Grads = None,
    rules: Rules = "folded",
    style: Mapping[str, Any] | None = None,
    label: Labels | None = None,
) -> Digraph:
    """The unrolled computational graph of a tape, each named tensor a box, as in Fig. 9.7.2.

    Steps go upwards; where more than one state goes from step to step, they go to the right, and
    each direction, clock and layer has a row of its own. What many steps share is one line.

    Gates stand on the arrows; an arrow through which no gradient passes is red and dashed; a dashed
    outline is what a checkpointed tape recomputes. The options are draw's, whose level "variables"
    this is.

    >>> import minigrad as mg
    >>> w = mg.tensor(0.5, requires_grad=True, name="w")
    >>> with mg.timestep(1):
    ...     h = (w * 2).named("h_1")
    >>> print(unrolled(mg.Tape.of(h)).source.splitlines()[0])
    digraph unrolled {

    tape: what is drawn.
    collapse: how many steps are shown before runs of steps alike fold; None unfolds all.
    steps: the steps that are shown, such as range(4, 9); all others fold.
    grads: True writes the norm of its adjoint on each box, in colour; so does a mapping from
    Tensors or names to adjoints or norms.
    rules: of a differentiated tape its adjoints stand above the values, or are "open": operations.
    style: sizes, colours and shapes by role, as draw takes them.
    label: what is written on a node in place of its name; None: the name.

    Raises: ArgumentError for what is no Tape and for options outside their domain; GradientError
    for ``grads=True`` where the tape has no backward pass. Source: D2L, Fig. 9.7.2.
    """
    refuse_no_tape("unrolled", tape)
    looks = style or {}
    refuse_style("unrolled", looks, "variables")
    view = View(collapse, steps, rules, label=label).checked("unrolled")
    picture = draw_variables(tape, view, scale(tape, grads))
    picture.looks = looks
    return picture


def draw_variables(tape: Tape, view: View, colours: Scale | None) -> Picture:
    """The unrolled graph in that view, coloured where there are norms."""
    backward = backward_of(tape) if view.rules == "folded" else None
    whole_tape = tape
    if backward:
        tape = backward.forward
    whole = variable_graph(tape)
    known = landmarks(tape, colours)
    for fitting in view.narrower():
        folding = fold_items(whole, fitting, known.kept)
        graph = folding.apply(whole, known)
        tensors = tensors_by_item(tape, graph.items)
        norms = _norms(tensors, colours)
        graph = _labelled(graph, tensors, norms, view)
        adjoints = adjoint_graph(graph, tensors, backward) if backward else None
        roomy = adjoints.spread(graph) if adjoints else graph
        spots = layout_of(roomy)(roomy, None)
        if fits(roomy, spots):
            break
    panel = panel_of(tape, tensors, norms, colours)
    picture = blank_with_paths("unrolled", TITLE)
    ids = paint_variables(picture, graph, spots, panel)
    put_captions(picture, graph.items, spots, panel)
    members = members_by_id(tape, whole, folding, ids)
    mirrored: dict[str, list[Tensor]] = {}
    if backward and adjoints:
        back = put_adjoints(picture, adjoints, spots, backward)
        mirrored = members_by_id(tape, whole, folding, back)
    picture.shows(tape, members, mirrored)
    picture.reopened = lambda names: draw_variables(whole_tape, fitting.with_open(names), colours)
    _put_scale(picture, graph.items, spots, colours)
    return picture


def tensors_by_item(tape: Tape, items: list[Item]) -> Tensors:
    """The tensors in each box; a circle's is the one it computes; dots have none."""
    by_name = nodes_by_name(tape)
    tensors: Tensors = {}
    for i in items:
        tensors[i.key] = []
        if not i.dots:
            tensors[i.key] += [by_name[name] for name in i.nodes if name in by_name]
    return tensors


def members_by_id(
    tape: Tape, graph: VariableGraph, folding: Folding, ids: Identifiers
) -> dict[str, list[Tensor]]:
    """The tensors that each node of the picture stands for.

    graph: what is on the tape before it folds. ids: the identifiers of what is drawn.
    """
    members: defaultdict[str, list[Tensor]] = defaultdict(list)
    for key, tensors in tensors_by_item(tape, graph.items).items():
        shown = folding.shown(key)
        if shown in ids:
            members[ids[shown]] += tensors
    return members


def _norms(tensors: Tensors, colours: Scale | None) -> dict[Key, float]:
    """The norm of the adjoints in each box together, where one is known."""
    norms: dict[Key, float] = {}
    if colours is None:
        return norms
    for key, members in tensors.items():
        known = colours.joined(members)
        if known:
            norms[key] = together(known)
    return norms


def _labelled(
    graph: VariableGraph, tensors: Tensors, norms: dict[Key, float], view: View
) -> VariableGraph:
    """The graph with what is to be written on its boxes, and the norms that are known."""
    items = []
    for i in graph.items:
        labelled = _with_label(i, tensors, view)
        items.append(_with_norm(labelled, norms))
    return VariableGraph(items, graph.arrows)


def _with_label(item: Item, tensors: Tensors, view: View) -> Item:
    """The box with what is to be written on it in place of its names."""
    members = tensors[item.key]
    if view.label is None or len(members) < len(item.names):
        return item
    labels = []
    for name, n in zip(item.names, members, strict=False):
        text = view.text(n)
        labels.append(name if text is None else text)
    return replace(item, labels=tuple(labels))


def _with_norm(item: Item, norms: dict[Key, float]) -> Item:
    """The box with the norm of its adjoint below its names."""
    if item.names and item.key in norms:
        notes = (number(norms[item.key]), item.note)
        return replace(item, note=", ".join(filter(None, notes)))
    return item


def panel_of(
    tape: Tape,
    tensors: Tensors,
    norms: Mapping[Key, float] = NO_NORMS,
    colours: Scale | None = None,
) -> Panel:
    """What is special about the items: adjoints, no gradient reaches them, recomputed, a norm.

    tensors: those of each item. norms: of their adjoints. colours: the scale of the norms.
    """
    adjoints = adjoint_nodes(tape)
    # Nothing is asked to reach the adjoints themselves.
    reached = reached_nodes(tape) | adjoints
    tips: dict[Key, str] = {}
    fills: dict[Key, str] = {}
    kinds: defaultdict[Key, str] = defaultdict(str)
    states = state_nodes(tape)
    for key, members in tensors.items():
        if not members:
            continue
        is_unreached = all(n.requires_grad and n not in reached for n in members)
        if key[0] == "box":
            tips[key] = _tip(tape, members)
            if is_unreached:
                tips[key] += ", no gradient reaches it"
        if is_unreached:
            fills[key] = looks_of.UNREACHED
            kinds[key] += " unreached"
        if adjoints.issuperset(members):
            fills[key] = looks_of.ADJOINT
            kinds[key] += " adjoint"
        if colours and key in norms:
            fills[key] = colours.colour(norms[key])
        is_finite = math.isfinite(norms.get(key, 0.0))
        if not is_finite or any(map(is_broken, members)):
            fills[key] = BROKEN
            kinds[key] += " nonfinite"
        kinds[key] += _state_kinds(key, members, states)
    return Panel(tips=tips, fills=fills, kinds=kinds)


def _state_kinds(key: Key, members: list[Tensor], states: set[Tensor]) -> str:
    """Whether an item is a state, and whether it is recomputed."""
    kinds = ""
    # the copies that a window has of a state are none
    if key[0] == "box" and not states.isdisjoint(members):
        kinds += " state"
    if all(n.recomputed for n in members):
        kinds += " recomputed"
    return kinds


def _tip(tape: Tape, members: list[Tensor]) -> str:
    """The first tensors in a box."""
    return "; ".join(summary(tape, n) for n in members[:MAX_TOOLTIP_TENSORS])


def _put_scale(picture: Digraph, items: list[Item], spots: Places, colours: Scale | None) -> None:
    """What the colours mean, below the picture."""
    if colours:
        (left, bottom), (right, _) = spots.corners
        _, captions = captions_size(items, spots)
        centre = (left + right) / 2, bottom - captions - SCALE_BELOW_POINTS
        put_scale(picture, centre, colours.legend())
