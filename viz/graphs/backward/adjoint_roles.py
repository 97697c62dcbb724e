"""The adjoints of the folded network: beside the values, each in the row of its value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from graphviz import Digraph

from minigrad import Tensor
from minigrad.viz import style
from minigrad.viz.graphs.canvas import Looks
from minigrad.viz.graphs.roles import Role
from minigrad.viz.graphs.rolled.rolled_links import SMALL_POINTS, put_links
from minigrad.viz.graphs.rolled.rolled_model import Links, Nodes, RoleNode
from minigrad.viz.graphs.selection import nodes_by_name
from minigrad.viz.graphs.variables.variable_sizes import lines

from .aftermath import After
from .split import Backward

FONT_POINTS = 13.0
BACK = {
    "dir": "back",
    "color": style.BACKWARD,
    "class": "backward",
}


@dataclass(frozen=True)
class RolledForward:
    """What is drawn of the forward pass, and under which identifiers."""

    nodes: Nodes
    links: Links
    ids: Mapping[Role, str]


def put_adjoint_roles(
    graph: Digraph, forward: RolledForward, backward: Backward
) -> dict[Role, str]:
    """Draw the adjoint of each role that has one, and the links the other way round.

    Returns their identifiers.
    """
    nodes: Nodes = {}
    wrt = set(backward.tape.wrt)
    asked: list[str] = []
    ids: dict[Role, str] = {}
    by_name = nodes_by_name(backward.forward)
    for role, node in forward.nodes.items():
        visited = [n for n in _members(node, by_name) if n in backward.visited]
        if visited:
            nodes[role] = node
            value = forward.ids[role]
            name = f"d{value}"
            ids[role] = name
            label = _label(node, visited, backward)
            looks = _looks(node, visited, backward)
            graph.node(name, label, **looks)
            if not wrt.isdisjoint(visited):
                asked.append(name)
            if any(map(backward.is_seed, visited)):
                _put_in_one_row(graph, value, name)
    links: Links = {}
    for link, uses in forward.links.items():
        if link.tail in nodes and link.head in nodes:
            links[link] = uses
    put_links(graph, nodes, links, ids, back=True)
    for k, after in enumerate(backward.after, start=1):
        _put_after(graph, after, f"after {k}", asked)
    return ids


def _members(node: RoleNode, by_name: Mapping[str, Tensor]) -> Iterator[Tensor]:
    """All that a role stands for, the copies that a window has of it too."""
    for item in node.items.values():
        for name in item.nodes:
            yield by_name[name]


def _put_in_one_row(graph: Digraph, *names: str) -> None:
    with graph.subgraph() as row:
        row.attr(rank="same")
        for name in names:
            row.node(name)


def _label(node: RoleNode, visited: list[Tensor], backward: Backward) -> str:
    """What the adjoint of a role is called."""
    item = node.first
    if not item.names:
        return ""
    if item.time is not None:
        is_seed = any(map(backward.is_seed, visited))
        name = backward.name(node.name)
        names = [f"{name} = 1" if is_seed else name]
    elif len(item.names) > 1:
        names = lines(replace(item, title=backward.name("")))
    else:
        names = [backward.title(visited[0])]
    return style.label(*names, size=FONT_POINTS, note=node.copies)


def _looks(node: RoleNode, visited: list[Tensor], backward: Backward) -> Looks:
    if not node.first.names:
        tip = style.tooltip(backward.tip(visited[-1]))
        looks = {"shape": "circle", "class": "operation adjoint rule", "tooltip": tip}
    else:
        tip = style.tooltip("; ".join(backward.describe(n) for n in visited[:3]))
        looks = {"shape": "box", "class": "variable adjoint", "tooltip": tip}
    return looks | {"fillcolor": style.ADJOINT}


def _put_after(graph: Digraph, after: After, name: str, asked: list[str]) -> None:
    """Draw what is made of the gradients, below them."""
    label = style.label(*after.rows, size=SMALL_POINTS)
    graph.node(name, label, **after.looks)
    for gradient in asked:
        graph.edge(name, gradient, **BACK)
