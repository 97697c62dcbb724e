"""Looking on at backward passes: what to call when a node's adjoint is complete."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from minigrad.core.scope import watch
from minigrad.errors import GradientError
from minigrad.scoping import Scope

if TYPE_CHECKING:
    from minigrad.core.tape import Tape
    from minigrad.core.tensor import Array, Tensor


class Watch(Scope):
    """Calls ``look(tape, node, g)`` at chosen nodes of every backward pass, until it is removed.

    A debugger stops where the look says so.

    A with statement removes it at its end. It holds in this thread or asyncio task. A pass asks
    once which nodes are meant; without a Watch, nothing.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> watch = mg.on_backward("y", print)
    >>> ((x * 2).named("y") * 5).backward()
    5.0
    >>> watch.remove()
    >>> watch
    Watch('y', removed)
    """

    variable = watch

    def __init__(
        self,
        title: str,
        chosen: Callable[[Tape], Collection[Tensor]],
        look: Callable[[Tape, Tensor, Any], object],
    ) -> None:
        super().__init__()
        self.title = title
        self.chosen = chosen
        self.look = look
        super().__enter__()

    def remove(self) -> None:
        """Look no more."""
        self.close()

    def __enter__(self) -> Watch:
        return self

    def __repr__(self) -> str:
        state = "on" if self.is_open else "removed"
        return f"Watch({self.title}, {state})"


def meant(tape: Tape, target: str | Callable[[Tensor], object]) -> list[Tensor]:
    """The nodes of that name, or those for which a predicate holds."""
    if isinstance(target, str):
        # all that bear it: a truncated tape may hold several versions of h_2
        return [n for n, name in tape.names.items() if target in (n.name, name)]
    return [n for n in tape.nodes if target(n)]


def watched(
    target: str | Callable[[Tensor], object], fn: Callable[[Array | Tensor], object]
) -> Watch:
    """Call fn(g) when the adjoint g of a node that is meant is complete."""

    def look(tape: Tape, node: Tensor, g: Any) -> None:
        if fn(g) is not None:
            raise GradientError(
                f"on_backward at '{tape.names[node]}'",
                got="the function returned something",
                expected="one that only looks returns None",
                remedy="To change a gradient write h = mg.on_backward(h, fn) in the forward pass",
            )

    title = repr(target)
    if not isinstance(target, str):
        title = getattr(target, "__name__", "predicate")
    return Watch(title, lambda tape: meant(tape, target), look)
