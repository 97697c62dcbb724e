"""Losses to step through: a small recurrent network of every cell, and two whose gradient goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.models.cells import GRUCell, LSTMCell, RNNCell
from minigrad.models.unrolling import unroll

from .section import section


def network(cell: str, steps: int, seed: int = 0) -> mg.Tensor:
    """The loss of a small recurrent network, ``rnn``, ``gru``, ``lstm`` or the section's ``linear``, on random data."""
    if cell == "linear":
        return section(steps, seed=seed).tape.outputs[0]
    rng = np.random.default_rng(seed)
    made: Any = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell}[cell](3, 4, rng, sigma=0.5)
    outputs, _ = unroll(made, list(rng.normal(size=(steps, 1, 3))))
    loss: Any = np.sum(np.square(np.stack(outputs)))
    return loss.named("L")  # type: ignore[no-any-return]


def exploding(steps: int = 40) -> mg.Tensor:
    """A linear network whose input is silent up to the last step: every value is small, and the gradient is NaN.

    W_hh is 16 times a rotation. Going back, dL/dh_t grows by 16 a step until float32 ends, and inf times h = 0 is NaN.
    """
    silent = np.zeros((steps - 1, 1, 3))
    return _chain([*silent, np.ones((1, 3))], 16.0, lambda z: z)


def vanishing(steps: int = 20) -> mg.Tensor:
    """A tanh network with W_hh 0.3 times a rotation: of the last step's gradient next to nothing reaches the first."""
    return _chain(list(np.random.default_rng(1).normal(size=(steps, 1, 3))), 0.3, np.tanh)


def _chain(xs: list[Any], gain: float, phi: Callable[[Any], Any]) -> mg.Tensor:
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    W_hh = mg.tensor(gain * rotation, requires_grad=True, name="W_hh", dtype=np.float32)
    W_xh = mg.tensor(
        0.5 * rng.normal(size=(3, 4)), requires_grad=True, name="W_xh", dtype=np.float32
    )
    h: Any = mg.tensor(np.zeros((1, 4)), name="h_0", dtype=np.float32)
    for t, value in enumerate(xs, 1):
        with mg.timestep(t):
            x = mg.tensor(value, name=f"x_{t}", dtype=np.float32)
            h = phi(x @ W_xh + h @ W_hh).named(f"h_{t}")
    loss: Any = np.sum(np.square(h - 1))
    return loss.named("L")  # type: ignore[no-any-return]


CASES = {"exploding": exploding, "vanishing": vanishing}
