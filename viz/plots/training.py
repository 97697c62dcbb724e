"""The perplexities of a training run over its updates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError

from . import axes as plot_style
from .axes import COLORS, figure, look


def training(history: Sequence[tuple[float, float, float]]) -> Any:
    """Training and validation perplexity: rows (updates, train, validation)."""
    updates, train, validation = np.reshape(np.array(history, float), (-1, 3)).T
    with look():
        fig = figure(5.2, 3.2)
        axes = fig.subplots()
        mark = "o" if len(updates) == 1 else None
        axes.plot(updates, train, color=COLORS[0], marker=mark, label="train")
        axes.plot(updates, validation, color=COLORS[1], marker=mark, label="validation")
        axes.set(xlabel="updates", title="perplexity", yscale="log")
        if len(updates):
            ends = f"best {validation.min():.2f}, last {validation[-1]:.2f}"
            axes.set_title(f"perplexity; validation {ends}")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.legend()
    return fig


def refuse_unknown(path: str) -> None:
    """Say before the training what could not be drawn after it. Raises ArgumentError."""
    if Path(path).suffix[1:].lower() not in plot_style.FORMATS:
        expected = f"expected one that ends in .{', .'.join(plot_style.FORMATS)}"
        raise ArgumentError(
            f"cannot write '{path}'",
            got="of no format that is known by its ending",
            expected=expected,
        )
    figure(1, 1)


def save(history: Sequence[tuple[float, float, float]], path: str | os.PathLike[str]) -> Path:
    """Draw the curve into a file."""
    return plot_style.save(training(history), path)
