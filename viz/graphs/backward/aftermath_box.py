"""The boxes of what is made of the gradients, above these."""

from __future__ import annotations

from graphviz import Digraph

from minigrad.viz import style
from minigrad.viz.graphs.canvas import TEXT_POINTS, Point, pin

from .aftermath import After

# Around the text, and between two boxes.
PADDING_POINTS = 10.0
LINE_HEIGHT = 1.3


def put_afters(picture: Digraph, afters: list[After], ends: Point, y: float) -> None:
    """A box for what is made of the gradients, around the middle between two x, at that height."""
    left, right = ends
    for k, after in enumerate(afters, start=1):
        tall = LINE_HEIGHT * TEXT_POINTS * len(after.rows) + PADDING_POINTS
        wide = max(style.width(row, TEXT_POINTS, style.SANS) for row in after.rows)
        size = wide + PADDING_POINTS, tall
        looks = {
            "shape": "box",
            "style": "rounded,filled",
            "fillcolor": style.ADJOINT,
            "fontname": style.SANS,
            "label": style.label(*after.rows, size=TEXT_POINTS),
            "class": "rule gate clipped" if after.clips else "rule adjoint",
            "tooltip": style.tooltip(after.tip),
            "fontcolor": style.GATE if after.clips else "black",
        }
        pin(picture, f"after {k}", ((left + right) / 2, y + tall / 2), size, **looks)
        y += tall + PADDING_POINTS
