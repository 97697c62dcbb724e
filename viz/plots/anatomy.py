"""Heat maps of the matrix G[t, i], side by side, on one logarithmic scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .axes import FAINT, few, figure, look

NO_PATH, CUT = "#FFFFFF", "#E9EBEE"
DECADES = 12  # what is smaller than the largest by more than this is drawn as if it were that small


def heatmaps(panels: Mapping[str, npt.ArrayLike], steps: Sequence[int], label: str) -> Any:
    """The norms |G[t, i]| (T, T) of each strategy; grey where a path exists and the strategy sends nothing."""
    norms = {name: np.asarray(p, float) for name, p in panels.items()}
    possible = np.any([n > 0 for n in norms.values()], axis=0)
    top = max(float(n.max()) for n in norms.values()) or 1.0
    smallest = min((float(n[n > 0].min()) for n in norms.values() if n.any()), default=top)
    low = max(smallest, top * 10.0**-DECADES)
    with look():
        from matplotlib.colors import ListedColormap, LogNorm
        from matplotlib.patches import Patch

        fig = figure(2.3 * len(norms) + 1.0, 2.95)
        axes = fig.subplots(1, len(norms), sharey=True, squeeze=False)[0]
        scale = LogNorm(low * (1 if low < top else 0.1), top)
        for ax, (name, n) in zip(axes, norms.items(), strict=True):
            size = (0.5, len(steps) + 0.5, len(steps) + 0.5, 0.5)
            cut = np.ma.masked_where(~possible | (n > 0), np.zeros_like(n))
            ax.imshow(cut, extent=size, cmap=ListedColormap([CUT]), interpolation="nearest")
            shown = np.ma.masked_where(n == 0, np.maximum(n, low))
            drawn = ax.imshow(
                shown, norm=scale, extent=size, cmap="viridis", interpolation="nearest"
            )
            at = few(steps, 5)
            ax.set_xticks([k + 1 for k in at], [str(steps[k]) for k in at])
            ax.set_yticks([k + 1 for k in at], [str(steps[k]) for k in at])
            ax.set_title(name)
            ax.set_xlabel("step of use  i")
            ax.spines[:].set_visible(False)
            ax.tick_params(length=0)
            if (possible & (n == 0)).any():
                ax.legend(
                    handles=[Patch(color=CUT, label="exactly 0")], loc="upper right", handlelength=1
                )
        axes[0].set_ylabel("loss term  t")
        bar = fig.colorbar(drawn, ax=axes, pad=0.01, aspect=25)
        bar.set_label(f"|G[t, i]| of {label}")
        bar.outline.set_edgecolor(FAINT)
    return fig


def lags(lost: npt.ArrayLike, label: str) -> Any:
    """How far the gradient of truncate(window=w) is off, against the w + 1 steps that it sees."""
    error = np.asarray(lost, float)
    seen = np.arange(1, len(error) + 1)
    with look():
        fig = figure(3.6, 2.7)
        ax = fig.subplots()
        ax.plot(seen[error > 0], error[error > 0], color="#0072B2")
        ax.axhline(0.01, color=FAINT, lw=0.8, ls=":")
        ax.text(
            1, 0.011, "1%", color=FAINT, ha="right", va="bottom", transform=ax.get_yaxis_transform()
        )
        ax.set_xlim(0, len(error) + 1)
        ax.set_yscale("log")
        ax.set_xlabel("steps that a loss term sees")
        ax.set_ylabel("relative error")
        ax.set_title(f"What truncation loses of dL/d{label}")
    return fig
