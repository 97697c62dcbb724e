"""Plain recurrences, h_t = tanh(x_t + h_{t-1} W), with a loss in every step."""

import numpy as np

import minigrad as mg
from minigrad import transforms as tf
from tests.zoo.leaves import param


def plain_rnn(T=3, seed=0, arrays=None):
    """The loss, W and X; ``arrays`` are the values of W (2, 2) and X (T, 1, 2), else drawn from ``seed``."""
    rng = np.random.default_rng(seed)
    w, x = arrays or (rng.normal(size=(2, 2)), rng.normal(size=(T, 1, 2)))
    W, X = param(w, "W"), mg.tensor(x, name="X")
    h, loss = mg.tensor(np.zeros((1, 2)), name="h_0"), 0.0
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = np.tanh(X[t - 1] + h @ W).named(f"h_{t}")
            loss = loss + np.sum(h * h)
    return loss.named("L"), W, X


def segmented_rnn(T=6, k=None, B=2, H=3, X=None):
    """W and the loss; checkpointed after every k steps, while it is recorded."""
    rng = np.random.default_rng(1)
    W = param(rng.normal(0, H**-0.5, (H, H)), "W")
    h, loss = mg.tensor(np.zeros((B, H)), name="h_0"), mg.tensor(0.0)
    X = mg.tensor(rng.normal(size=(T, B, H)), name="X") if X is None else X
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = np.tanh(X[t - 1] + h @ W).named(f"h_{t}")
            loss = loss + np.mean(h * h)
        if k and t % k == 0:
            h, loss = tf.checkpoint(mg.Tape.of(h, loss), k).outputs
    return W, loss.named("L")


def layered_rnn(T, layers=1):
    """The loss of layers one above the other, each with its own W."""
    rng = np.random.default_rng(0)
    W = [param(rng.normal(size=(3, 3)), f"W_{i}") for i in range(layers)]
    X, loss = mg.tensor(rng.normal(size=(T, 2, 3)), name="X"), 0
    states = [mg.tensor(np.zeros((2, 3)))] * layers
    for t in range(T):
        with mg.timestep(t):
            x = X[t]
            for i in range(layers):
                states[i] = x = np.tanh(x + states[i] @ W[i])
            loss = loss + np.sum(x * x)
    return loss
