"""Losses to step through: a small network of every cell, and two whose gradient goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.models.cells import CELLS
from minigrad.models.unrolling import unroll

from .section import section

INPUTS = 3
HIDDEN = 4


def network(cell: str, steps: int, seed: int = 0) -> mg.Tensor:
    """The loss of a small recurrent network on random data.

    ``cell`` is ``rnn``, ``gru``, ``lstm`` or the section's ``linear``.
    """
    if cell == "linear":
        example = section(steps, seed=seed)
        return example.tape.outputs[0]
    rng = np.random.default_rng(seed)
    make = CELLS[cell].make
    network_cell = make(INPUTS, HIDDEN, rng, sigma=0.5)
    xs = rng.normal(size=(steps, 1, INPUTS))
    outputs, _ = unroll(network_cell, list(xs))
    stacked = np.stack(outputs)
    loss = np.sum(np.square(stacked))
    return _named_loss(loss)


def exploding(steps: int = 40) -> mg.Tensor:
    """A linear network, silent up to the last step: every value is small, and the gradient is NaN.

    W_hh is 16 times a rotation. Going back, dL/dh_t grows by 16 a step until float32 ends, and
    inf times h = 0 is NaN.
    """
    xs = np.zeros((steps, 1, INPUTS))
    xs[-1] = 1
    return _chain(xs, gain=16.0, phi=_identity)


def _identity(z: Any) -> Any:
    return z


def vanishing(steps: int = 20) -> mg.Tensor:
    """A tanh network with W_hh 0.3 times a rotation: next to nothing reaches the first step."""
    rng = np.random.default_rng(1)
    xs = rng.normal(size=(steps, 1, INPUTS))
    return _chain(xs, gain=0.3, phi=np.tanh)


def _chain(
    xs: Iterable[Any],
    gain: float,
    phi: Callable[[Any], Any],
) -> mg.Tensor:
    """h_t = phi(x_t W_xh + h_{t-1} W_hh) with W_hh a rotation times the gain, and a loss on h_T."""
    rng = np.random.default_rng(0)
    square = rng.normal(size=(HIDDEN, HIDDEN))
    rotation, _ = np.linalg.qr(square)
    wide = rng.normal(size=(INPUTS, HIDDEN))
    start = np.zeros((1, HIDDEN))
    # A partial, no function of ours: these lines are shown as where the tensors come from.
    tensor = partial(mg.tensor, dtype=np.float32)
    W_hh = tensor(gain * rotation, requires_grad=True, name="W_hh")
    W_xh = tensor(0.5 * wide, requires_grad=True, name="W_xh")
    h: Any = tensor(start, name="h_0")
    for t, value in enumerate(xs, 1):
        with mg.timestep(t):
            x = tensor(value, name=f"x_{t}")
            h = phi(x @ W_xh + h @ W_hh).named(f"h_{t}")
    squares = np.square(h - 1)
    return _named_loss(np.sum(squares))


def _named_loss(loss: Any) -> mg.Tensor:
    named: mg.Tensor = loss.named("L")
    return named


CASES = {"exploding": exploding, "vanishing": vanishing}
