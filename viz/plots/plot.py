"""A figure that a notebook shows, whether pyplot was imported there or not."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from minigrad.internal import notebook_bundle


class Plot(Figure):
    """A matplotlib Figure that shows itself in notebooks."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return notebook_bundle("plot", self, repr(self))
