"""One page about one gradient, from what was measured: verdict, heat maps, Jacobians and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.viz.plots import anatomy as heat
from minigrad.viz.plots.axes import few
from minigrad.viz.plots.jacobians import jacobians as jacobians_plot
from minigrad.viz.plots.vector import svg_text

from . import html

# of steps; more are thinned out
MAX_TABLE_ROWS = 40
WINDOWS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512)
LAGS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True)
class Findings:
    """What the page shows; the records are those of ``minigrad.models``.

    ``anatomies`` holds one per strategy, "full" among them; ``jacobians`` and ``totals`` may be
    missing, and then ``no_jacobians`` and ``no_totals`` say why.
    """

    title: str
    verdict: str
    about: Mapping[str, Any]
    steps: Sequence[int]
    anatomies: Mapping[str, Any]
    jacobians: Any
    no_jacobians: str
    totals: Sequence[Any]
    no_totals: str
    # rows (parameter, shape, norm, largest element)
    gradients: Sequence[tuple[str, str, float, float]]


def gradient_page(findings: Findings) -> bytes:
    """The page, as the bytes of an HTML file that loads nothing."""
    parts = [
        html.paragraph(findings.verdict, "verdict"),
        html.table([], findings.about.items(), "about"),
        *_origin(findings),
        *_windows(findings.anatomies["full"]),
        *_jacobians(findings),
        *_totals(findings),
        *_gradients(findings),
    ]
    return html.document(findings.title, parts)


def _origin(findings: Findings) -> list[str]:
    """The heat maps, and the strategies beside each other."""
    label = findings.anatomies["full"].label
    panels = {name: a.norms for name, a in findings.anatomies.items()}
    chart = heat.heatmaps(panels, findings.steps, label)
    meaning = (
        "G[t, i] is the part of the gradient of loss term t that passes through the weight's use "
        "at step i (equation 9.7.7, one term per cell). The rows, the columns and all cells add up "
        "to the gradient."
    )
    caption = (
        f"Norms |G[t, i]| on one logarithmic scale, {len(findings.steps)} time steps. Grey: full "
        "backpropagation sends something here, and this strategy sends exactly nothing."
    )
    return [
        html.heading(f"Where dL/d{label} comes from"),
        html.paragraph(meaning),
        html.picture(svg_text(chart), caption),
        _compared(findings.anatomies),
    ]


def _compared(anatomies: Mapping[str, Any]) -> str:
    """The gradient of each strategy beside the exact one."""
    exact = anatomies["full"].total
    exact_norm = np.linalg.norm(exact) or 1.0
    rows = []
    for name, anatomy in anatomies.items():
        gradient = anatomy.total
        norm = np.linalg.norm(gradient)
        cosine = float(np.sum(gradient * exact) / (exact_norm * (norm or 1.0)))
        error = float(np.linalg.norm(gradient - exact) / exact_norm)
        cells = np.count_nonzero(anatomy.norms)
        rows.append((name, float(norm), f"{error:.2%}", cosine, f"{cells:,}"))
    head = ["strategy", "|gradient|", "off by", "cosine", "cells that are not 0"]
    return html.table(head, rows)


def _windows(full: Any) -> list[str]:
    """What truncate(window=w) loses."""
    chart = heat.lags(full.lost, full.label)
    caption = (
        "The relative error of truncate(window=w), in which every loss term sees the w + 1 steps "
        "up to its own."
    )
    T = len(full.steps)
    seen = sorted({k for k in WINDOWS if k < T} | {T})
    rows = [(k, f"truncate(tape, window={k - 1})", f"{100 * full.lost[k - 1]:.3g}%") for k in seen]
    return [
        html.heading("What a shorter window loses"),
        html.picture(svg_text(chart), caption),
        html.table(["steps seen", "transform", "relative error"], rows),
    ]


def _jacobians(findings: Findings) -> list[str]:
    """The Jacobians of the recurrence, or why they are not shown."""
    title = html.heading("Jacobians of the recurrence")
    record = findings.jacobians
    if record is None:
        return [title, html.paragraph(f"Not shown: {findings.no_jacobians}")]
    factor = (
        "Per step back the largest singular value changes by a factor of "
        f"{record.factor:.4g} on average."
    )
    caption = (
        "The state is everything that a step hands to the next. Left: singular values of each "
        "step's Jacobian. Middle: those of the products over lags, under their bounds. Right: the "
        "norm of the gradient that arrives at each state."
    )
    return [
        title,
        html.paragraph(factor),
        html.picture(svg_text(jacobians_plot(record)), caption),
        _lags(record),
    ]


def _lags(record: Any) -> str:
    """The products of the Jacobians and their bounds, lag by lag."""
    head = ["lag", "largest singular value of the product", "product of the largest"]
    rows: list[list[Any]] = []
    for lag in LAGS:
        if lag <= len(record.products):
            largest = float(record.products[lag - 1, 0])
            rows.append([lag, largest, float(record.local[lag - 1])])
    if record.pascanu is not None:
        head.append("Pascanu's bound")
        for row in rows:
            row.append(float(record.pascanu[row[0] - 1]))
    return html.table(head, rows)


def _totals(findings: Findings) -> list[str]:
    """Equation 9.7.4 beside 9.7.16, or why they are not shown."""
    title = html.heading("Immediate and total derivative")
    if findings.no_totals:
        return [title, html.paragraph(f"Not shown: {findings.no_totals}")]
    label = findings.anatomies["full"].label
    meaning = (
        f"The immediate derivative of h_t with respect to {label} holds h_{{t-1}} fixed; the total "
        "one adds what came through it (9.7.4). Accumulated forward over the steps it gives each "
        "loss term's gradient, and the sum of the row G[t, :], taken backward (9.7.16), gives the "
        "same."
    )
    head = [
        "t",
        "|immediate|",
        "|total|",
        "|dL_t/dW| forward",
        "|dL_t/dW| reverse",
        "largest difference",
    ]
    rows = []
    for k in few(findings.totals, MAX_TABLE_ROWS):
        r = findings.totals[k]
        forward = float(np.linalg.norm(r.forward))
        reverse = float(np.linalg.norm(r.reverse))
        rows.append((r.t, r.immediate, r.total, forward, reverse, f"{r.difference:.1e}"))
    return [title, html.paragraph(meaning), html.table(head, rows)]


def _gradients(findings: Findings) -> list[str]:
    """A line per parameter."""
    head = ["parameter", "shape", "norm", "largest element"]
    return [
        html.heading("The gradient of every parameter"),
        html.table(head, findings.gradients),
    ]
