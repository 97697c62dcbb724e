"""How the learning rate changes over a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Of update 0, 1, ...
Rate = Callable[[int], float]

# Of all updates: the rate rises.
WARMUP_SHARE = 0.3
# Of the peak: where it rises from.
START_SHARE = 0.04


def constant(peak: float, updates: int) -> Rate:
    """The same rate for every update."""
    return lambda step: peak


def one_cycle(peak: float, updates: int) -> Rate:
    """From peak/25 up to peak over the first three tenths of all updates, then down to 0.

    Both ways along half cosines. Source: Smith and Topin 2018, Super-convergence.

    >>> rate = one_cycle(1.0, updates=100)
    >>> [round(rate(step), 2) for step in (0, 15, 30, 65, 100)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """

    def rate(step: int) -> float:
        done = step / updates
        warm = min(done / WARMUP_SHARE, 1)
        cooled = max((done - WARMUP_SHARE) / (1 - WARMUP_SHARE), 0)
        rising = 0.5 - 0.5 * np.cos(np.pi * warm)
        falling = 0.5 + 0.5 * np.cos(np.pi * cooled)
        share = START_SHARE + (1 - START_SHARE) * rising
        return float(peak * share * falling)

    return rate


SCHEDULES = {"constant": constant, "one-cycle": one_cycle}
