"""The walk that everything else begins with: what a value depends on, in the order of execution."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter

from .tensor import Tensor


def behind(outputs: Iterable[Tensor], ends: Callable[[Tensor], bool] | None = None) -> tuple[Tensor, ...]:
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
    order.sort(key=attrgetter("serial"))  # stable: gates and copies stand where their reader or original stood
    return tuple(order)
