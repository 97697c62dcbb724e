"""Strategies compared: their gradients' bias and spread, their training curves; influence balancing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .plot_style import COLORS, FAINT, INK, figure, look


def strategies(results: Sequence[Any], interval: Callable[[Any], tuple[float, float]], loss: str = "loss") -> Any:
    """Bias and spread of each strategy's gradient as bars, and the training curves with their 95% intervals."""
    with look():
        fig = figure(9.6, 0.32 * len(results) + 2.2)
        bars, curves = fig.subplots(1, 2, width_ratios=[1, 1.5])
        y = np.arange(len(results))
        colors = [COLORS[k % len(COLORS)] for k in y]
        bars.barh(y - 0.2, [r.bias for r in results], 0.36, color=colors)
        bars.barh(y + 0.2, [r.spread for r in results], 0.36, color=colors, alpha=0.35)
        for k, r in enumerate(results):
            if r.draws > 1:
                bars.plot([r.bias_error] * 2, [k - 0.38, k - 0.02], color=INK, lw=1.6)
        bars.set_yticks(y, [r.name for r in results])
        bars.invert_yaxis()
        bars.tick_params(axis="y", length=0)
        bars.set(xlabel="relative to |exact gradient|", title="Bias (full) and spread (pale) of the gradient")
        bars.set_xscale("symlog", linthresh=0.01)
        bars.set_xlim(left=0)
        for r, color in zip(results, colors, strict=True):
            mean, half = np.array([interval(list(at)) for at in zip(*r.curves, strict=True)]).T
            curves.plot(r.updates, mean, color=color, label=r.name)
            if np.isfinite(half).all():
                curves.fill_between(r.updates, mean - half, mean + half, color=color, alpha=0.13, lw=0)
        seeds = len(results[0].curves)
        curves.set(xlabel="updates", ylabel=loss, title=f"Training at equal updates, {seeds} seeds, 95% intervals")
        curves.legend(ncols=2)
    return fig


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
            kept = np.unique(np.geomspace(1, shown.sum(), 400).astype(int)) - 1  # as even as the axis
            ax.plot(
                steps[shown][kept], np.maximum(off[shown][kept], 1e-6), color=COLORS[k % len(COLORS)],
                ls="--" if name.startswith("ARTBP") else "-", lw=1.1, label=name if first else None,
            )  # fmt: skip
        ax.set(xscale="log", yscale="log", xlabel="steps of data", ylabel=r"$|\theta - \theta^*|$", ylim=(1e-5, 1e3))
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
