"""Small recurrent networks whose states the user may send through gates placed by hand."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from tests.zoo.leaves import param


def tanh_cell(x, w, h):
    return (np.tanh(x @ w[0] + h[0] @ w[1]),)


def linear_cell(x, w, h):
    return (x @ w[0] + h[0] @ w[1],)


def lstm_cell(x, w, h):
    """Two states, and each read more than once in a step."""
    z = x @ w[0] + h[0] @ w[1]
    c = mg.sigmoid(z) * h[1] + np.tanh(z) * (1 - mg.sigmoid(z))
    return mg.sigmoid(z + h[1]) * np.tanh(c), c


@dataclass(frozen=True)
class Net:
    """A recurrent network, its weights and its data; ``loss`` runs it."""

    cell: object = tanh_cell
    T: int = 4
    layers: int = 1
    every_step: bool = True  # a loss at every step, or only at the last
    inside: bool = True  # the losses computed and summed inside the steps, or after the loop
    seed: int = 0

    def params(self):
        rng = np.random.default_rng(self.seed)
        weights = [
            (f"W_{n}{i}", rng.normal(0, 0.7, (2, 2))) for i in range(self.layers) for n in "xh"
        ]
        return [param(w, name) for name, w in weights]

    def loss(self, params, enter=lambda t, h: h, terms=None):
        """The sum of the losses at the steps in terms; enter sees each state as step t takes it over."""
        rng = np.random.default_rng(self.seed + 1)
        x, y = rng.normal(size=(2, self.T, 3, 2))
        terms = terms or (range(1, self.T + 1) if self.every_step else [self.T])
        states = [
            [mg.tensor(rng.normal(size=(3, 2))) for _ in range(1 + (self.cell is lstm_cell))]
        ] * self.layers
        total, late = 0.0, []
        for t in range(1, self.T + 1):
            with mg.timestep(t):
                below = mg.tensor(x[t - 1])
                for i in range(self.layers):
                    before = [enter(t, h) for h in states[i]] if t > 1 else states[i]
                    after = self.cell(below, params[2 * i : 2 * i + 2], before)
                    states = [*states[:i], after, *states[i + 1 :]]
                    below = after[0]
                if t in terms and self.inside:
                    total = total + mg.mse(below, y[t - 1])
                elif t in terms:
                    late.append((t, below))
        for t, h in late:
            total = total + mg.mse(h, y[t - 1])
        return total

    def tape(self):
        params = self.params()
        return mg.Tape.of(self.loss(params)), params

    def grads(self, enter=lambda t, h: h, terms=None):
        """The gradients of a network whose gates the user placed by hand."""
        params = self.params()
        return [g.data for g in mg.grad(self.loss(params, enter, terms), params)]

    @property
    def terms(self):
        return range(1, self.T + 1) if self.every_step else [self.T]


nets = st.builds(
    Net,
    st.sampled_from([tanh_cell, linear_cell, lstm_cell]),
    st.integers(1, 7),
    st.integers(1, 2),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
