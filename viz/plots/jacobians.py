"""Singular values of the Jacobians and of their products, and the gradient against time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .axes import COLORS, FAINT, figure, label_powers, look

# singular values below this are not drawn
SMALLEST = 1e-30
# a gradient whose norms differ by more than this factor is drawn on a logarithmic scale
LINEAR_RANGE = 20


def jacobians(record: Any) -> Any:
    """Three plots of a record with steps, singular, products, local, pascanu and gradients."""
    with look():
        fig = figure(9.6, 2.9)
        left, middle, right = fig.subplots(1, 3)
        _singular_values(left, record)
        _products(middle, record)
        _gradient_norms(right, record)
    return fig


def _singular_values(axes: Any, record: Any) -> None:
    """The spread of the singular values of each step's Jacobian."""
    steps = record.steps[1:]
    quantiles = np.quantile(record.singular, [0, 0.25, 0.5, 0.75, 1], axis=1)
    lowest, lower, _, upper, highest = quantiles
    pale = {"color": COLORS[0], "lw": 0}
    axes.fill_between(
        steps,
        lowest,
        highest,
        alpha=0.2,
        label="all",
        **pale,
    )
    axes.fill_between(
        steps,
        lower,
        upper,
        alpha=0.4,
        label="the middle half",
        **pale,
    )
    axes.plot(steps, highest, color=COLORS[0], label="largest")
    axes.axhline(
        1,
        color=FAINT,
        lw=0.8,
        ls=":",
    )
    axes.set(xlabel="time step  t", title="Singular values of dh_t/dh_{t-1}")
    axes.set_ylim(0, 1.4 * max(highest.max(), 1.0))
    axes.legend(loc="upper left", ncols=2)


def _products(axes: Any, record: Any) -> None:
    """The singular values of the products over lags, under their bounds."""
    lag = np.arange(1, len(record.products) + 1)
    largest = record.products[:, 0]

    def curve(values: Any, color: str, **options: Any) -> None:
        axes.plot(lag, np.ma.masked_less(values, SMALLEST), color=color, **options)

    curve(record.products, COLORS[0], lw=0.6, alpha=0.7)
    curve(largest, COLORS[0], label="largest of the product")
    curve(record.local, COLORS[2], ls="--", label="product of the largest")
    if record.pascanu is not None:
        bound = "Pascanu: (σ_{max}(W_{hh}) max|φ′|)^{lag}"
        curve(record.pascanu, COLORS[1], ls=":", label=bound)
    title = "Singular values of the products"
    axes.set(
        yscale="log",
        xlabel="lag, back from the last step",
        title=title,
    )
    label_powers(axes.yaxis)
    low = max(float(largest[largest > 0].min(initial=1.0)) * 1e-3, SMALLEST)
    high = max(float(largest.max()), float(record.local[0]))
    # room for the legend
    axes.set_ylim(low, high * (high / low) ** 0.5)
    axes.legend(loc="best")


def _gradient_norms(axes: Any, record: Any) -> None:
    """The norm of the gradient that arrives at each state."""
    axes.plot(record.steps, np.ma.masked_equal(record.gradients, 0), color=COLORS[0])
    positive = record.gradients[record.gradients > 0]
    wide = len(positive) and positive.max() > LINEAR_RANGE * positive.min()
    axes.set(
        yscale="log" if wide else "linear",
        xlabel="time step  t",
        title="|dL/dh_t|",
    )
    if wide:
        label_powers(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
