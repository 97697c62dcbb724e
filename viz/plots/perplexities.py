"""The perplexities of a training run over its updates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError

from . import axes as plot
from .axes import COLORS, FORMATS, figure, look, matplotlib

History = Sequence[tuple[float, float, float]]
"""Rows (updates, training perplexity, validation perplexity), as a run's ``history`` holds them."""


def training(history: History) -> Any:
    """Training and validation perplexity over the updates: a matplotlib Figure.

    Raises ArgumentError where matplotlib is missing.

    >>> from minigrad import viz
    >>> figure = viz.plots.training([(10, 20.0, 21.0), (20, 9.0, 11.0)])
    >>> figure.axes[0].get_title(loc="left")
    'perplexity; validation best 11.00, last 11.00'
    """
    updates, train, validation = np.reshape(np.array(history, float), (-1, 3)).T
    with look():
        fig = figure(5.2, 3.2)
        axes = fig.subplots()
        marker = "o" if len(updates) == 1 else None
        axes.plot(
            updates,
            train,
            color=COLORS[0],
            marker=marker,
            label="train",
        )
        axes.plot(
            updates,
            validation,
            color=COLORS[1],
            marker=marker,
            label="validation",
        )
        axes.set(
            xlabel="updates",
            title="perplexity",
            yscale="log",
        )
        if len(updates):
            ends = f"best {validation.min():.2f}, last {validation[-1]:.2f}"
            axes.set_title(f"perplexity; validation {ends}")
        # 7, not 7 x 10^0
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.legend()
    return fig


def refuse_unknown(path: str) -> None:
    """Say before the training what could not be drawn after it. Raises ArgumentError."""
    if Path(path).suffix[1:].lower() not in FORMATS:
        expected = f"expected one that ends in .{', .'.join(FORMATS)}"
        got = "of no format that is known by its ending"
        raise ArgumentError(f"cannot write '{path}'", got=got, expected=expected)
    matplotlib()


def save(history: History, path: str | os.PathLike[str]) -> Path:
    """Draw the curve into a file."""
    return plot.save(training(history), path)
