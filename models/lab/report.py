"""One page about one gradient: its verdict, heat maps, Jacobians and tables, for a handout or a bug report."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape, Tensor
from minigrad.companions import companion
from minigrad.errors import ArgumentError, MinigradError
from minigrad.files import write_atomically

from . import page as html
from .anatomy import Anatomy, anatomy, steps_of
from .jacobians import Jacobians, jacobians, verdict
from .recurrence import Recurrence
from .strategy import Strategy
from .totals import totals

TABLE_ROWS = 40  # of steps; more are thinned out
FORWARD = 4_000_000  # numbers in dh_t/dW above which the forward accumulation is left out


def report(
    tape: Tape,
    path: str | os.PathLike[str],
    wrt: Tensor | None = None,
    *,
    strategies: Sequence[str] | None = None,
    example: int | None = None,
    axis: int = 0,
    seed: int = 0,
    title: str = "Anatomy of a gradient",
    about: Mapping[str, Any] | None = None,
    on_step: Callable[[], Any] = lambda: None,
) -> Path:
    """Write the page about the gradient of the tape's loss with respect to wrt, by default a recurrent weight.

    ``strategies`` are compared with full backpropagation (names as Strategy.of reads them; random ones draw from
    ``seed``); ``about`` is shown beside the versions; ``example`` and ``axis`` are as ``jacobians`` has them.
    ``on_step`` is called after each of the ``pieces(tape)`` pieces of work. The file is there when it is complete.
    Raises ArgumentError for a tape without time steps, or where matplotlib is missing.
    """
    data = build(tape, wrt, strategies, example, axis, seed, title, about or {}, on_step)
    return write_atomically(path, data)


def pieces(tape: Tape, strategies: Sequence[str] | None = None) -> int:
    """How often ``report`` calls on_step, at most."""
    T = len(steps_of(tape))
    return T * (2 + len(usual(T) if strategies is None else strategies))


def usual(steps: int) -> list[str]:
    """The strategies that are compared unless others are named: they see about a quarter of the steps."""
    k = max(1, steps // 4)
    return [f"every={k}", f"window={k}", f"random={1 - 1 / max(k, 2):.2g}"]


def build(
    tape: Tape,
    wrt: Tensor | None,
    strategies: Sequence[str] | None,
    example: int | None,
    axis: int,
    seed: int,
    title: str,
    about: Mapping[str, Any],
    on_step: Callable[[], Any],
) -> bytes:
    """The page."""
    steps, plot = steps_of(tape), companion("minigrad.viz.plots.axes")
    plot.figure(1, 1)  # better now than after the work
    gradients = dict(zip(tape.parameters, mg.grad(tape.outputs[0], tape.parameters), strict=True))
    W = recurrent_weight(tape, gradients) if wrt is None else wrt
    names = usual(len(steps)) if strategies is None else strategies
    rng = np.random.default_rng(seed)
    tapes = {"full": tape, **{name: Strategy.of(name).rewrite(tape, rng) for name in names}}
    found = {name: anatomy(t, W, norms_only=True, on_term=on_step) for name, t in tapes.items()}
    full = found["full"]
    try:
        square = W if W.ndim == 2 and W.shape[0] == W.shape[1] and _is_tanh(tape, W) else None
        j, why = jacobians(tape, example, axis, square, on_step=on_step), ""
    except MinigradError as error:
        j, why = None, error.text
    heat = companion("minigrad.viz.plots.anatomy")
    chart = heat.heatmaps({name: a.norms for name, a in found.items()}, steps, full.label)
    return html.page(
        title,
        [
            html.paragraph(
                f"The gradient {verdict(j, full)}." if j else f"dL/d{full.label}. {why}", "verdict"
            ),
            _about(tape, about, seed),
            html.heading(f"Where dL/d{full.label} comes from"),
            html.paragraph(
                "G[t, i] is the part of the gradient of loss term t that passes through the weight's use at step i "
                "(equation 9.7.7, one term per cell). The rows, the columns and all cells add up to the gradient."
            ),
            html.picture(
                plot.inline(chart),
                f"Norms |G[t, i]| on one logarithmic scale, {len(steps)} time steps. Grey: "
                "full backpropagation sends something here, and this strategy sends exactly nothing.",
            ),
            _compared(found),
            html.heading("What a shorter window loses"),
            html.picture(
                plot.inline(heat.lags(full.lost, full.label)),
                "The relative error of truncate(window=w), in "
                "which every loss term sees the w + 1 steps up to its own.",
            ),
            _windows(full),
            *_jacobians(j, why, plot),
            *_totals(tape, W),
            html.heading("The gradient of every parameter"),
            html.table(
                ["parameter", "shape", "norm", "largest element"],
                [
                    (
                        p.label,
                        str(p.shape),
                        float(np.linalg.norm(g.data)),
                        float(np.max(np.abs(g.data), initial=0)),
                    )
                    for p, g in gradients.items()
                ],
            ),
        ],
    )


def recurrent_weight(tape: Tape, gradients: Mapping[Tensor, Tensor]) -> Tensor:
    """Of the parameters that meet the carried state in a product the one with the largest gradient; else of all."""
    states = {e.source for e in tape.recurrent_edges()}
    meets = {
        x
        for n in tape.nodes
        if n.fn is np.matmul and any(s in states for s in n.inputs)
        for x in n.inputs
        if tape.times[n] is not None
    }
    sized = sorted(gradients, key=lambda p: -float(np.linalg.norm(gradients[p].data)))
    if not sized:
        raise ArgumentError(
            "report", got="a tape without parameters", expected="expected one that needs a gradient"
        )
    carried = [p for p in sized if p in meets and len(_uses(tape, p)) > 1]
    return next(iter(carried or sized))


def _uses(tape: Tape, W: Tensor) -> set[int | None]:
    return {tape.times[n] for n in tape.nodes if any(x is W for x in n.inputs)}


def _is_tanh(tape: Tape, W: Tensor) -> bool:
    """Whether the state is tanh of something linear in W, or linear itself: then max|phi'| is 1."""
    states = [x for xs in Recurrence.of(tape).states.values() for x in xs]
    bodies = {x.inputs[0] if x.fn is np.tanh else x for x in states}
    linear = (np.add, np.matmul)
    for _ in range(8):
        bodies = {y for x in bodies for y in (x.inputs if x.fn is np.add else (x,))}
    reads = [x for x in bodies if x.fn in linear and any(y is W for y in x.inputs)]
    return len(reads) == len(states) and all(x.fn in linear or x.fn is None for x in bodies)


def _about(tape: Tape, about: Mapping[str, Any], seed: int) -> str:
    loss = tape.outputs[0]
    rows = {
        **about,
        "loss": f"{loss.label} = {loss.item():.6g}",
        "tape": f"{len(tape.nodes):,} nodes, {len(tape.parameters)} parameters, {len(steps_of(tape))} time steps",
        "seed": seed,
        "made with": f"minigrad {mg.__version__}, NumPy {np.__version__}, Python {platform.python_version()}",
    }
    return html.table([], rows.items(), "about")


def _compared(found: Mapping[str, Anatomy]) -> str:
    exact = found["full"].total
    length = np.linalg.norm(exact) or 1.0
    rows = []
    for name, a in found.items():
        g, cells = a.total, np.count_nonzero(a.norms)
        cosine = float(np.sum(g * exact) / (length * (np.linalg.norm(g) or 1.0)))
        off = float(np.linalg.norm(g - exact) / length)
        rows.append((name, float(np.linalg.norm(g)), f"{off:.2%}", cosine, f"{cells:,}"))
    return html.table(["strategy", "|gradient|", "off by", "cosine", "cells that are not 0"], rows)


def _windows(a: Anatomy) -> str:
    T = len(a.steps)
    seen = sorted(
        {k for k in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512) if k < T} | {T}
    )
    rows = [(k, f"truncate(tape, window={k - 1})", f"{100 * a.lost[k - 1]:.3g}%") for k in seen]
    return html.table(["steps seen", "transform", "relative error"], rows)


def _jacobians(j: Jacobians | None, why: str, plot: Any) -> list[str]:
    if j is None:
        return [html.heading("Jacobians of the recurrence"), html.paragraph(f"Not shown: {why}")]
    chart = companion("minigrad.viz.plots.jacobians").jacobians(j)
    lags = [k for k in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512) if k <= len(j.products)]
    head = [
        "lag",
        "largest singular value of the product",
        "product of the largest",
        "Pascanu's bound",
    ]
    rows = [
        (
            k,
            float(j.products[k - 1, 0]),
            float(j.local[k - 1]),
            "" if j.pascanu is None else float(j.pascanu[k - 1]),
        )
        for k in lags
    ]
    return [
        html.heading("Jacobians of the recurrence"),
        html.paragraph(
            f"Per step back the largest singular value changes by a factor of {j.factor:.4g} on average."
        ),
        html.picture(
            plot.inline(chart),
            "The state is everything that a step hands to the next. Left: singular values"
            " of each step's Jacobian. Middle: those of the products over lags, under their bounds. Right: "
            "the norm of the gradient that arrives at each state.",
        ),
        html.table(
            head if j.pascanu is not None else head[:3],
            [r if j.pascanu is not None else r[:3] for r in rows],
        ),
    ]


def _totals(tape: Tape, W: Tensor) -> list[str]:
    title = html.heading("Immediate and total derivative")
    try:
        state = sum(x.size for x in next(iter(Recurrence.of(tape).states.values())))
        if state * W.size > FORWARD:
            return [
                title,
                html.paragraph(
                    f"Not shown: dh_t/d{W.label} would hold {state * W.size:,} numbers."
                ),
            ]
        rows = totals(tape, W)
    except MinigradError as error:
        return [title, html.paragraph(f"Not shown: {error.text}")]
    shown = companion("minigrad.viz.plots.axes").few(rows, TABLE_ROWS)
    head = [
        "t",
        "|immediate|",
        "|total|",
        "|dL_t/dW| forward",
        "|dL_t/dW| reverse",
        "largest difference",
    ]
    return [
        title,
        html.paragraph(
            f"The immediate derivative of h_t with respect to {W.label} holds h_{{t-1}} fixed; the total one adds what "
            "came through it (9.7.4). Accumulated forward over the steps it gives each loss term's gradient, and the "
            "sum of the row G[t, :], taken backward (9.7.16), gives the same."
        ),
        html.table(
            head,
            [
                (
                    r.t,
                    r.immediate,
                    r.total,
                    float(np.linalg.norm(r.forward)),
                    float(np.linalg.norm(r.reverse)),
                    f"{r.difference:.1e}",
                )
                for r in (rows[k] for k in shown)
            ],
        ),
    ]
