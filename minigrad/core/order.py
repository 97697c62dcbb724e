"""The walks over a graph, each in one place: behind, dependents, leading_to, reached. Linear, without recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from minigrad.ops import OPS

from .tensor import Tensor


def behind(
    outputs: Iterable[Tensor], ends: Callable[[Tensor], bool] | None = None
) -> tuple[Tensor, ...]:
    """The outputs and what they depend on; what lies behind ``ends`` is not looked at. Linear, without recursion."""
    stack = list(outputs)
    found = set(stack)
    while stack:
        n = stack.pop()
        if ends is not None and ends(n):
            continue
        for x in n.inputs:
            if x not in found:
                found.add(x)
                stack.append(x)
    order = sorted(found, key=attrgetter("born"))  # inputs before their readers
    order.sort(
        key=attrgetter("serial")
    )  # stable: gates and copies stand where their reader or original stood
    return tuple(order)


def dependents(nodes: Iterable[Tensor], sources: Iterable[Tensor]) -> set[Tensor]:
    """The sources and all of ``nodes``, given in the order of execution, that are computed from them."""
    depending = set(sources)
    for n in nodes:
        if any(x in depending for x in n.inputs):
            depending.add(n)
    return depending


def leading_to(nodes: Iterable[Tensor], targets: Iterable[Tensor]) -> set[Tensor]:
    """The targets and the nodes from which backward reaches one of them."""
    on_path = set(targets)
    for n in nodes:
        if n.requires_grad and any(x in on_path for x in n.inputs):
            on_path.add(n)
    return on_path


def reached(nodes: Sequence[Tensor], outputs: Iterable[Tensor]) -> set[Tensor]:
    """The nodes that backward reaches from the outputs: through no rule that sends nothing."""
    reached_nodes = {o for o in outputs if o.requires_grad}
    for n in reversed(nodes):
        if n in reached_nodes and n.fn is not None:
            passes = OPS[n.fn].passes
            sent_to = [x for slot, x in enumerate(n.inputs) if x.requires_grad and passes(slot)]
            reached_nodes.update(sent_to)
    return reached_nodes
