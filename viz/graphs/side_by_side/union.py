"""What several graphs of variables have together: boxes alike, and the union of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from minigrad import Tape
from minigrad.viz.graphs.variables.variable_model import (
    Arrow,
    Item,
    Key,
    VariableGraph,
    variable_graph,
)

Boxes = Mapping[str, Key]
"""Of each leaf the box that it is in."""


def graphs_alike(tapes: list[Tape]) -> list[VariableGraph]:
    """The graph of each tape; leaves share a box where they do in all of them."""
    graphs = [variable_graph(tape) for tape in tapes]
    boxes = [_boxes(graph) for graph in graphs]
    if all(each == boxes[0] for each in boxes):
        return graphs
    sharing = {}
    for name in dict.fromkeys(chain.from_iterable(boxes)):
        sharing[name] = tuple(box.get(name) for box in boxes)
    return [variable_graph(tape, sharing) for tape in tapes]


def _boxes(graph: VariableGraph) -> Boxes:
    """The boxes of the leaves of one graph."""
    keys: dict[str, Key] = {}
    for i in graph.items:
        if i.leaf:
            keys |= dict.fromkeys(i.names, i.key)
    return keys


def union_of(graphs: list[VariableGraph]) -> VariableGraph:
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
