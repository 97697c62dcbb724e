"""The running example of D2L 9.7: the linear RNN on a few steps of random data, on a tape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.models.cells import LinearRNN
from minigrad.models.unrolling import unroll

from .closed_form import Array, Gradients, closed_form


@dataclass(frozen=True)
class Section:
    """The example: its tape (output L), its model, and the same data as arrays for the closed form.

    Shapes: xs[t-1] (d, B), ys[t-1] (q, B), h_0 (h, B).
    """

    tape: mg.Tape
    rnn: LinearRNN
    xs: list[Array]
    ys: list[Array]
    h_0: Array

    def closed_form(self) -> Gradients:
        """The gradients by equations 9.7.11-9.7.16, for l = 1/2 |o - y|^2."""
        return closed_form(
            self.rnn.W_hx.numpy(),
            self.rnn.W_hh.numpy(),
            self.rnn.W_qh.numpy(),
            self.h_0,
            self.xs,
            dl=lambda o, t: o - self.ys[t - 1],
        )


def section(
    T: int = 3,
    d: int = 3,
    h: int = 4,
    q: int = 2,
    batch: int = 1,
    seed: int = 0,
) -> Section:
    """T steps of the linear RNN with L = (1/T) sum_t 1/2 |o_t - y_t|^2, named as in Fig. 9.7.2.

    d inputs, h hidden units and q outputs per step, ``batch`` examples in columns; weights and data
    are drawn from ``seed``.

    >>> from minigrad import models
    >>> example = models.section(T=3)
    >>> example.tape["h_2"].shape
    (4, 1)
    >>> W_hh = example.rnn.W_hh
    >>> by_backward = mg.grad(example.tape.outputs[0], W_hh)[0].data
    >>> bool(np.allclose(by_backward, example.closed_form().W_hh))
    True

    Source: D2L 9.7.2.
    """
    rng = np.random.default_rng(seed)
    rnn = LinearRNN(d, h, q, rng)
    xs = list(rng.normal(size=(T, d, batch)))
    ys = list(rng.normal(size=(T, q, batch)))
    h_0 = rng.normal(size=(h, batch))
    outputs, _ = unroll(rnn, xs, mg.tensor(h_0))
    losses: list[Any] = []
    for t, (o, y) in enumerate(zip(outputs, ys, strict=True), 1):
        with mg.timestep(t):
            target = mg.tensor(y, name=f"y_{t}")
        squares = np.square(o - target)
        losses.append(0.5 * squares.sum())
    loss: Any = np.mean(np.stack(losses))
    return Section(mg.Tape.of(loss.named("L")), rnn, xs, ys, h_0)
