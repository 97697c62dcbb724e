"""A graph for Graphviz that a notebook shows as ``viz.svg`` draws it, by pygraphviz too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from graphviz import Digraph

from minigrad import Tape, Tensor
from minigrad.internal import notebook_bundle


class Shown(NamedTuple):
    """A tape, and the tensors that each node of a picture stands for.

    mirrored: the nodes that stand for the adjoints of these; arrows between them go back.
    """

    tape: Tape
    members: dict[str, list[Tensor]]
    mirrored: frozenset[str] = frozenset()


class Picture(Digraph):  # type: ignore[misc]
    """A graph that shows itself in notebooks; its text is DOT.

    shown: the tapes that it shows. folds: of each node that opens, the name of the fold.
    rules: what the rules compute that a node stands for, as a page lists it.
    ``reopened`` draws it again with folds of these names open. looks: the style that was asked for.
    simpler: draws what is shown in place of it where Graphviz comes to no end.
    """

    shown: tuple[Shown, ...] = ()
    folds: Mapping[str, str] = {}
    looks: Mapping[str, Any] = {}
    simpler: Callable[[], Picture] | None = None
    rules: Mapping[str, Sequence[Any]] = {}
    reopened: Callable[[frozenset[str]], Picture] | None = None

    def opens(self, identifier: str, fold: str) -> None:
        """Say that a node stands for a fold of this name."""
        self.folds = {**self.folds, identifier: fold}

    def shows(
        self,
        tape: Tape,
        members: Mapping[str, Iterable[Tensor]],
        adjoints: Mapping[str, Iterable[Tensor]] | None = None,
    ) -> None:
        """Say which tensors of a tape the nodes with these identifiers stand for.

        adjoints: those of which others stand for the adjoints.
        """
        mirrored = adjoints or {}
        everything = {**members, **mirrored}
        listed = {name: list(tensors) for name, tensors in everything.items()}
        self.shown = (*self.shown, Shown(tape, listed, frozenset(mirrored)))

    def __repr__(self) -> str:
        return f"Picture({self.name!r})"

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, str]:
        return notebook_bundle("picture", self, repr(self))
