"""Learning rates that change over a run: functions of the update, counted from 0.

A schedule is a function step -> learning rate, and can be pickled::

    schedule = mg.optim.schedules.cosine(0.1, steps=1000)
    for step in range(1000):
        optimizer.lr = schedule(step)

Made with lr=1 it is a factor, for groups of parameters that have rates of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from minigrad.core.norms import positive

Schedule = Callable[[int], float]
"""The learning rate of update 0, 1, ..."""

# Of all updates of one cycle: the rate rises.
WARMUP_SHARE = 0.3
# Of the peak: where it rises from.
START_SHARE = 0.04


def constant(lr: float) -> Schedule:
    """The same rate for every update.

    >>> constant(0.1)(7)
    0.1
    """
    return partial(_constant, lr)


def step_decay(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """The rate times ``factor`` after ``every`` updates, again and again.

    Raises ArgumentError for every <= 0.

    >>> schedule = step_decay(0.5, every=10, factor=0.5)
    >>> [schedule(step) for step in (0, 9, 10, 25)]
    [0.5, 0.5, 0.25, 0.125]
    """
    return partial(_step_decay, lr, positive("step_decay: every", every), factor)


def exponential(lr: float, factor: float) -> Schedule:
    """The rate times ``factor`` after every update.

    >>> schedule = exponential(0.5, factor=0.5)
    >>> [schedule(step) for step in (0, 1, 2)]
    [0.5, 0.25, 0.125]
    """
    return partial(_exponential, lr, factor)


def cosine(lr: float, steps: int, last: float = 0.0) -> Schedule:
    """From lr down to ``last`` over so many updates, along half a cosine; there it stays.

    Raises ArgumentError for steps <= 0. Source: Loshchilov and Hutter 2017, SGDR, equation 5.

    >>> schedule = cosine(1.0, steps=100)
    >>> [round(schedule(step), 2) for step in (0, 25, 50, 100, 200)]
    [1.0, 0.85, 0.5, 0.0, 0.0]
    """
    return partial(_cosine, lr, positive("cosine: steps", steps), last)


def linear_warmup(schedule: Schedule, steps: int, first: float = 0.0) -> Schedule:
    """From ``first`` up to where a schedule begins over so many updates, then that schedule.

    Raises ArgumentError for steps <= 0. Source: Goyal et al. 2017, section 2.2.

    >>> schedule = linear_warmup(cosine(1.0, steps=100), steps=10)
    >>> [round(schedule(step), 2) for step in (0, 5, 10, 60, 110)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return partial(_linear_warmup, schedule, positive("linear_warmup: steps", steps), first)


def one_cycle(lr: float, steps: int) -> Schedule:
    """From lr/25 up to lr over the first three tenths of all updates, then down to 0.

    Both ways along half cosines. Raises ArgumentError for steps <= 0.
    Source: Smith and Topin 2018, Super-convergence.

    >>> schedule = one_cycle(1.0, steps=100)
    >>> [round(schedule(step), 2) for step in (0, 15, 30, 65, 100)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """
    return partial(_one_cycle, lr, positive("one_cycle: steps", steps))


def _constant(lr: float, step: int) -> float:
    return lr


def _step_decay(lr: float, every: float, factor: float, step: int) -> float:
    times = step // every
    return float(lr * factor**times)


def _exponential(lr: float, factor: float, step: int) -> float:
    return float(lr * factor**step)


def _cosine(lr: float, steps: float, last: float, step: int) -> float:
    return last + (lr - last) * _falling(step / steps)


def _linear_warmup(schedule: Schedule, steps: float, first: float, step: int) -> float:
    if step >= steps:
        return schedule(step - int(steps))
    peak = schedule(0)
    return first + (peak - first) * step / steps


def _one_cycle(lr: float, steps: float, step: int) -> float:
    done = step / steps
    rising = 1 - _falling(done / WARMUP_SHARE)
    cooled = max((done - WARMUP_SHARE) / (1 - WARMUP_SHARE), 0)
    share = START_SHARE + (1 - START_SHARE) * rising
    return lr * share * _falling(cooled)


def _falling(done: float) -> float:
    """From 1 to 0 along half a cosine, of the share that is done."""
    return 0.5 + 0.5 * math.cos(math.pi * min(done, 1))
