"""Looking on at backward passes: what to call when a node's adjoint is complete."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from types import TracebackType
from typing import Any

from minigrad.errors import GradientError

from .scope import watch


class Watch:
    """Calls ``look(tape, swept)`` at chosen nodes of every backward pass, until removed or its with ends.

    Holds in this thread or asyncio task. A pass asks once which nodes are meant; without a Watch, nothing.
    """

    def __init__(
        self, title: str, chosen: Callable[[Any], Collection[Any]], look: Callable[[Any, Any], None]
    ) -> None:
        self.title, self.chosen, self.look = title, chosen, look
        watch.set((*watch.get(), self))

    def __call__(self, tape: Any, sweeping: Iterator[Any]) -> Iterator[Any]:
        """The same sweep, looked at."""
        nodes = set(self.chosen(tape))
        return self._looking(tape, sweeping, nodes) if nodes else sweeping

    def _looking(self, tape: Any, sweeping: Iterator[Any], nodes: set[Any]) -> Iterator[Any]:
        for swept in sweeping:
            if swept[0] in nodes:
                self.look(tape, swept)
            yield swept

    def remove(self) -> None:
        """Look no more."""
        watch.set(tuple(w for w in watch.get() if w is not self))

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"Watch({self.title}, {'on' if self in watch.get() else 'removed'})"


def watched(target: str | Callable[[Any], Any], fn: Callable[[Any], Any]) -> Watch:
    """Call fn(g) at the nodes of that name, or of which the predicate holds, when their adjoint g is complete."""

    def chosen(tape: Any) -> list[Any]:
        if isinstance(
            target, str
        ):  # all that bear it: a truncated tape may hold several versions of h_2
            return [n for n, name in tape.names.items() if target in (n.name, name)]
        return [n for n in tape.nodes if target(n)]

    def look(tape: Any, swept: Any) -> None:
        if fn(swept[1]) is not None:
            remedy = "To change a gradient write h = mg.on_backward(h, fn) in the forward pass"
            raise GradientError(
                f"on_backward at '{tape.names[swept[0]]}'",
                got="the function returned something",
                expected="one that only looks returns None",
                remedy=remedy,
            )

    return Watch(
        repr(target) if isinstance(target, str) else getattr(target, "__name__", "predicate"),
        chosen,
        look,
    )
