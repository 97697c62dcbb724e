"""Singular values of the Jacobians, their products against lag with the bounds, and the gradient against time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .axes import COLORS, FAINT, figure, look

TINY = 1e-30


def jacobians(j: Any) -> Any:
    """Three plots of a record with steps, singular, products, local, pascanu and gradients."""
    lag = np.arange(1, len(j.products) + 1)
    with look():
        fig = figure(9.6, 2.9)
        each, product, norms = fig.subplots(1, 3)
        q = np.quantile(j.singular, [0, 0.25, 0.5, 0.75, 1], axis=1)
        each.fill_between(j.steps[1:], q[0], q[4], color=COLORS[5], alpha=0.25, lw=0, label="all")
        each.fill_between(
            j.steps[1:], q[1], q[3], color=COLORS[5], alpha=0.5, lw=0, label="the middle half"
        )
        each.plot(j.steps[1:], q[4], color=COLORS[0], label="largest")
        each.axhline(1, color=FAINT, lw=0.8, ls=":")
        each.set(xlabel="time step  t", title="Singular values of dh$_t$/dh$_{t-1}$")
        each.set_ylim(0, 1.4 * max(q[4].max(), 1.0))
        each.legend(loc="upper left", ncols=2)
        product.plot(lag, np.ma.masked_less(j.products, TINY), color=COLORS[5], lw=0.5, alpha=0.6)
        product.plot(
            lag,
            np.ma.masked_less(j.products[:, 0], TINY),
            color=COLORS[0],
            label="largest of the product",
        )
        product.plot(
            lag,
            np.ma.masked_less(j.local, TINY),
            color=COLORS[4],
            ls="--",
            label="product of the largest",
        )
        if j.pascanu is not None:
            bound = r"Pascanu: $(\sigma_{max}(W_{hh})\,max|\phi'|)^{lag}$"
            product.plot(
                lag, np.ma.masked_less(j.pascanu, TINY), color=COLORS[1], ls=":", label=bound
            )
        product.set(
            yscale="log",
            xlabel="lag, back from the last step",
            title="Singular values of the products",
        )
        low = max(float(j.products[:, 0][j.products[:, 0] > 0].min(initial=1.0)) * 1e-3, TINY)
        high = max(float(j.products[:, 0].max()), float(j.local[0]))
        product.set_ylim(
            low, high * (high / low) ** 0.5
        )  # room for the bounds' beginning and the legend
        product.legend(loc="upper right")
        positive = np.ma.masked_equal(j.gradients, 0)
        norms.plot(j.steps, positive, color=COLORS[0])
        some = j.gradients[j.gradients > 0]
        wide = len(some) and some.max() > 20 * some.min()
        norms.set(yscale="log" if wide else "linear", xlabel="time step  t", title="|dL/dh$_t$|")
        norms.set_ylim(bottom=None if wide else 0)
    return fig
