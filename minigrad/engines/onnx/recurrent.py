"""RNN, GRU and LSTM as ONNX defines them, unrolled: step t of each is recorded as time step t.

Shapes: X (T, B, d), or (B, T, d) in layout 1; W (D, G·h, d), R (D, G·h, h), B (D, 2·G·h) for D
directions and G gates, i o f c of LSTM, z r h of GRU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.scope import timestep
from minigrad.core.tensor import Tensor
from minigrad.errors import ShapeError

from .gate_functions import Activation, activations
from .nodes import Node, Value, as_tensor
from .step_reads import take

State = tuple[Any, ...]
Step = Callable[[Any, State], State]
"""``(x_t, state) -> state``: the output is its first tensor."""

# Each direction by the letter of its states, and whether it reads from the end.
DIRECTIONS = {
    "forward": {"": False},
    "reverse": {"": True},
    "bidirectional": {"f": False, "b": True},
}


# --- cells ----------------------------------------------------------------------------------------
class _Weights:
    """The weights of one direction: of the input (d, G·h), of the state (h, G·h), two biases."""

    def __init__(self, W: Value, R: Value, B: Value, d: int) -> None:
        W, R = (as_tensor(M) for M in (W, R))
        self.x = W[d].T
        self.h = R[d].T
        self.size = len(self.h)
        self.bias_x: Any = None
        self.bias_h: Any = None
        if B is not None:
            count = self.x.shape[1]
            bias = as_tensor(B)
            self.bias_x = bias[d, :count]
            self.bias_h = bias[d, count:]

    def gate(self, z: Any, k: int, count: int = 1) -> Any:
        """Gate k of what is (B, G·h), or ``count`` of them."""
        return z[..., k * self.size : (k + count) * self.size]


def _plus(x: Any, bias: Any) -> Any:
    return x if bias is None else x + bias


def _rnn(n: Node, w: _Weights, f: Sequence[Activation]) -> Step:
    bias = None if w.bias_x is None else w.bias_x + w.bias_h

    def step(x: Any, state: State) -> State:
        (h,) = state
        return (f[0](_plus(x @ w.x + h @ w.h, bias)),)

    return step


def _gru(n: Node, w: _Weights, f: Sequence[Activation]) -> Step:
    if n.get("linear_before_reset", 0):
        return _gru_after(w, f)
    bias = None if w.bias_x is None else w.bias_x + w.bias_h
    gates, candidate = w.gate(w.h, 0, 2), w.gate(w.h, 2)

    def step(x: Any, state: State) -> State:
        (h,) = state
        a = _plus(x @ w.x, bias)
        zr = f[0](w.gate(a, 0, 2) + h @ gates)
        z, r = w.gate(zr, 0), w.gate(zr, 1)
        new = f[1](w.gate(a, 2) + (r * h) @ candidate)
        return ((1 - z) * new + z * h,)

    return step


def _gru_after(w: _Weights, f: Sequence[Activation]) -> Step:
    """The reset gate acts behind the product, and its bias."""

    def step(x: Any, state: State) -> State:
        (h,) = state
        a = _plus(x @ w.x, w.bias_x)
        b = _plus(h @ w.h, w.bias_h)
        zr = f[0](w.gate(a, 0, 2) + w.gate(b, 0, 2))
        z, r = w.gate(zr, 0), w.gate(zr, 1)
        new = f[1](w.gate(a, 2) + r * w.gate(b, 2))
        return ((1 - z) * new + z * h,)

    return step


def _lstm(n: Node, w: _Weights, f: Sequence[Activation], peepholes: Any) -> Step:
    bias = None if w.bias_x is None else w.bias_x + w.bias_h
    is_coupled = n.get("input_forget", 0)

    def peeping(z: Any, gate: int, c: Any) -> Any:
        """Gates i, o, f see the memory through weights of their own."""
        if peepholes is None:
            return z
        return z + w.gate(peepholes, gate) * c

    def step(x: Any, state: State) -> State:
        h, c = state
        z = _plus(x @ w.x + h @ w.h, bias)
        i = f[0](peeping(w.gate(z, 0), 0, c))
        forget = 1 - i if is_coupled else f[0](peeping(w.gate(z, 2), 2, c))
        c = forget * c + i * f[1](w.gate(z, 3))
        o = f[0](peeping(w.gate(z, 1), 1, c))
        return o * f[2](c), c

    return step


# --- operators ------------------------------------------------------------------------------------
def rnn(
    n: Node,
    X: Value,
    W: Value,
    R: Value,
    B: Value = None,
    lengths: Value = None,
    h: Value = None,
) -> State:
    """h_t = f(x_t Wᵀ + h_{t-1} Rᵀ + b)."""
    fs = activations(n, ["tanh"] * 2)
    steps = [_rnn(n, _Weights(W, R, B, d), fs[d : d + 1]) for d in range(len(W))]
    return _unrolled(n, X, steps, lengths, {"h": h}, R.shape[-1])


def gru(
    n: Node,
    X: Value,
    W: Value,
    R: Value,
    B: Value = None,
    lengths: Value = None,
    h: Value = None,
) -> State:
    """The reset gate before the product with R, or, ``linear_before_reset``, behind it."""
    fs = activations(n, ["sigmoid", "tanh"] * 2)
    steps = [_gru(n, _Weights(W, R, B, d), fs[2 * d : 2 * d + 2]) for d in range(len(W))]
    return _unrolled(n, X, steps, lengths, {"h": h}, R.shape[-1])


def lstm(
    n: Node,
    X: Value,
    W: Value,
    R: Value,
    B: Value = None,
    lengths: Value = None,
    h: Value = None,
    c: Value = None,
    P: Value = None,
) -> State:
    """Gates i, o, f, c; peepholes P (D, 3·h)."""
    fs = activations(n, ["sigmoid", "tanh", "tanh"] * 2)
    steps = []
    for d in range(len(W)):
        peepholes = None if P is None else as_tensor(P)[d]
        weights = _Weights(W, R, B, d)
        steps.append(_lstm(n, weights, fs[3 * d : 3 * d + 3], peepholes))
    return _unrolled(n, X, steps, lengths, {"h": h, "c": c}, R.shape[-1])


def _unrolled(
    n: Node,
    X: Value,
    steps: Sequence[Step],
    lengths: Value,
    states: dict[str, Value],
    size: int,
) -> State:
    """The outputs of all steps, and the last states: as the operator gives them."""
    if n.get("hidden_size", size) != size:
        raise n.refuse(f"hidden_size {n.get('hidden_size')} and R for {size}")
    directions = DIRECTIONS[n.get("direction", "forward")]
    layout = n.get("layout", 0)
    X = as_tensor(X)
    T, batch = X.shape[layout], X.shape[1 - layout]
    if isinstance(lengths, np.ndarray) and np.all(lengths == T):
        lengths = None
    xs = [_read(n, X, layout, t) for t in range(1, T + 1)]
    outputs = []
    lasts = []
    for d, (letter, is_reversed) in enumerate(directions.items()):
        state = []
        for name, first in states.items():
            row = np.zeros((batch, size), X.dtype) if first is None else take(first, layout, d)
            if row.shape != (batch, size):
                got = f"a first {name} of {row.shape} in each direction"
                raise ShapeError(n.title, got=got, expected=f"expected {(batch, size)}")
            state.append(as_tensor(row, f"{name}{letter}{n.layer}_0"))
        names = [f"{name}{letter}" for name in states]
        run = _Direction(n, names, steps[d], lengths)
        outputs.append(np.stack(run.over(xs, tuple(state), is_reversed), axis=layout))
        lasts.append(run.last)
    Y = np.stack(outputs, axis=2 if layout else 1)
    return Y, *(np.stack(parts, axis=layout) for parts in zip(*lasts, strict=True))


def _read(n: Node, X: Tensor, axis: int, t: int) -> Any:
    """The input of step t."""
    with timestep(t):
        return as_tensor(take(X, axis, t - 1), f"x{n.layer}_{t}")


class _Direction:
    """One direction, run step by step; ``last`` is the state at its end."""

    def __init__(self, n: Node, names: list[str], step: Step, lengths: Value) -> None:
        self.layer = n.layer
        self.names = names
        self.step = step
        self.lengths = lengths
        self.last: State = ()

    def over(self, xs: Sequence[Any], state: State, is_reversed: bool) -> list[Any]:
        """The outputs, in the order of the inputs."""
        outputs: dict[int, Any] = {}
        ends = []
        times = range(1, len(xs) + 1)
        for t in reversed(times) if is_reversed else times:
            with timestep(t):
                new = self.step(xs[t - 1], state)
                outputs[t] = new[0]
                if self.lengths is not None:
                    # (B, 1): whether a sequence goes on
                    on = (self.lengths >= t)[:, None]
                    new = tuple(np.where(on, a, b) for a, b in zip(new, state, strict=True))
                    outputs[t] = np.where(on, new[0], new[0].dtype.type(0))
                    ends.append(self._at_end(new, t))
            for name, tensor in zip(self.names, new, strict=True):
                as_tensor(tensor, f"{name}{self.layer}_{t}")
            state = new
        self.last = state
        if ends and not is_reversed:
            # not from the last step: a gradient that is truncated is counted from the ends
            self.last = tuple(np.sum(np.stack(parts), axis=0) for parts in zip(*ends, strict=True))
        return [outputs[t] for t in times]

    def _at_end(self, state: State, t: int) -> State:
        """The state of the sequences that end here, zeros for the others."""
        end = (self.lengths == t)[:, None]
        return tuple(np.where(end, s, s.dtype.type(0)) for s in state)
