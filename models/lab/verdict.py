"""What becomes of a gradient on its way back, in words."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .jacobians import Jacobians

# A gradient vanishes (explodes) where it changes by less (more) than this over all steps.
VANISHING_CHANGE = 0.1
EXPLODING_CHANGE = 10
# A window that loses no more than this share of the gradient is long enough.
MAX_LOST_SHARE = 0.01
MIN_PRINTED_SHARE = 1e-6


def verdict(jacobians: Jacobians, anatomy: Anatomy) -> str:
    """What becomes of this gradient on its way back, in words, each with its number.

    The Jacobians say how it changes per step; the anatomy how many steps it needs.

    >>> from minigrad import models
    >>> example = models.section(T=6)
    >>> parts = models.anatomy(example.tape, example.rnn.W_hh)
    >>> models.verdict(models.jacobians(example.tape), parts).split(";")[0]
    'keeps its size: changes by a factor of 1.232 per step'
    """
    name = f"dL/d{anatomy.label}"
    words = _change(jacobians) + _bound(jacobians)
    if not np.linalg.norm(anatomy.total):
        return f"{words}; {name} is zero"
    T = len(anatomy.steps)
    lost = anatomy.lost
    # From this many steps on the loss stays below the threshold.
    too_short = np.flatnonzero(np.append(True, lost > MAX_LOST_SHARE))
    need = 1 + int(too_short[-1])
    if need >= T:
        return f"{words}; {name} needs all {T} steps: no shorter window comes within 1% of it"
    next_power_of_two = 1 << (need - 1).bit_length()
    seen = min(next_power_of_two, T)
    words += f"; 99% of {name} comes from the last {_steps(need)}"
    loss = _percent(lost[seen - 1])
    return f"{words}; truncate(window={seen - 1}), {seen} steps, loses {loss}"


def _change(jacobians: Jacobians) -> str:
    """Whether the gradient is cut, vanishes, explodes or keeps its size."""
    factor = jacobians.factor
    change = factor ** (len(jacobians.steps) - 1)
    largest = jacobians.products[:, 0]
    if not largest[-1] > 0:
        reach = int(np.count_nonzero(largest))
        return f"is cut: exactly zero beyond {_steps(reach)} back from the last"
    if change < VANISHING_CHANGE:
        return f"vanishes: halves every {np.log(2) / -np.log(factor):.3g} steps"
    if change > EXPLODING_CHANGE:
        return f"explodes: doubles every {np.log(2) / np.log(factor):.3g} steps back"
    return f"keeps its size: changes by a factor of {factor:.3f} per step"


def _bound(jacobians: Jacobians) -> str:
    """Pascanu's bound on one step, and what follows of it."""
    if jacobians.pascanu is None or not len(jacobians.pascanu):
        return ""
    gamma = jacobians.pascanu[0]
    conclusion = "not below 1: nothing forces it to vanish"
    if gamma < 1:
        conclusion = "below 1: it has to vanish"
    return f" (sigma_max(W_hh) max|phi'| = {gamma:.3g}, {conclusion})"


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _percent(share: float) -> str:
    if share >= MIN_PRINTED_SHARE:
        return f"{100 * share:.2g}%"
    return "less than 0.0001%" if share else "nothing"
