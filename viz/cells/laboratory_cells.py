"""What a notebook shows of the laboratory's records: an anatomy, the Jacobians."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.viz.plots import anatomy as heat
from minigrad.viz.plots.axes import few
from minigrad.viz.plots.jacobians import jacobians as jacobians_plot
from minigrad.viz.plots.vector import svg_text

from .cell import counted, fold, heading, picture, picture_if_made, table

MAX_TABLE_ROWS = 20


def anatomy(value: Any, text: str) -> Iterator[str]:
    """Where the gradient comes from, as a heat map; what a shorter window loses, as a table."""
    norm = float(np.linalg.norm(value.total))
    steps = counted(len(value.steps), "time step")
    yield heading(f"Anatomy of dL/d{value.label}", steps, f"|gradient| {norm:.4g}")
    panels = {"|G[t, i]|": value.norms}
    yield picture_if_made(lambda: svg_text(heat.heatmaps(panels, value.steps, value.label)))
    rows = []
    for k in few(value.lost, MAX_TABLE_ROWS):
        share = value.lost[k]
        rows.append((k + 1, f"{100 * share:.3g}%"))
    head = ["steps seen", "relative error"]
    yield fold("what a shorter window loses", table(head, rows))


def jacobians(value: Any, text: str) -> Iterator[str]:
    """Three plots, and the largest singular values."""
    steps = counted(len(value.steps), "time step")
    state = f"a state of {counted(value.J.shape[-1], 'number')}"
    yield heading("Jacobians", steps, state, f"a factor of {value.factor:.4g} per step back")
    yield picture_if_made(lambda: svg_text(jacobians_plot(value)))
    rows = []
    for k in few(value.products, MAX_TABLE_ROWS):
        largest = float(value.products[k, 0])
        product = float(value.local[k])
        rows.append((k + 1, largest, product))
    head = ["lag", "largest singular value of the product", "product of the largest"]
    yield fold("lag by lag", table(head, rows))


def plot(figure: Any, text: str) -> Iterator[str]:
    """A figure."""
    yield picture(svg_text(figure))
