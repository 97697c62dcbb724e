"""ARTBP: truncation at random places whose gradient is right on average, by its authors' schedule.

Source: Tallec and Ollivier 2017, Unbiasing truncated backpropagation through time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.internal import States
from minigrad.transforms import reweight

from .anatomy import steps_of

Generator = np.random.Generator

ALPHA = 6.0
"""How slowly the chance of a cut falls with the steps since the last one."""


def cut_chance(since: int, length: float, alpha: float = ALPHA) -> float:
    """c_t = alpha / ((alpha - 1) L0 + steps since the last cut, from 1): segments of mean L0.

    Raises: ArgumentError for a mean length below 1 or an alpha that is not above 1.
    """
    is_schedule = length >= 1 and alpha > 1 and np.isfinite(length * alpha)
    if not is_schedule:
        got = f"L0={length}, alpha={alpha}"
        expected = "expected a mean length from 1 and alpha above 1"
        raise ArgumentError("artbp", got=got, expected=expected)
    from_start = (alpha - 1) * length
    return alpha / (from_start + since)


def draw(length: float, alpha: float, rng: Generator) -> int:
    """The number of steps of one segment, to the next cut."""
    since = 1
    while rng.random() >= cut_chance(since, length, alpha):
        since += 1
    return since


def artbp(
    tape: Tape,
    length: float,
    rng: Generator | int,
    alpha: float = ALPHA,
    state: States = None,
) -> Tape:
    """Cut the recurrent edges between random segments of mean length ``length``, without bias.

    What crosses a boundary that is not cut is divided by pi_t = 1 - c_t. ``rng`` draws the
    segments; ``alpha`` decides how slowly the chance c_t of a cut falls with the steps since the
    last one; ``state`` names the state, as ``truncate`` has it.

    >>> from minigrad import models
    >>> tape = models.section(T=12).tape
    >>> cut = models.artbp(tape, length=4, rng=0)
    >>> cut.outputs[0].item() == tape.outputs[0].item()
    True

    Raises: ArgumentError for a tape without time steps, a length below 1, an alpha not above 1.
    Source: Tallec and Ollivier 2017.
    """
    rng = np.random.default_rng(rng)
    steps = steps_of(tape)
    segments: list[int] = []
    while sum(segments) < len(steps):
        segments.append(draw(length, alpha, rng))
    return reweighted(tape, segments, length, alpha, state)


def reweighted(
    tape: Tape,
    segments: Sequence[int],
    length: float,
    alpha: float = ALPHA,
    state: States = None,
) -> Tape:
    """What ``artbp`` does once its segments are drawn; the last one may reach beyond the tape."""
    factors: list[float] = []
    for steps in segments:
        factors.extend(_factors(steps, length, alpha))
    later_steps = steps_of(tape)[1:]
    xi = zip(later_steps, factors, strict=False)
    return reweight(tape, dict(xi), state)


def _factors(steps: int, length: float, alpha: float) -> list[float]:
    """xi at the boundary after each step of a segment: 1 / (1 - c_t), and 0 after the last."""
    factors = []
    for since in range(1, steps):
        keep = 1 - cut_chance(since, length, alpha)
        factors.append(1 / keep)
    return [*factors, 0.0]
