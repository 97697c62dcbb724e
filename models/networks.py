"""One small network of each kind, recorded: what ``minigrad figure gallery`` draws.

Each takes no arguments but sizes, draws its weights from a fixed seed, and returns its loss as a
Tape: the names are the book's, one row of a matrix per example or position.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape, Tensor

from .language_model import RNNLM

WIDTH = 4


class _Leaves:
    """Weights, and data, from one seed."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def weight(self, name: str, *shape: int) -> Tensor:
        values = self._rng.normal(size=shape) / np.sqrt(shape[0])
        return mg.tensor(values, requires_grad=True, name=name)

    def data(self, name: str, *shape: int) -> Tensor:
        return mg.tensor(self._rng.normal(size=shape), name=name)


def mlp(layers: int = 3) -> Tape:
    """A multilayer perceptron with residual connections and ReLU."""
    leaves = _Leaves()
    h = leaves.data("X", 8, WIDTH)
    for k in range(1, layers + 1):
        W = leaves.weight(f"W_{k}", WIDTH, WIDTH)
        b = leaves.weight(f"b_{k}", WIDTH)
        h = (h + mg.relu(h @ W + b)).named(f"h_{k}")
    y = leaves.data("y", 8, WIDTH)
    return Tape.of(np.mean((h - y) ** 2).named("L"))


def attend(q: Tensor, k: Tensor, v: Tensor) -> Any:
    """Scaled dot-product attention: queries (n, d), keys and values (m, d) -> (n, d)."""
    scores = (q @ k.T / np.sqrt(k.shape[-1])).named("S")
    return mg.softmax(scores).named("A") @ v


def attention() -> Tape:
    """One head of self-attention."""
    leaves = _Leaves()
    X = leaves.data("X", 6, WIDTH)
    q, k, v = ((X @ leaves.weight(f"W_{x}", WIDTH, WIDTH)).named(x.upper()) for x in "qkv")
    y = leaves.data("y", 6, WIDTH)
    return Tape.of(np.mean((attend(q, k, v) - y) ** 2).named("L"))


def transformer(heads: int = 2) -> Tape:
    """A transformer block: attention of several heads, a perceptron, two layer normalizations."""
    leaves = _Leaves()
    X = leaves.data("X", 6, WIDTH)
    size = WIDTH // heads
    outputs = []
    for i in range(1, heads + 1):
        weights = [leaves.weight(f"W_{x}{i}", WIDTH, size) for x in "qkv"]
        outputs.append(attend(*(X @ W for W in weights)).named(f"head_{i}"))
    joined = np.concatenate(outputs, axis=-1) @ leaves.weight("W_o", WIDTH, WIDTH)
    Y = _normalized(X + joined, leaves, 1).named("Y")
    inner = mg.relu(Y @ leaves.weight("W_1", WIDTH, 2 * WIDTH) + leaves.weight("b_1", 2 * WIDTH))
    outer = inner @ leaves.weight("W_2", 2 * WIDTH, WIDTH) + leaves.weight("b_2", WIDTH)
    Z = _normalized(Y + outer, leaves, 2).named("Z")
    return Tape.of(np.mean((Z - leaves.data("T", 6, WIDTH)) ** 2).named("L"))


def _normalized(x: Any, leaves: _Leaves, number: int) -> Any:
    """Layer normalization with a gain and a bias of its own."""
    centred = x - np.mean(x, axis=-1, keepdims=True)
    variance = np.mean(centred**2, axis=-1, keepdims=True)
    gain, bias = (leaves.weight(f"{name}_{number}", WIDTH) for name in ("gamma", "beta"))
    return centred / np.sqrt(variance + 1e-5) * gain + bias


def bidirectional(T: int = 4) -> Tape:
    """A bidirectional RNN: a state from the left and one from the right at each step."""
    leaves = _Leaves()
    X = [leaves.data(f"x_{t}", 1, WIDTH) for t in range(1, T + 1)]
    left = _direction(X, leaves, "f", range(1, T + 1))
    right = _direction(X, leaves, "b", range(T, 0, -1))
    W_q = leaves.weight("W_hq", 2 * WIDTH, WIDTH)
    loss = mg.tensor(0.0)
    for t in range(1, T + 1):
        with mg.timestep(t):
            o = (np.concatenate([left[t], right[t]], axis=-1) @ W_q).named(f"o_{t}")
            loss = loss + np.mean((o - leaves.data(f"y_{t}", 1, WIDTH)) ** 2)
    return Tape.of((loss / T).named("L"))


def _direction(
    X: list[Tensor], leaves: _Leaves, name: str, order: Sequence[int]
) -> dict[int, Tensor]:
    """The states of one direction by step."""
    W_xh, W_hh = (leaves.weight(f"W_{kind}{name}", WIDTH, WIDTH) for kind in ("x", "h"))
    h = leaves.data(f"h{name}_0", 1, WIDTH)
    states = {}
    for t in order:
        with mg.timestep(t):
            h = np.tanh(X[t - 1] @ W_xh + h @ W_hh).named(f"h{name}_{t}")
        states[t] = h
    return states


def encoder_decoder(T: int = 4, outputs: int = 3) -> Tape:
    """An encoder, and a decoder that attends to all states of the encoder at each of its steps."""
    leaves = _Leaves()
    X = [leaves.data(f"x_{t}", 1, WIDTH) for t in range(1, T + 1)]
    states = _direction(X, leaves, "e", range(1, T + 1))
    joined: Any = np.concatenate([states[t] for t in range(1, T + 1)])
    memory = joined.named("M")
    W_ys, W_ss, W_cs = (leaves.weight(f"W_{k}", WIDTH, WIDTH) for k in ("ys", "ss", "cs"))
    W_so = leaves.weight("W_so", WIDTH, WIDTH)
    s, loss = states[T], mg.tensor(0.0)
    for t in range(T + 1, T + outputs + 1):
        with mg.timestep(t):
            weights = mg.softmax(s @ memory.T).named(f"a_{t}")
            c = (weights @ memory).named(f"c_{t}")
            y = leaves.data(f"y_{t}", 1, WIDTH)
            s = np.tanh(y @ W_ys + s @ W_ss + c @ W_cs).named(f"s_{t}")
            o = (s @ W_so).named(f"o_{t}")
            loss = loss + np.mean((o - leaves.data(f"z_{t}", 1, WIDTH)) ** 2)
    return Tape.of((loss / outputs).named("L"))


def hierarchical(T: int = 6, period: int = 2) -> Tape:
    """Two clocks: a fast state at each step, and a slow one at each ``period``-th."""
    leaves = _Leaves()
    W_xh, W_hh, W_sh = (leaves.weight(f"W_{k}", WIDTH, WIDTH) for k in ("xh", "hh", "sh"))
    W_hs, W_ss, W_hq = (leaves.weight(f"W_{k}", WIDTH, WIDTH) for k in ("hs", "ss", "hq"))
    h, s = leaves.data("h_0", 1, WIDTH), leaves.data("s_0", 1, WIDTH)
    loss = mg.tensor(0.0)
    for t in range(1, T + 1):
        with mg.timestep(t):
            x = leaves.data(f"x_{t}", 1, WIDTH)
            h = np.tanh(x @ W_xh + h @ W_hh + s @ W_sh).named(f"h_{t}")
            if t % period == 0:
                s = np.tanh(h @ W_hs + s @ W_ss).named(f"s_{t}")
            loss = loss + np.mean((h @ W_hq - leaves.data(f"y_{t}", 1, WIDTH)) ** 2)
    return Tape.of((loss / T).named("L"))


def self_attending(T: int = 5) -> Tape:
    """A recurrent network whose state attends to all states before it."""
    leaves = _Leaves()
    W_xh, W_hh = (leaves.weight(f"W_{k}", WIDTH, WIDTH) for k in ("xh", "hh"))
    h = leaves.data("h_0", 1, WIDTH)
    past, loss = [h], mg.tensor(0.0)
    for t in range(1, T + 1):
        with mg.timestep(t):
            memory = np.concatenate(past)
            c = (mg.softmax(h @ memory.T) @ memory).named(f"c_{t}")
            h = np.tanh(leaves.data(f"x_{t}", 1, WIDTH) @ W_xh + c @ W_hh).named(f"h_{t}")
            loss = loss + np.mean((h - leaves.data(f"y_{t}", 1, WIDTH)) ** 2)
        past.append(h)
    return Tape.of((loss / T).named("L"))


def language_model(kind: str = "lstm", layers: int = 2, T: int = 35) -> Tape:
    """A character-level language model of ``layers`` cells of this kind."""
    lm = RNNLM(kind, hidden=WIDTH, vocab=8, layers=layers)
    tokens = np.random.default_rng(0).integers(8, size=(2, T + 1))
    return Tape.of(lm.loss(tokens[:, :-1], tokens[:, 1:]))


NETWORKS: dict[str, Callable[[], Tape]] = {
    fn.__name__: fn
    for fn in (
        mlp,
        attention,
        transformer,
        bidirectional,
        encoder_decoder,
        hierarchical,
        self_attending,
        language_model,
    )
}
"""The networks by name."""
