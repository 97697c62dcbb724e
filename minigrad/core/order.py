"""The walks over a graph, each in one place.

Linear, without recursion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from minigrad.ops import OPS

from .tensor import Tensor


def behind(
    outputs: Iterable[Tensor], ends: Callable[[Tensor], bool] | None = None
) -> tuple[Tensor, ...]:
    """The outputs and what they depend on, in the order of execution, up to ``ends``."""
    waiting = list(outputs)
    nodes = set(waiting)
    while waiting:
        node = waiting.pop()
        if ends is not None and ends(node):
            continue
        for x in node.inputs:
            if x not in nodes:
                nodes.add(x)
                waiting.append(x)
    return _in_order(nodes)


def _in_order(nodes: set[Tensor]) -> tuple[Tensor, ...]:
    """In the order of execution."""
    # inputs before their readers; then, the sort being stable, gates and copies where their reader
    # or original stood
    order = sorted(nodes, key=attrgetter("born"))
    order.sort(key=attrgetter("serial"))
    return tuple(order)


def carrying(output: Tensor, oldest: int = -1) -> tuple[Tensor, ...]:
    """The nodes to which backward can send something, none older than that serial."""
    waiting = [output]
    nodes = {output}
    while waiting:
        for x in waiting.pop().inputs:
            if x.requires_grad and x.serial >= oldest and x not in nodes:
                nodes.add(x)
                waiting.append(x)
    return _in_order(nodes)


def dependents(nodes: Iterable[Tensor], sources: Iterable[Tensor]) -> set[Tensor]:
    """The sources and all of ``nodes``, in the order of execution, that are computed from them."""
    depending = set(sources)
    for node in nodes:
        if any(x in depending for x in node.inputs):
            depending.add(node)
    return depending


def leading_to(nodes: Iterable[Tensor], targets: Iterable[Tensor]) -> set[Tensor]:
    """The targets and the nodes, in the order of execution, from which backward reaches one."""
    on_path = set(targets)
    for node in nodes:
        if node.requires_grad and any(x in on_path for x in node.inputs):
            on_path.add(node)
    return on_path


def reached(nodes: Sequence[Tensor], outputs: Iterable[Tensor]) -> set[Tensor]:
    """The nodes that backward reaches from the outputs: through no rule that sends nothing."""
    reached_nodes = {o for o in outputs if o.requires_grad}
    for node in reversed(nodes):
        if node.fn is None or node not in reached_nodes:
            continue
        passes = OPS[node.fn].passes
        for slot, x in enumerate(node.inputs):
            if x.requires_grad and passes(slot):
                reached_nodes.add(x)
    return reached_nodes
