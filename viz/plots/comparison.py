"""Strategies compared: bias and spread of their gradients, training curves, experiments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .axes import COLORS, FAINT, color, figure, label_powers, look

Interval = Callable[[Any], tuple[float, float]]
"""Mean and half width of the 95 % interval of some numbers."""
# points of a curve with a logarithmic axis
MAX_POINTS = 400


def strategies(results: Sequence[Any], interval: Interval, loss: str = "loss") -> Any:
    """Each strategy's bias and spread, its training curve, and how far it is above full BPTT's.

    Records have name, draws, bias, bias_error, spread, updates and curves.
    """
    full = next((r for r in results if r.name.startswith("full")), results[0])
    with look():
        fig = figure(10.2, 0.2 * len(results) + 2.2)
        bars, curves, above = fig.subplots(1, 3, width_ratios=[1.05, 1, 1])
        _bars(bars, results)
        _curves(curves, results, loss, len(full.curves))
        _above(above, results, full, interval)
    return fig


def _bars(axes: Any, results: Sequence[Any]) -> None:
    """Bias and, where a strategy is random, the spread of its gradient."""
    top = max(max(r.bias, r.spread) for r in results) or 1.0
    for row, r in enumerate(results):
        random = r.draws > 1
        bias_row = row - 0.2 * random
        text = f"{r.bias:.2g} (by chance {r.bias_error:.2g})" if random else f"{r.bias:.2g}"
        axes.barh(bias_row, r.bias, 0.36, color=color(row))
        axes.text(r.bias + 0.02 * top, bias_row, text, va="center", fontsize=7)
        if random:
            text = f"spread {r.spread:.2g}"
            axes.barh(row + 0.2, r.spread, 0.36, color=color(row), alpha=0.35)
            axes.text(r.spread + 0.02 * top, row + 0.2, text, va="center", fontsize=7)
    axes.set_yticks(range(len(results)), [r.name for r in results])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set(
        xlabel="relative to |exact gradient|",
        title="Bias (full) and spread (pale)",
        xlim=(0, 1.5 * top),
    )


def _curves(axes: Any, results: Sequence[Any], loss: str, seeds: int) -> None:
    """The mean training curve of each strategy."""
    for k, r in enumerate(results):
        mean = np.mean(r.curves, axis=0)
        axes.plot(r.updates, mean, color=color(k), label=r.name)
    plural = "s" * (seeds > 1)
    axes.set(xlabel="updates", title=f"{loss}, mean of {seeds} seed{plural}")
    axes.legend()


def _above(axes: Any, results: Sequence[Any], full: Any, interval: Interval) -> None:
    """How far each curve lies above that of full backpropagation, seed by seed."""
    exact = np.array(full.curves)
    for k, r in enumerate(results):
        if r is full:
            continue
        differences = (np.array(r.curves) - exact).T
        intervals = [interval(list(at_update)) for at_update in differences]
        mean, half = np.array(intervals).T
        axes.plot(r.updates, mean, color=color(k), label=r.name)
        if np.isfinite(half).all():
            low, high = mean - half, mean + half
            axes.fill_between(
                r.updates,
                low,
                high,
                color=color(k),
                alpha=0.12,
                lw=0,
            )
    axes.set(xlabel="updates", title=f"above that of {full.name}, same seeds, 95%")
    axes.axhline(
        0,
        color=FAINT,
        lw=0.8,
        ls=":",
    )
    means = np.array([np.mean(np.array(r.curves) - exact, axis=0) for r in results])
    room = max(float(np.ptp(means)), 1e-6) * 0.4
    axes.set_ylim(means.min() - room, means.max() + room)


def balancing(runs: Sequence[Any], optimum: float) -> Any:
    """|theta - theta*| against the steps of data, for records with name, steps and theta."""
    families = [r.name.split(",")[0] for r in runs]
    names = list(dict.fromkeys(families))
    with look():
        fig = figure(6.8, 3.9)
        axes = fig.subplots()
        for k, (run, name) in enumerate(zip(runs, families, strict=True)):
            first = families.index(name) == k
            steps, distance = _thinned(run, optimum)
            axes.plot(
                steps,
                distance,
                color=color(names.index(name)),
                ls="--" if name.startswith("ARTBP") else "-",
                lw=1.1,
                label=name if first else None,
            )
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="steps of data",
            ylabel="|θ − θ*|",
            ylim=(1e-5, 1e3),
        )
        label_powers(axes.xaxis, axes.yaxis)
        axes.set_title("Influence balancing: short truncation goes the wrong way")
        axes.axhline(
            abs(0.5 - optimum),
            color=FAINT,
            lw=0.8,
            ls=":",
        )
        axes.legend(ncols=2, loc="lower left")
    return fig


def _thinned(run: Any, optimum: float) -> tuple[Any, Any]:
    """Steps and distances to the optimum, as evenly spread as the logarithmic axis."""
    steps = np.array(run.steps)
    distance = np.abs(np.array(run.theta) - optimum)
    positive = steps > 0
    kept = np.unique(np.geomspace(1, positive.sum(), MAX_POINTS).astype(int)) - 1
    return steps[positive][kept], np.maximum(distance[positive][kept], 1e-6)


def clipping(runs: Sequence[Any]) -> Any:
    """The loss and the norm of the gradient, for records name, losses, before, after (clipping)."""
    with look():
        fig = figure(9.6, 2.9)
        losses, norms = fig.subplots(1, 2)
        for r, shade in zip(runs, (COLORS[1], COLORS[0]), strict=True):
            losses.plot(
                r.losses,
                color=shade,
                label=r.name,
                lw=1,
            )
            norms.plot(
                r.before,
                color=shade,
                lw=0.8,
                alpha=0.8,
                label=f"{r.name}: before",
            )
            if r.after != r.before:
                norms.plot(
                    r.after,
                    color=COLORS[2],
                    lw=1.2,
                    label=f"{r.name}: after",
                )
        losses.set(xlabel="updates", title="Training loss (nats per character)")
        norms.set(
            xlabel="updates",
            yscale="log",
            title="Norm of the gradient",
        )
        label_powers(norms.yaxis)
        losses.legend()
        norms.legend()
    return fig


def memory(trials: Sequence[Any]) -> Any:
    """Losses relative to knowing nothing, a plot per task.

    Records have task, cell, strategy, baseline and losses.
    """
    tasks = list(dict.fromkeys(t.task for t in trials))
    with look():
        fig = figure(4.2 * len(tasks), 2.9)
        row = fig.subplots(1, len(tasks), squeeze=False)[0]
        for axes, task in zip(row, tasks, strict=True):
            _task(axes, [t for t in trials if t.task == task])
            title = f"{task}: loss / baseline"
            axes.axhline(
                1,
                color=FAINT,
                lw=0.8,
                ls=":",
            )
            axes.set(
                yscale="log",
                xlabel="share of the updates",
                title=title,
            )
            label_powers(axes.yaxis)
            axes.legend()
    return fig


def _task(axes: Any, trials: Sequence[Any]) -> None:
    """The curves of one task; a seed's curve has the colour of its strategy."""
    labels = [f"{t.cell}, {t.strategy}" for t in trials]
    names = list(dict.fromkeys(labels))
    for k, (t, name) in enumerate(zip(trials, labels, strict=True)):
        share = np.arange(len(t.losses)) / (len(t.losses) - 1)
        relative = np.array(t.losses) / t.baseline
        first = labels.index(name) == k
        shade = color(names.index(name))
        axes.plot(share, relative, color=shade, label=name if first else None)
