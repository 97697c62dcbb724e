"""ARTBP: truncation at random places whose gradient is right on average, by the schedule of its authors.

Source: Tallec and Ollivier 2017, Unbiasing truncated backpropagation through time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

import numpy as np

from minigrad import Edge, Tape
from minigrad.errors import ArgumentError
from minigrad.transforms import scale

from .anatomy import steps_of


def cut_chance(since: int, length: float, alpha: float = 6.0) -> float:
    """c_t = alpha / ((alpha - 1) L0 + steps since the last cut, from 1): segments of mean length exactly L0."""
    if not (length >= 1 and alpha > 1 and np.isfinite(length * alpha)):
        got = f"L0={length}, alpha={alpha}"
        raise ArgumentError(
            "artbp", got=got, expected="expected a mean length from 1 and alpha above 1"
        )
    return alpha / ((alpha - 1) * length + since)


def draw(length: float, alpha: float, rng: np.random.Generator) -> int:
    """The number of steps of one segment, to the next cut."""
    since = 1
    while rng.random() >= cut_chance(since, length, alpha):
        since += 1
    return since


def artbp(tape: Tape, length: float, rng: np.random.Generator | int, alpha: float = 6.0) -> Tape:
    """Cut the recurrent edges between random segments; divide what crosses every other boundary by pi_t = 1 - c_t."""
    rng, steps = np.random.default_rng(rng), steps_of(tape)
    segments: list[int] = []
    while sum(segments) < len(steps):
        segments.append(draw(length, alpha, rng))
    return reweighted(tape, segments, length, alpha)


def reweighted(tape: Tape, segments: list[int], length: float, alpha: float = 6.0) -> Tape:
    """What ``artbp`` does once these segments are drawn; the last one may reach beyond the tape."""
    xi, steps = dict[int, float](), iter(steps_of(tape)[1:])
    for n in segments:
        for since in range(1, n + 1):
            if (t := next(steps, None)) is not None:
                xi[t] = 0.0 if since == n else 1 / (1 - cut_chance(since, length, alpha))
    return with_xi(tape, xi)


def with_xi(tape: Tape, xi: Mapping[int, float]) -> Tape:
    """Multiply what goes back over the boundary in front of step t by xi[t]. Source: equation 9.7.8."""
    times, boundaries = tape.times, sorted(xi)

    def factor(edge: Edge) -> float:
        start, end = sorted((times[edge.source] or 0, times[edge.target] or 0))
        crossed = boundaries[bisect_right(boundaries, start) : bisect_right(boundaries, end)]
        return float(np.prod([xi[t] for t in crossed]))

    return scale(tape, tape.recurrent_edges(), factor)
