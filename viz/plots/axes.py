"""What all plots share: matplotlib, asked for only now, and its look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.viz import style
from minigrad.viz.output import schemes

COLORS = style.SERIES
INK, FAINT = schemes.INK, style.FAINT
# What matplotlib brings with it, a little wider than the font of the file.
FONT = "DejaVu Sans"
LOOK: dict[Any, Any] = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "figure.facecolor": schemes.PAGE,
    "font.family": FONT,
    "font.size": 8.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "minigrad",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


def matplotlib() -> Any:
    """The library, imported for the first plot. Raises ArgumentError where it is missing."""
    try:
        import matplotlib as mpl
        import matplotlib.figure
    except ImportError:
        remedy = "Install it: pip install matplotlib"
        raise ArgumentError("plot", got="matplotlib is not installed", remedy=remedy) from None
    return mpl


def figure(width: float, height: float) -> Any:
    """An empty figure of that many inches."""
    matplotlib()
    from .plot import Plot

    return Plot(figsize=(width, height), layout="constrained")


def look() -> Any:
    """The context in which figures are made and written, whatever the user's own settings are."""
    ours: dict[Any, Any] = {**matplotlib().rcParamsDefault, **LOOK}
    return matplotlib().rc_context(ours)


def color(k: int) -> str:
    """That of the k-th line."""
    return COLORS[k % len(COLORS)]


def label_powers(*axes: Any) -> None:
    """Numbers on logarithmic axes (xaxis, yaxis) as the graphs write them: 0.01, 10⁻⁶."""
    from .ticks import Powers

    for axis in axes:
        axis.set_major_formatter(Powers())
        axis.set_minor_formatter(Powers())


def few(values: Sequence[Any], most: int) -> list[int]:
    """Indices of at most that many values, evenly spread, the first and the last among them."""
    last = len(values) - 1
    if last < most:
        return list(range(len(values)))
    spread = {round(k * last / (most - 1)) for k in range(most)}
    return sorted(spread)
