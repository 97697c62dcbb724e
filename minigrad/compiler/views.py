"""Nodes that only look at the memory of their operand, some of them through an index."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.ops.indexing import getitem

from .graph import Graph, Node
from .traits import VIEWS


def is_view(node: Node) -> bool:
    """Whether the node only looks at its operand's memory."""
    if node.fn in VIEWS:
        return True
    if node.fn is not getitem or len(node.inputs) > 1:
        return False
    return all(_is_basic(entry) for entry in node.kwargs["index"])


def _is_basic(entry: Any) -> bool:
    """Whether NumPy looks through an entry of an index rather than copies."""
    if entry is None or entry is Ellipsis:
        return True
    # a truth value is an int too, and copies
    return type(entry) in (int, slice) or isinstance(entry, np.integer)


def root_of(node: Node) -> Node:
    """The node whose memory a node looks at: itself, but for views."""
    while is_view(node):
        node = node.inputs[0]
    return node


def roots(graph: Graph) -> dict[Node, Node]:
    """``root_of`` for every node of a graph. Cost: linear."""
    root: dict[Node, Node] = {}
    for n in graph.nodes:
        if is_view(n):
            root[n] = root[n.inputs[0]]
        else:
            root[n] = n
    return root


def index_entries(index: tuple[Any, ...], ndim: int) -> list[Any]:
    """An index of ints, slices and None with an entry for each of ndim axes, and no Ellipsis."""
    entries = list(index)
    named = [i for i in index if i is not None and i is not Ellipsis]
    unnamed = [slice(None)] * (ndim - len(named))
    position = entries.index(Ellipsis) if Ellipsis in entries else len(entries)
    entries[position : position + 1] = unnamed
    return entries
