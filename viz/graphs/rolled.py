"""The network folded in time: h_t stands for every h_3, recurrent edges carry their lag."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from graphviz import Digraph

from minigrad import Tape, Tensor
from minigrad.viz import style
from minigrad.viz.graphs.variables.variable_paint import item_looks
from minigrad.viz.graphs.variables.variable_sizes import lines

from .canvas import Looks
from .norm_colors import Scale, number
from .picture import Picture
from .roles import Role
from .rolled_model import Link, Nodes, RoleNode, describe, roll
from .selection import nodes_by_name, state_nodes

FONT_POINTS = 13.0
SMALL_POINTS = 10.0


def draw_rolled(tape: Tape, colours: Scale | None) -> Digraph:
    """The folded network of any stamped loop.

    A circle is an unnamed operation that more than one thing reads.
    """
    nodes, links = roll(tape)
    unique = style.identifiers(node.title for node in nodes.values())
    ids = dict(zip(nodes, unique, strict=True))
    graph = _blank()
    by_name = nodes_by_name(tape)
    graph.shows(tape, _members(nodes, ids, by_name))
    states = {tape.names[n] for n in state_nodes(tape)}
    for role, node in nodes.items():
        norms = _norms(node, colours, by_name)
        is_state = states.issuperset(node.first.names) and bool(node.first.names)
        _put_node(graph, ids[role], node, norms, colours, is_state)
    # The cut ones last: a cut loop goes round an open one.
    for link in sorted(links, key=lambda link: link.closed):
        text = describe(link, links[link], nodes)
        looks = _link_looks(link, text)
        graph.edge(ids[link.tail], ids[link.head], **looks)
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
    for role, node in nodes.items():
        names = [*node.starts]
        for item in node.items.values():
            names += item.names or (item.key[1],)
        members[ids[role]] = [by_name[name] for name in names]
    return members


def _blank() -> Picture:
    """An empty graph that Graphviz lays out from left to right."""
    graph = Picture("rolled")
    graph.attr(tooltip="The network folded in time")
    graph.attr(rankdir="LR", ranksep="0.45", nodesep="0.25", fontname=style.SANS)
    font = {"fontname": style.MATH, "fontsize": f"{FONT_POINTS:g}"}
    graph.attr("node", style="filled", margin="0.06,0.04", penwidth="0.8", **font)
    graph.attr("node", height="0.35", width="0.35")
    small = {"fontname": style.SANS, "fontsize": f"{SMALL_POINTS:g}"}
    graph.attr("edge", arrowsize="0.6", penwidth="0.8", **small)
    return graph


def _put_node(
    graph: Digraph,
    name: str,
    node: RoleNode,
    norms: list[float],
    colours: Scale | None,
    is_state: bool,
) -> None:
    """Draw a role.

    name: its identifier. norms: of the adjoints of all that have it. colours: their scale.
    is_state: it carries the network from step to step.
    """
    item = node.first
    looks = item_looks(item)
    note = ""
    if norms and colours:
        low = min(norms)
        high = max(norms)
        looks["fillcolor"] = colours.colour(high)
        if item.parameter:
            looks |= {"color": style.PARAMETER, "penwidth": "2"}
        if not all(map(math.isfinite, norms)):
            looks["class"] += " nonfinite"
        if item.names:
            note = number(low) if low == high else f"{number(low)} … {number(high)}"
    label = ""
    if item.names:
        names = lines(item) if item.time is None else [node.title]
        label = style.label(*names, size=FONT_POINTS, note=note)
    if is_state:
        looks["class"] += " state"
        looks["penwidth"] = style.STATE_WIDTH
    looks["tooltip"] = style.tooltip(_tip(node))
    graph.node(name, label, **looks)


def _norms(node: RoleNode, colours: Scale | None, by_name: Mapping[str, Tensor]) -> list[float]:
    """The norms of the adjoints of all that have a role, where they are known."""
    if not colours:
        return []
    members = []
    for item in node.items.values():
        names = item.names or (item.key[1],)
        members += [by_name[name] for name in names]
    return colours.known(members)


def _tip(node: RoleNode) -> str:
    """What a role is, where it is, and what it starts from."""
    tip = node.first.tip
    if len(node.items) > 1:
        first = min(node.times)
        last = max(node.times)
        tip = f"{node.title}, t = {first}..{last}; the first: {tip}"
    if node.starts:
        tip += f"; starts from {', '.join(node.starts)}"
    return tip


def _link_looks(link: Link, text: str) -> Looks:
    looks = {"class": "recurrent" if link.lag else "edge"}
    if link.closed:
        looks |= {"color": style.CUT, "fontcolor": style.CUT, "style": "dashed"}
        looks["class"] += " cut"
    # An edge back in time would turn the order of the nodes around.
    if link.lag:
        looks["constraint"] = "false"
    if text:
        looks["label"] = style.label(f" {text}", size=SMALL_POINTS)
    return looks


def _put_steps(graph: Digraph, nodes: Nodes) -> None:
    """Say below the picture which steps it stands for."""
    steps = _all_steps(nodes.values())
    if not steps:
        return
    text = f"t = {steps[0]}"
    if len(steps) > 1:
        text += f"..{steps[-1]} ({len(steps)} steps)"
    font = {"fontsize": f"{SMALL_POINTS:g}", "fontcolor": style.FAINT}
    graph.attr(label=f"<{text}>", labelloc="b", labeljust="l", **font)


def _all_steps(nodes: Iterable[RoleNode]) -> list[int]:
    """The steps that anything is there in."""
    steps: set[int] = set()
    for node in nodes:
        steps |= node.times
    return sorted(steps)
