"""A plan of a randomly truncated tape, whose xi_t are drawn anew."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import (
    ArgumentError,
)
from minigrad.models.cells import RNNCell
from tests.laws import close
from tests.zoo import stacked


def test_randomized_truncation_is_drawn_anew():
    loss, _ = stacked(RNNCell)
    tape = tr.differentiate(tr.truncate_randomly(mg.Tape.of(loss), 0.5, 3))
    plan, boundaries = mg.compile(tape), [f"xi_{t}" for t in range(2, 6)]
    plan.resample(7)
    xi = 2.0 * (np.random.default_rng(7).random(4) < 0.5)
    close(plan(), tape.replay(dict(zip(boundaries, xi, strict=True))))
    close(plan(dict.fromkeys(boundaries, 1.0)), tr.differentiate(mg.Tape.of(loss)).replay())
    with pytest.raises(ArgumentError, match="resample: no xi_t with known probabilities"):
        mg.compile(mg.Tape.of(loss)).resample(0)


def test_the_average_of_resampled_gradients_is_the_full_one():
    loss, _ = stacked(RNNCell, T=4)
    keep = {2: 0.5, 3: 0.25, 4: 0.75}
    tape = tr.differentiate(tr.truncate_randomly(mg.Tape.of(loss), keep, 3))
    plan, mean = mg.compile(tape), 0
    for drawn in itertools.product([0, 1], repeat=3):  # all patterns, by their probability
        xi = {f"xi_{t}": d / p for d, (t, p) in zip(drawn, keep.items(), strict=True)}
        chance = np.prod([p if d else 1 - p for d, p in zip(drawn, keep.values(), strict=True)])
        mean = [
            m + chance * g for m, g in zip(mean or [0] * len(tape.outputs), plan(xi), strict=True)
        ]
    close(mean, tr.differentiate(mg.Tape.of(loss)).replay())


def test_truncations_within_truncations_are_drawn_each_by_itself():
    w, h = mg.tensor(0.9, requires_grad=True, name="w"), mg.tensor(1.0, name="x0")
    for t in range(4):
        with mg.timestep(t):
            h = w * h
    tape = mg.Tape.of(h)
    plan = mg.compile(
        tr.differentiate(tr.truncate_randomly(tr.truncate_randomly(tape, 0.5, 3), 0.7, 4))
    )
    rng, n, total = np.random.default_rng(0), 4000, np.zeros(2)
    for _ in range(n):
        plan.resample(rng)
        g = float(plan()[1])
        total += g, g * g
    mean, spread = total[0] / n, np.sqrt(total[1] / n / n)
    assert abs(mean - 4 * 0.9**3) < 4 * spread
