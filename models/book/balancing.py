"""Influence balancing: a linear system in which truncation has the wrong sign, and ARTBP has not.

s' = A s + theta v with n = 23 units, A_ii = A_{i,i+1} = 1/2, v = +1 on the first 10 units and -1 on the other 13; the
loss at every step is 1/2 (s^1 - 1)^2. The short influences of theta on s^1 are positive, the long ones outweigh them.
Source: Tallec and Ollivier 2017, section 5.1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape
from minigrad.models.lab.anatomy import Array
from minigrad.models.lab.artbp import draw, reweighted
from minigrad.transforms import differentiate

N, POSITIVE, START, OPTIMUM = 23, 10, 0.5, -1 / 6
RATE, CLOSE, FAR = 1e-3, 0.02, 1e3  # of learning; converged; diverged
TRUNCATIONS, LENGTHS, SEEDS, STEPS = (1, 10, 50, 100, 200, 400), (16, 50), (0, 1, 2), 100_000


@dataclass(frozen=True)
class Run:
    """How theta went: its value after so many steps of data, one entry per update."""

    name: str
    steps: list[int]
    theta: list[float]

    @property
    def converged(self) -> bool:
        """Whether theta ended close to the optimum."""
        return bool(abs(self.theta[-1] - OPTIMUM) < CLOSE)


@cache
def block(steps: int, length: float = 0.0) -> Tape:
    """The tape (loss, dL/dtheta, last state) of a block; with a length, reweighted as one segment of ARTBP's."""
    A, v = (np.eye(N) + np.eye(N, k=1)) / 2, np.where(np.arange(N) < POSITIVE, 1.0, -1.0)
    theta, s = mg.tensor(START, requires_grad=True, name="theta"), mg.tensor(np.ones(N), name="s")
    transition, push, states = mg.tensor(A, name="A"), theta * v, []
    for t in range(1, steps + 1):
        with mg.timestep(t):
            s = (transition @ s + push).named(f"s_{t}")
        states.append(s)
    tape = Tape.of(0.5 * np.sum(np.square(np.stack(states)[:, 0] - 1)))
    rewritten = reweighted(tape, [steps], length) if length else tape
    loss, gradient = differentiate(rewritten, theta).outputs
    return Tape.of(loss, gradient, rewritten[f"s_{steps}"] if length else s, wrt=(theta,))


def run(
    name: str, lengths: Iterator[int], length: float, steps: int, on_step: Callable[[int], Any]
) -> Run:
    """Online descent over blocks of these lengths, the state carried; lr = 1e-3 / sqrt(1 + steps of data so far)."""
    s: Array = np.ones(N)
    theta, t, found = START, 0, Run(name, [0], [START])
    while t < steps and abs(theta) < FAR:
        n = next(lengths)
        _, gradient, s = block(n, length).replay({"theta": np.array(theta), "s": s})
        t += n
        theta -= RATE / np.sqrt(1 + t) * float(gradient)
        found.steps.append(t)
        found.theta.append(theta)
        on_step(n)
    on_step(max(0, steps - t))
    return found


def balancing(
    truncations: Sequence[int] = TRUNCATIONS,
    lengths: Sequence[int] = LENGTHS,
    seeds: Sequence[int] = SEEDS,
    steps: int = STEPS,
    alpha: float = 6.0,
    on_step: Callable[[int], Any] = lambda n: None,
) -> list[Run]:
    """Every truncation, and ARTBP of every mean length from every seed; ``on_step(n)`` after n more steps of data."""
    runs = [run(f"truncation {k}", repeat(k), 0.0, steps, on_step) for k in truncations]
    for length in lengths:
        for seed in seeds:
            rng = np.random.default_rng(seed)
            drawn = iter(lambda length=length, rng=rng: draw(length, alpha, rng), None)  # type: ignore[misc]
            runs.append(run(f"ARTBP {length}, seed {seed}", drawn, length, steps, on_step))
    return runs


def table(runs: Sequence[Run]) -> str:
    """One line per run."""
    lines = [f"{'':16}  {'theta at the end':>16}  after steps  (the optimum is {OPTIMUM:.4f})"]
    for r in runs:
        what = "converges" if r.converged else "diverges" if abs(r.theta[-1]) >= FAR else "fails"
        lines.append(f"{r.name:16}  {r.theta[-1]:16.4f}  {r.steps[-1]:11,}  {what}")
    return "\n".join(lines)


def as_csv(runs: Sequence[Run]) -> bytes:
    """One line per update."""
    rows = (
        (r.name.replace(",", ""), t, x) for r in runs for t, x in zip(r.steps, r.theta, strict=True)
    )
    lines = [f"{name},{t},{x!r}" for name, t, x in rows]
    return "\n".join(["run,steps,theta", *lines, ""]).encode()


def as_json(runs: Sequence[Run], **about: Any) -> bytes:
    """Every run, with what was asked for in ``about``."""
    return json.dumps({**about, "optimum": OPTIMUM, "runs": [asdict(r) for r in runs]}).encode()
