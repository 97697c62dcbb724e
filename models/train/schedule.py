"""How the learning rate changes over a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def constant(peak: float, updates: int) -> Callable[[int], float]:
    """The same rate for every update."""
    return lambda step: peak


WARM = 0.3  # of all updates


def one_cycle(peak: float, updates: int) -> Callable[[int], float]:
    """From peak/25 up to peak over the first three tenths of all updates, then down to 0, along half cosines.

    Source: Smith and Topin 2018, Super-convergence.
    """

    def rate(step: int) -> float:
        done = step / updates
        rising = 0.5 - 0.5 * np.cos(np.pi * min(done / WARM, 1))
        falling = 0.5 + 0.5 * np.cos(np.pi * max((done - WARM) / (1 - WARM), 0))
        return float(peak * (0.04 + 0.96 * rising) * falling)

    return rate


SCHEDULES = {"constant": constant, "one-cycle": one_cycle}
