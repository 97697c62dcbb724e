"""A graph for Graphviz that a notebook shows as ``viz.svg`` draws it, by pygraphviz too."""

from __future__ import annotations

from typing import Any

from graphviz import Digraph

from minigrad.internal import notebook_bundle


class Picture(Digraph):  # type: ignore[misc]
    """A graph that shows itself in notebooks; its text is DOT."""

    def __repr__(self) -> str:
        return f"Picture({self.name!r})"

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, str]:
        return notebook_bundle("picture", self, repr(self))
