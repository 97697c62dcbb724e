"""What the values of a program are called."""

from __future__ import annotations

from minigrad.compiler.graph import Node
from minigrad.ops import op_name


def own_name(node: Node) -> str:
    """The name of a value for this node alone."""
    if not node.name:
        return "constant" if node.fn is None else op_name(node.fn)
    return node.name


def name_in_step(node: Node, instead: str = "_t") -> str:
    """The name for this node and those like it in other steps: ``h_t`` for h_3."""
    if node.time is not None and node.name:
        for ending in (f"_{node.time}", f"_{{{node.time}}}"):
            if ending in node.name:
                return node.name.replace(ending, instead, 1)
    return own_name(node) + instead


def name_of_rows(node: Node) -> str:
    """The name for what this node and those like it are rows of: ``h`` for h_3."""
    return name_in_step(node, instead="")
