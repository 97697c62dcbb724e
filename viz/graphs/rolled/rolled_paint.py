"""The network folded in time: h_t stands for every h_3, recurrent edges carry their lag."""

from __future__ import annotations

import math
from collections.abc import Mapping

from graphviz import Digraph

from minigrad import Tape, Tensor
from minigrad.viz import style
from minigrad.viz.graphs.backward.adjoint_roles import RolledForward, put_adjoint_roles
from minigrad.viz.graphs.backward.split import backward_of
from minigrad.viz.graphs.canvas import Looks
from minigrad.viz.graphs.fold import View
from minigrad.viz.graphs.norm_colors import Scale, number
from minigrad.viz.graphs.picture import Picture
from minigrad.viz.graphs.roles import Role
from minigrad.viz.graphs.selection import adjoint_nodes, nodes_by_name, state_nodes
from minigrad.viz.graphs.variables.variable_paint import NORM_OUTLINE, item_looks
from minigrad.viz.graphs.variables.variable_sizes import lines

from .rolled_links import SMALL_POINTS, put_links
from .rolled_model import (
    Nodes,
    RoleNode,
    all_steps,
    roll,
)

FONT_POINTS = 13.0
# More of them, and what stands side by side stands closer together.
MANY_LINKS = 24


def draw_rolled(tape: Tape, view: View, colours: Scale | None) -> Digraph:
    """The folded network of any stamped loop.

    A circle is an unnamed operation that more than one thing reads.
    """
    backward = backward_of(tape) if view.rules == "folded" else None
    if backward:
        tape = backward.forward
    nodes, links = roll(tape)
    unique = style.identifiers(node.name for node in nodes.values())
    ids = dict(zip(nodes, unique, strict=True))
    graph = _blank(crowded=len(links) > MANY_LINKS)
    by_name = nodes_by_name(tape)
    states = state_nodes(tape)
    adjoints = adjoint_nodes(tape)
    for role, node in nodes.items():
        norms = _norms(node, colours, by_name)
        looks = _looks(node, norms, colours)
        if states.issuperset(node.items) and node.first.names:
            looks["class"] += " state"
            looks["penwidth"] = style.STATE_WIDTH
        if adjoints.issuperset(node.items):
            looks["class"] += " adjoint"
            looks["fillcolor"] = style.ADJOINT
        looks["tooltip"] = style.tooltip(_tip(node))
        own = view.text(node.tensor)
        looks["label"] = _label(node, norms)
        if own is not None:
            looks["label"] = style.label(own, size=FONT_POINTS)
        graph.node(ids[role], **looks)
    put_links(graph, nodes, links, ids)
    back: dict[Role, str] = {}
    if backward:
        back = put_adjoint_roles(graph, RolledForward(nodes, links, ids), backward)
    members = _members(nodes, ids, by_name)
    graph.shows(tape, members, _members(nodes, back, by_name))
    if any(t is not None for t in tape.times.values()):
        _put_steps(graph, nodes)
    if colours:
        legend = {"shape": "plaintext", "style": "", "class": "legend"}
        graph.node("scale", colours.legend(), fontname=style.SANS, **legend)
    return graph


def _members(
    nodes: Nodes, ids: Mapping[Role, str], by_name: Mapping[str, Tensor]
) -> dict[str, list[Tensor]]:
    """The tensors of all that have each role, by its identifier."""
    members: dict[str, list[Tensor]] = {}
    for role, name in ids.items():
        node = nodes[role]
        names = [*node.starts]
        for item in node.items.values():
            names += item.nodes
        members[name] = [by_name[each] for each in names if each in by_name]
    return members


def _blank(crowded: bool) -> Picture:
    """An empty graph that Graphviz lays out from the data up to the loss."""
    gap = "0.12" if crowded else "0.25"
    graph = Picture("rolled")
    graph.attr(tooltip="The network folded in time")
    graph.attr(rankdir="BT", ranksep="0.3", nodesep=gap, fontname=style.SANS)
    font = {"fontname": style.MATH, "fontsize": f"{FONT_POINTS:g}"}
    graph.attr("node", style="filled", margin="0.06,0.04", penwidth="0.8", **font)
    graph.attr("node", height="0.35", width="0.35")
    small = {"fontname": style.SANS, "fontsize": f"{SMALL_POINTS:g}"}
    graph.attr("edge", arrowsize="0.6", penwidth="0.8", **small)
    return graph


def _looks(node: RoleNode, norms: list[float], colours: Scale | None) -> Looks:
    """The shape and colours of a role.

    norms: of the adjoints of all that have it. colours: their scale.
    """
    item = node.first
    looks = item_looks(item)
    if norms and colours:
        looks["fillcolor"] = colours.colour(max(norms))
        if item.parameter:
            looks |= NORM_OUTLINE
        if not all(map(math.isfinite, norms)):
            looks["class"] += " nonfinite"
    return looks


def _label(node: RoleNode, norms: list[float]) -> str:
    """The names; below them which copy it is, and the range of the norms."""
    item = node.first
    if not item.names:
        return ""
    notes = [node.copies] if node.copies else []
    if norms:
        least = number(min(norms))
        most = number(max(norms))
        notes.append(least if least == most else f"{least} … {most}")
    names = lines(item) if item.time is None else [node.name]
    return style.label(*names, size=FONT_POINTS, note=", ".join(notes))


def _norms(node: RoleNode, colours: Scale | None, by_name: Mapping[str, Tensor]) -> list[float]:
    """The norms of the adjoints of all that have a role, where they are known."""
    if not colours:
        return []
    members = []
    for item in node.items.values():
        members += [by_name[name] for name in item.nodes]
    return colours.joined(members)


def _tip(node: RoleNode) -> str:
    """What a role is, where it is, and what it starts from."""
    tip = node.first.tip
    if len(node.items) > 1:
        first = min(node.times)
        last = max(node.times)
        tip = f"{node.name}, t = {first}..{last}; the first: {tip}"
    if node.starts:
        starts = ", ".join(node.starts)
        tip += f"; starts from {starts}"
    return tip


def _put_steps(graph: Digraph, nodes: Nodes) -> None:
    """Say below the picture which steps it stands for."""
    steps = all_steps(nodes.values())
    if not steps:
        return
    text = f"t = {steps[0]}"
    if len(steps) > 1:
        text += f"..{steps[-1]} ({len(steps)} steps)"
    font = {"fontsize": f"{SMALL_POINTS:g}", "fontcolor": style.FAINT}
    graph.attr(label=f"<{text}>", labelloc="b", labeljust="l", **font)
