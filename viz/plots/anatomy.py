"""Heat maps of the matrix G[t, i], side by side, on one logarithmic scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .axes import COLORS, FAINT, few, figure, label_powers, look

# Half of nothing: a grey that shows on either ground.
CUT_COLOR = "#80808040"
# what is smaller than the largest by more than this is drawn as if it were that small
MAX_DECADES = 12
MAX_TICKS = 5


def heatmaps(panels: Mapping[str, npt.ArrayLike], steps: Sequence[int], label: str) -> Any:
    """The norms |G[t, i]| (T, T) of each strategy: a matplotlib Figure.

    Grey where a path exists and the strategy sends exactly nothing.
    """
    norms = {name: np.asarray(panel, float) for name, panel in panels.items()}
    possible = np.any([values > 0 for values in norms.values()], axis=0)
    low, high = _range(norms)
    with look():
        from matplotlib.colors import LogNorm

        fig = figure(2.3 * len(norms) + 1.0, 2.95)
        row = fig.subplots(1, len(norms), sharey=True, squeeze=False)[0]
        scale = LogNorm(low * (1 if low < high else 0.1), high)
        for axes, (name, values) in zip(row, norms.items(), strict=True):
            heat = _heatmap(axes, values, possible, steps, scale, low)
            axes.set_title(name)
        row[0].set_ylabel("loss term  t")
        bar = fig.colorbar(
            heat,
            ax=row,
            pad=0.01,
            aspect=25,
        )
        bar.set_label(f"|G[t, i]| of {label}")
        bar.outline.set_edgecolor(FAINT)
        label_powers(bar.ax.yaxis)
    return fig


def _range(norms: Mapping[str, Any]) -> tuple[float, float]:
    """The smallest and largest norm of the colour scale."""
    high = max(float(values.max()) for values in norms.values()) or 1.0
    positive = [float(values[values > 0].min()) for values in norms.values() if values.any()]
    smallest = min(positive, default=high)
    return max(smallest, high * 10.0**-MAX_DECADES), high


def _heatmap(
    axes: Any, norms: Any, possible: Any, steps: Sequence[int], scale: Any, low: float
) -> Any:
    """Draw one strategy's matrix on its axes; returns the image that the colour bar explains."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    corners = (0.5, len(steps) + 0.5, len(steps) + 0.5, 0.5)
    look_alike = {"extent": corners, "interpolation": "nearest"}
    cut = np.ma.masked_where(~possible | (norms > 0), np.zeros_like(norms))
    axes.imshow(cut, cmap=ListedColormap([CUT_COLOR]), **look_alike)
    positive = np.ma.masked_where(norms == 0, np.maximum(norms, low))
    heat = axes.imshow(
        positive,
        norm=scale,
        cmap="viridis",
        **look_alike,
    )
    ticks = few(steps, MAX_TICKS)
    labels = [str(steps[k]) for k in ticks]
    axes.set_xticks([k + 1 for k in ticks], labels)
    axes.set_yticks([k + 1 for k in ticks], labels)
    axes.set_xlabel("step of use  i")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if (possible & (norms == 0)).any():
        patch = Patch(color=CUT_COLOR, label="exactly 0")
        axes.legend(
            handles=[patch],
            loc="upper right",
            handlelength=1,
        )
    return heat


def lags(lost: npt.ArrayLike, label: str) -> Any:
    """How far the gradient of truncate(window=w) is off, against the w + 1 steps that it sees."""
    error = np.asarray(lost, float)
    seen = np.arange(1, len(error) + 1)
    wrong = error > 0
    with look():
        fig = figure(3.6, 2.7)
        axes = fig.subplots()
        axes.plot(seen[wrong], error[wrong], color=COLORS[0])
        axes.axhline(
            0.01,
            color=FAINT,
            lw=0.8,
            ls=":",
        )
        right_edge = axes.get_yaxis_transform()
        axes.text(
            1,
            0.011,
            "1%",
            color=FAINT,
            ha="right",
            va="bottom",
            transform=right_edge,
        )
        axes.set_xlim(0, len(error) + 1)
        axes.set_yscale("log")
        label_powers(axes.yaxis)
        axes.set_xlabel("steps that a loss term sees")
        axes.set_ylabel("relative error")
        axes.set_title(f"What truncation loses of dL/d{label}")
    return fig
