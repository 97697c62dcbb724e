"""Strategies compared: their gradients' bias and spread, their training curves; influence balancing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .axes import COLORS, FAINT, figure, look


def strategies(
    results: Sequence[Any], interval: Callable[[Any], tuple[float, float]], loss: str = "loss"
) -> Any:
    """Each strategy's bias and spread, its training curve, and how far it is above full backpropagation's.

    Records have name, draws, bias, bias_error, spread, updates and curves; interval gives mean and half width.
    """
    colors = [COLORS[k % len(COLORS)] for k in range(len(results))]
    full = next((r for r in results if r.name.startswith("full")), results[0])
    with look():
        fig = figure(10.2, 0.2 * len(results) + 2.2)
        bars, curves, above = fig.subplots(1, 3, width_ratios=[1.05, 1, 1])
        _bars(bars, results, colors)
        for r, color in zip(results, colors, strict=True):
            curves.plot(r.updates, np.mean(r.curves, axis=0), color=color, label=r.name)
            if r is not full:
                pairs = (np.array(r.curves) - np.array(full.curves)).T
                mean, half = np.array([interval(list(at)) for at in pairs]).T
                above.plot(r.updates, mean, color=color, label=r.name)
                if np.isfinite(half).all():
                    above.fill_between(
                        r.updates, mean - half, mean + half, color=color, alpha=0.12, lw=0
                    )
        seeds = f"{len(full.curves)} seed" + "s" * (len(full.curves) > 1)
        curves.set(xlabel="updates", title=f"{loss}, mean of {seeds}")
        above.set(xlabel="updates", title=f"above that of {full.name}, same seeds, 95%")
        above.axhline(0, color=FAINT, lw=0.8, ls=":")
        means = np.array(
            [np.mean(np.array(r.curves) - np.array(full.curves), axis=0) for r in results]
        )
        room = max(float(np.ptp(means)), 1e-6) * 0.4
        above.set_ylim(means.min() - room, means.max() + room)
        curves.legend()
    return fig


def _bars(ax: Any, results: Sequence[Any], colors: Sequence[str]) -> None:
    top = max(max(r.bias, r.spread) for r in results) or 1.0
    for k, (r, color) in enumerate(zip(results, colors, strict=True)):
        chance = r.draws > 1
        ax.barh(k - 0.2 * chance, r.bias, 0.36, color=color)
        text = f"{r.bias:.2g} (by chance {r.bias_error:.2g})" if chance else f"{r.bias:.2g}"
        ax.text(r.bias + 0.02 * top, k - 0.2 * chance, text, va="center", fontsize=7)
        if chance:
            ax.barh(k + 0.2, r.spread, 0.36, color=color, alpha=0.35)
            ax.text(
                r.spread + 0.02 * top, k + 0.2, f"spread {r.spread:.2g}", va="center", fontsize=7
            )
    ax.set_yticks(range(len(results)), [r.name for r in results])
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.set(
        xlabel="relative to |exact gradient|",
        title="Bias (full) and spread (pale)",
        xlim=(0, 1.5 * top),
    )


def balancing(runs: Sequence[Any], optimum: float) -> Any:
    """|theta - theta*| against the steps of data, for records with name, steps and theta."""
    names = list(dict.fromkeys(r.name.split(",")[0] for r in runs))
    with look():
        fig = figure(6.8, 3.9)
        ax = fig.subplots()
        for r in runs:
            name = r.name.split(",")[0]
            k = names.index(name)
            first = r is next(s for s in runs if s.name.startswith(name + ",") or s.name == name)
            steps, off = np.array(r.steps), np.abs(np.array(r.theta) - optimum)
            shown = steps > 0
            kept = (
                np.unique(np.geomspace(1, shown.sum(), 400).astype(int)) - 1
            )  # as even as the axis
            ax.plot(
                steps[shown][kept],
                np.maximum(off[shown][kept], 1e-6),
                color=COLORS[k % len(COLORS)],
                ls="--" if name.startswith("ARTBP") else "-",
                lw=1.1,
                label=name if first else None,
            )
        ax.set(
            xscale="log",
            yscale="log",
            xlabel="steps of data",
            ylabel=r"$|\theta - \theta^*|$",
            ylim=(1e-5, 1e3),
        )
        ax.set_title("Influence balancing: short truncation goes the wrong way")
        ax.axhline(abs(0.5 - optimum), color=FAINT, lw=0.8, ls=":")
        ax.legend(ncols=2, loc="lower left")
    return fig


def clipping(runs: Sequence[Any]) -> Any:
    """The loss and the gradient's norm before and after clipping, for records name, losses, before, after."""
    with look():
        fig = figure(9.6, 2.9)
        losses, norms = fig.subplots(1, 2)
        for r, color in zip(runs, (COLORS[1], COLORS[0]), strict=True):
            losses.plot(r.losses, color=color, label=r.name, lw=1)
            norms.plot(r.before, color=color, lw=0.8, alpha=0.8, label=f"{r.name}: before")
            if r.after != r.before:
                norms.plot(r.after, color=COLORS[2], lw=1.2, label=f"{r.name}: after")
        losses.set(xlabel="updates", title="Training loss (nats per character)")
        norms.set(xlabel="updates", yscale="log", title="Norm of the gradient")
        losses.legend()
        norms.legend()
    return fig


def memory(trials: Sequence[Any]) -> Any:
    """Losses relative to knowing nothing, a plot per task, for records task, cell, strategy, baseline, losses."""
    tasks = list(dict.fromkeys(t.task for t in trials))
    with look():
        fig = figure(4.2 * len(tasks), 2.9)
        for ax, task in zip(fig.subplots(1, len(tasks), squeeze=False)[0], tasks, strict=True):
            its = [t for t in trials if t.task == task]
            names = list(dict.fromkeys(f"{t.cell}, {t.strategy}" for t in its))
            for k, t in enumerate(its):
                name, share = (
                    f"{t.cell}, {t.strategy}",
                    np.arange(len(t.losses)) / (len(t.losses) - 1),
                )
                first = name not in [f"{u.cell}, {u.strategy}" for u in its[:k]]
                color = COLORS[names.index(name)]
                ax.plot(
                    share,
                    np.array(t.losses) / t.baseline,
                    color=color,
                    label=name if first else None,
                )
            ax.axhline(1, color=FAINT, lw=0.8, ls=":")
            ax.set(yscale="log", xlabel="share of the updates", title=f"{task}: loss / baseline")
            ax.legend()
    return fig
