"""The running example of D2L 9.7: the linear RNN on a few steps of random data, recorded on a tape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.models.cells import LinearRNN
from minigrad.models.unrolling import unroll

from . import closed_form as bptt


@dataclass(frozen=True)
class Section:
    """The example: its tape (output L), its model, and the same data as plain arrays for the closed form."""

    tape: mg.Tape
    rnn: LinearRNN
    xs: list[bptt.Array]
    ys: list[bptt.Array]
    h_0: bptt.Array

    def closed_form(self) -> bptt.Gradients:
        """The gradients by equations 9.7.11-9.7.16, for l = 1/2 |o - y|^2."""
        W_hx, W_hh, W_qh = (p.numpy() for p in (self.rnn.W_hx, self.rnn.W_hh, self.rnn.W_qh))
        return bptt.closed_form(
            W_hx, W_hh, W_qh, self.h_0, self.xs, lambda o, t: o - self.ys[t - 1]
        )


def section(
    T: int = 3, d: int = 3, h: int = 4, q: int = 2, batch: int = 1, seed: int = 0
) -> Section:
    """T steps of the linear RNN with L = (1/T) sum_t 1/2 |o_t - y_t|^2, named and stamped as in Fig. 9.7.2."""
    rng = np.random.default_rng(seed)
    rnn = LinearRNN(d, h, q, rng)
    xs, ys = [list(rng.normal(size=(T, size, batch))) for size in (d, q)]
    h_0 = rng.normal(size=(h, batch))
    outputs, _ = unroll(rnn, xs, mg.tensor(h_0))
    losses: list[Any] = []
    for t, (o, y) in enumerate(zip(outputs, ys, strict=True), 1):
        with mg.timestep(t):
            target = mg.tensor(y, name=f"y_{t}")
        losses.append(0.5 * np.square(o - target).sum())
    loss: Any = np.mean(np.stack(losses))
    return Section(mg.Tape.of(loss.named("L")), rnn, xs, ys, h_0)
