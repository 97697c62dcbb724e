"""Small recurrent networks of every kind, and every transform: what the laws are stated over."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf


def tanh(x, w, h):
    return (np.tanh(x @ w[0] + h[0] @ w[1]),)


def linear(x, w, h):
    return (x @ w[0] + h[0] @ w[1],)


def lstm(x, w, h):
    """Two states, and each read more than once in a step."""
    z = x @ w[0] + h[0] @ w[1]
    c = mg.sigmoid(z) * h[1] + np.tanh(z) * (1 - mg.sigmoid(z))
    return mg.sigmoid(z + h[1]) * np.tanh(c), c


@dataclass(frozen=True)
class Net:
    """A recurrent network, its weights and its data; ``loss`` runs it."""

    cell: object = tanh
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
        return [mg.tensor(w, requires_grad=True, name=name) for name, w in weights]

    def loss(self, params, enter=lambda t, h: h, terms=None):
        """The sum of the losses at the steps in terms; enter sees each state as step t takes it over."""
        rng = np.random.default_rng(self.seed + 1)
        x, y = rng.normal(size=(2, self.T, 3, 2))
        terms = terms or (range(1, self.T + 1) if self.every_step else [self.T])
        states = [
            [mg.tensor(rng.normal(size=(3, 2))) for _ in range(1 + (self.cell is lstm))]
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
        return values(mg.grad(self.loss(params, enter, terms), params))

    @property
    def terms(self):
        return range(1, self.T + 1) if self.every_step else [self.T]


nets = st.builds(
    Net,
    st.sampled_from([tanh, linear, lstm]),
    st.integers(1, 7),
    st.integers(1, 2),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
steps = st.integers(1, 8)


def values(tensors):
    return [t.data for t in tensors]


def grads(tape, params):
    """The gradients of a tape, taken from its steps."""
    found = {s.tensor: s.grad for s in tape.steps()}
    return [found.get(p, np.zeros(p.shape)) for p in params]


def same(got, expected):
    """Equal to the last bit; arrays, or Tensors that hold them."""
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_array_equal(getattr(g, "data", g), getattr(e, "data", e))


def close(got, expected, rtol=1e-11, atol=1e-12):
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=rtol, atol=atol)


def total(lists):
    return [sum(gs) for gs in zip(*lists, strict=True)]


def recurrent(tape):
    return tape.recurrent_edges()


TRANSFORMS = {
    "cut": lambda t: tf.cut(t, recurrent(t)),
    "scale": lambda t: tf.scale(t, recurrent(t), 0.5),
    "clip_edges": lambda t: tf.clip_edges(t, recurrent(t), 0.1),
    "every": lambda t: tf.truncate(t, every=2),
    "window": lambda t: tf.truncate(t, window=1),
    "every and window": lambda t: tf.truncate(t, every=2, window=2),
    "randomly": lambda t: tf.truncate_randomly(t, 0.5, 0),
    "random segments": lambda t: tf.truncate_randomly(t, 0.5, 0, reweight=False),
    "untie": lambda t: tf.untie(t, t.parameters),
    "differentiate": tf.differentiate,
    "clip": lambda t: tf.clip(tf.differentiate(t), 0.1),
    "clip_value": lambda t: tf.clip_value(tf.differentiate(t), 0.01),
    "simplify": tf.simplify,
    "simplify untied": lambda t: tf.simplify(tf.untie(t, t.parameters)),
    "all": lambda t: tf.clip(
        tf.differentiate(tf.untie(tf.truncate(t, every=2), t.parameters)), 1.0
    ),
}


def rnn(T=6, k=None, B=2, H=3, X=None):
    rng = np.random.default_rng(1)
    W = mg.tensor(rng.normal(0, H**-0.5, (H, H)), requires_grad=True, name="W")
    h, loss = mg.tensor(np.zeros((B, H)), name="h_0"), mg.tensor(0.0)
    X = mg.tensor(rng.normal(size=(T, B, H)), name="X") if X is None else X
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = np.tanh(X[t - 1] + h @ W).named(f"h_{t}")
            loss = loss + np.mean(h * h)
        if k and t % k == 0:
            h, loss = tf.checkpoint(mg.Tape.of(h, loss), k).outputs
    return W, loss.named("L")
