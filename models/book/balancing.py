"""Influence balancing: a linear system in which truncation has the wrong sign, and ARTBP has not.

s' = A s + theta v with n = 23 units, A_ii = A_{i,i+1} = 1/2, v = +1 on the first 10 units and -1 on
the other 13; the loss at every step is 1/2 (s^1 - 1)^2. The short influences of theta on s^1 are
positive, the long ones outweigh them. Source: Tallec and Ollivier 2017, section 5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape
from minigrad.internal import Array
from minigrad.models.lab import tables
from minigrad.models.lab.artbp import ALPHA, draw, reweighted
from minigrad.transforms import differentiate

UNITS = 23
POSITIVE_UNITS = 10
START = 0.5
OPTIMUM = -1 / 6
LEARNING_RATE = 1e-3
# A run has converged where theta ends this close to the optimum, and diverged beyond this size.
MAX_DISTANCE = 0.02
MAX_THETA = 1e3
TRUNCATIONS = (1, 10, 50, 100, 200, 400)
MEAN_LENGTHS = (16, 50)
SEEDS = (0, 1, 2)
STEPS = 100_000

OnStep = Callable[[int], Any]


@dataclass(frozen=True)
class Run:
    """How theta went: its value after so many steps of data, one entry per update."""

    name: str
    steps: list[int]
    theta: list[float]

    @property
    def converged(self) -> bool:
        """Whether theta ended close to the optimum."""
        distance = abs(self.theta[-1] - OPTIMUM)
        return bool(distance < MAX_DISTANCE)

    @property
    def diverged(self) -> bool:
        """Whether theta left every bound."""
        return bool(abs(self.theta[-1]) >= MAX_THETA)


@cache
def block(steps: int, length: float = 0.0) -> Tape:
    """The tape (loss, dL/dtheta, last state) of a block of steps.

    With a mean length, the gradient is reweighted as that of one segment of ARTBP's.
    """
    A = (np.eye(UNITS) + np.eye(UNITS, k=1)) / 2
    v = np.where(np.arange(UNITS) < POSITIVE_UNITS, 1.0, -1.0)
    theta = mg.tensor(START, requires_grad=True, name="theta")
    s = mg.tensor(np.ones(UNITS), name="s")
    transition = mg.tensor(A)
    push = theta * v
    states = []
    for t in range(1, steps + 1):
        with mg.timestep(t):
            s = (transition @ s + push).named(f"s_{t}")
        states.append(s)
    first_unit = np.stack(states)[:, 0]
    tape = Tape.of(0.5 * np.sum(np.square(first_unit - 1)))
    last = s
    if length:
        tape = reweighted(tape, [steps], length)
        last = tape[f"s_{steps}"]
    loss, gradient = differentiate(tape, theta).outputs
    return Tape.of(loss, gradient, last, wrt=(theta,))


def run(
    name: str,
    lengths: Iterator[int],
    mean_length: float,
    steps: int,
    on_step: OnStep,
) -> Run:
    """Online descent over blocks of these lengths, the state carried.

    The learning rate is 1e-3 / sqrt(1 + steps of data so far); ``mean_length`` is ARTBP's, 0 for
    plain truncation; ``on_step(n)`` is called after n more of the ``steps``.
    """
    s: Array = np.ones(UNITS)
    theta = START
    t = 0
    progress = Run(name, [0], [START])
    while t < steps and abs(theta) < MAX_THETA:
        length = next(lengths)
        tape = block(length, mean_length)
        _, gradient, s = tape.replay({"theta": np.array(theta), "s": s})
        t += length
        theta -= LEARNING_RATE / np.sqrt(1 + t) * float(gradient)
        progress.steps.append(t)
        progress.theta.append(theta)
        on_step(length)
    on_step(max(0, steps - t))
    return progress


def balancing(
    truncations: Sequence[int] = TRUNCATIONS,
    lengths: Sequence[int] = MEAN_LENGTHS,
    seeds: Sequence[int] = SEEDS,
    steps: int = STEPS,
    alpha: float = ALPHA,
    on_step: OnStep = lambda n: None,
) -> list[Run]:
    """Every truncation, and ARTBP of every mean length from every seed.

    ``on_step(n)`` is called after n more of the ``steps`` of data that each run sees.
    """
    runs = []
    for length in truncations:
        runs.append(run(f"truncation {length}", repeat(length), 0.0, steps, on_step))
    for length in lengths:
        for seed in seeds:
            drawn = _drawn(length, alpha, seed)
            runs.append(run(f"ARTBP {length}, seed {seed}", drawn, length, steps, on_step))
    return runs


def _drawn(length: float, alpha: float, seed: int) -> Iterator[int]:
    """The lengths of ARTBP's segments, without end."""
    rng = np.random.default_rng(seed)
    while True:
        yield draw(length, alpha, rng)


def table(runs: Sequence[Run]) -> str:
    """One line per run."""
    lines = [f"{'':16}  {'theta at the end':>16}  after steps  (the optimum is {OPTIMUM:.4f})"]
    for r in runs:
        end = f"{r.theta[-1]:16.4f}  {r.steps[-1]:11,}"
        lines.append(f"{r.name:16}  {end}  {_outcome(r)}")
    return "\n".join(lines)


def _outcome(r: Run) -> str:
    if r.converged:
        return "converges"
    return "diverges" if r.diverged else "fails"


def as_csv(runs: Sequence[Run]) -> bytes:
    """One line per update."""
    rows: list[tuple[Any, ...]] = []
    for r in runs:
        name = r.name.replace(",", "")
        for t, theta in zip(r.steps, r.theta, strict=True):
            rows.append((name, t, theta))
    return tables.as_csv(("run", "steps", "theta"), rows)


def as_json(runs: Sequence[Run], **about: Any) -> bytes:
    """Every run, with what was asked for in ``about``."""
    return tables.as_json({**about, "optimum": OPTIMUM, "runs": [asdict(r) for r in runs]})
