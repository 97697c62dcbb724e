"""How a pass makes a new graph: by a rule for every node, or with nodes in the stead of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from minigrad.compiler.graph import Graph, Node, append, needed


def rewrite_nodes(graph: Graph, rule: Callable[[Node], Node]) -> Graph:
    """Apply a rule to every node, its operands rewritten already; drop what nobody needs now."""
    new: dict[Node, Node] = {}
    order: dict[Node, None] = {}
    for n in graph.nodes:
        new[n] = rule(n.with_inputs(tuple([new[x] for x in n.inputs])))
        append(order, new[n])
    return needed(order, tuple([new[o] for o in graph.outputs]))


def replace_nodes(graph: Graph, new: Iterable[Node], instead: dict[Node, Node]) -> Graph:
    """The graph with nodes in the stead of others, in an order that suits them.

    new: nodes that are not in the graph, whose operands may be any, also replaced ones. instead:
    what is to be read for a node.
    """
    copies: dict[Node, Node] = {}
    stack = [*graph.nodes, *new]
    while stack:
        n = stack.pop()
        if n not in copies:
            # its operands may have no copy yet
            copies[n] = n.with_inputs(())
            stack += [x for x in n.inputs if x not in copies]
    for n, copy in copies.items():
        if n.inputs:
            copy.inputs = tuple([copies[instead.get(x, x)] for x in n.inputs])
    return Graph.of(tuple([copies[instead.get(o, o)] for o in graph.outputs]))
