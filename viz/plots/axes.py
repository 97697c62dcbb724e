"""What all plots share: matplotlib, asked for only now, its look, and the way to a file."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.internal import write_atomically

# Okabe and Ito's colours, which colour-blind readers tell apart too
COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#5B2A9D",
    "#80868F",
    "#000000",
)
INK, FAINT = "#222222", "#80868F"
LOOK: dict[Any, Any] = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "svg.hashsalt": "minigrad",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}
FORMATS = ("svg", "png", "pdf")


PIXELS_PER_INCH = 160


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


def image(fig: Any, kind: str = "svg") -> bytes:
    """The figure as the bytes of an svg, png or pdf; the same on every run."""
    if kind not in FORMATS:
        expected = f"expected one of {', '.join(FORMATS)}"
        raise ArgumentError("plot", got=f"format {kind!r}", expected=expected)
    file = io.BytesIO()
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with look():
        fig.savefig(
            file,
            format=kind,
            dpi=PIXELS_PER_INCH,
            metadata=dates.get(kind),
        )
    return file.getvalue()


def inline(fig: Any) -> str:
    """The figure as an svg element to stand inside a page."""
    text = image(fig).decode()
    return text[text.index("<svg") :]


def save(fig: Any, path: str | os.PathLike[str]) -> Path:
    """Write the figure, whole or not at all; the suffix of path decides the format."""
    return write_atomically(path, image(fig, Path(path).suffix[1:].lower()))


def few(values: Sequence[Any], most: int) -> list[int]:
    """Indices of at most that many values, evenly spread, the first and the last among them."""
    last = len(values) - 1
    if last < most:
        return list(range(len(values)))
    spread = {round(k * last / (most - 1)) for k in range(most)}
    return sorted(spread)
