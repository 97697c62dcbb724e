"""How a pass makes a new graph: by a rule for every node, or with nodes in the stead of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from minigrad.compiler.graph import Graph, Node, append, mapped, needed

Rule = Callable[[Node], Node]


def rewrite_nodes(graph: Graph, rule: Rule) -> Graph:
    """Apply a rule to every node, its operands rewritten already; drop what nobody needs now."""
    new: dict[Node, Node] = {}
    order: dict[Node, None] = {}
    for n in graph.nodes:
        operands = mapped(n.inputs, new)
        same = n.with_inputs(operands)
        new[n] = node = rule(same)
        if node is same:
            # its operands have their place already
            order[node] = None
        else:
            append(order, node)
    outputs = mapped(graph.outputs, new)
    return needed(order, outputs)


def replace_nodes(
    graph: Graph,
    new: Iterable[Node],
    instead: Mapping[Node, Node],
) -> Graph:
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
    read = dict(copies)
    for n, other in instead.items():
        read[n] = copies[other]
    for n, copy in copies.items():
        if n.inputs:
            copy.inputs = mapped(n.inputs, read)
    outputs = mapped(graph.outputs, read)
    return Graph.of(outputs)
