"""Recurrent cells, in the book's equations and symbols.

A cell is a function (x_t, state) -> (output, state).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tensor
from minigrad.errors import ArgumentError
from minigrad.internal import parameters_in

from .initial import ACTIVATIONS, RESETS, Init, Shared
from .unrolling import Cell, Shape, Step


def parameters(module: Any) -> list[Tensor]:
    """All parameters held by a model's attributes, and by theirs, in the order they were set.

    Dicts, lists, tuples, dataclasses and other models among them are walked, and each parameter is
    listed once, however often it occurs. Raises ArgumentError for what can hold none.

    >>> from minigrad import models
    >>> [(p.name, p.shape) for p in models.parameters(models.RNNCell(3, 2))]
    [('W_xh', (3, 2)), ('W_hh', (2, 2)), ('b_h', (2,))]
    """
    return parameters_in(module)


class LinearRNN:
    """The section's own model: h_t = W_hx x_t + W_hh h_{t-1}, o_t = W_qh h_t. Source: D2L 9.7.2.

    Shapes: x_t (d, B), h_t (h, B), o_t (q, B): B examples are columns.

    >>> from minigrad import models
    >>> o, h = models.LinearRNN(d=3, h=2, q=4, rng=0)(np.ones((3, 5)), np.zeros((2, 5)))
    >>> o.shape, h.shape
    ((4, 5), (2, 5))
    """

    state_names = ("h",)
    batch_axis = 1

    def __init__(self, d: int, h: int, q: int, rng: Any = None) -> None:
        init = Init(rng, 0.5, np.float64)
        self.W_hx = init.weight("W_hx", h, d)
        self.W_hh = init.weight("W_hh", h, h)
        self.W_qh = init.weight("W_qh", q, h)

    def __call__(self, x: Any, h: Any) -> Step:
        """(x_t, h_{t-1}) -> (o_t, h_t)."""
        h = self.W_hx @ x + self.W_hh @ h
        return self.W_qh @ h, h

    def zero_state(self, x_shape: Shape) -> Tensor:
        """h_0 = 0."""
        shape = (len(self.W_hh), *x_shape[1:])
        return mg.tensor(np.zeros(shape))


class RNNCell(Shared):
    """H_t = tanh(X_t W_xh + H_{t-1} W_hh + b_h). Source: D2L 9.4.

    Shapes: X_t (B, d), H_t (B, h). ``sigma`` is the standard deviation of the first weights, drawn
    by ``rng``, a generator or a seed. In every cell a ``mask`` (B, h) multiplies H_{t-1} where a
    weight matrix reads it: dropout. ``activation="relu"`` takes ReLU in place of tanh.

    >>> from minigrad import models
    >>> cell = models.RNNCell(3, 2, rng=0)
    >>> x = np.ones((5, 3))
    >>> output, h = cell(x, cell.zero_state(x.shape))
    >>> output is h, h.shape
    (True, (5, 2))
    """

    state_names = ("h",)
    activation = "tanh"
    # A second bias beside W_hh, as frameworks have it; none in the book.
    b_hh: Tensor | None = None

    def __init__(
        self,
        d: int,
        h: int,
        rng: Any = None,
        sigma: float = 0.01,
        dtype: Any = np.float64,
        activation: str = "tanh",
    ) -> None:
        """Raises ArgumentError for an activation that there is not."""
        if activation not in ACTIVATIONS:
            raise _no_setting("RNNCell", "activation", activation, ACTIVATIONS)
        self.activation = activation
        init = Init(rng, sigma, dtype)
        self.W_xh, self.W_hh, self.b_h = init.gate("h", d, h)

    def __call__(self, x: Any, h: Any, mask: Any = None) -> Step:
        """(X_t, H_{t-1}) -> (H_t, H_t)."""
        h = _dropped(h, mask)
        total = x @ self.W_xh + _plus(h @ self.W_hh, self.b_hh) + self.b_h
        h = ACTIVATIONS[self.activation](total)
        return h, h

    def zero_state(self, x_shape: Shape) -> Tensor:
        """H_0 = 0."""
        return _zeros(x_shape, self.W_hh)


class GRUCell(Shared):
    """Gated recurrent unit. As RNNCell. Source: D2L 10.2.

    The reset gate R acts before the product, (R * H_{t-1}) W_hh, or, with ``reset="after"``, as in
    PyTorch, after it, R * (H_{t-1} W_hh + b_hh).

    >>> from minigrad import models
    >>> outputs, h = models.unroll(models.GRUCell(3, 2, rng=0), np.ones((4, 5, 3)))
    >>> h.name, h.shape
    ('h_4', (5, 2))
    """

    state_names = ("h",)
    reset = "before"
    # Second biases beside W_h*, as frameworks have them; none in the book.
    b_hz: Tensor | None = None
    b_hr: Tensor | None = None
    b_hh: Tensor | None = None

    def __init__(
        self,
        d: int,
        h: int,
        rng: Any = None,
        sigma: float = 0.01,
        dtype: Any = np.float64,
        reset: str = "before",
    ) -> None:
        """Raises ArgumentError for another ``reset`` than before or after."""
        if reset not in RESETS:
            raise _no_setting("GRUCell", "reset", reset, RESETS)
        self.reset = reset
        init = Init(rng, sigma, dtype)
        self.W_xz, self.W_hz, self.b_z = init.gate("z", d, h)
        self.W_xr, self.W_hr, self.b_r = init.gate("r", d, h)
        self.W_xh, self.W_hh, self.b_h = init.gate("h", d, h)
        if reset == "after":
            self.b_hh = init.bias("b_hh", h)

    def __call__(self, x: Any, h: Any, mask: Any = None) -> Step:
        """(X_t, H_{t-1}) -> (H_t, H_t)."""
        read = _dropped(h, mask)
        z = mg.sigmoid(x @ self.W_xz + _plus(read @ self.W_hz, self.b_hz) + self.b_z)
        r = mg.sigmoid(x @ self.W_xr + _plus(read @ self.W_hr, self.b_hr) + self.b_r)
        if self.reset == "after":
            kept = r * _plus(read @ self.W_hh, self.b_hh)
        else:
            kept = _plus((r * read) @ self.W_hh, self.b_hh)
        candidate = np.tanh(x @ self.W_xh + kept + self.b_h)
        h = z * h + (1 - z) * candidate
        return h, h

    def zero_state(self, x_shape: Shape) -> Tensor:
        """H_0 = 0."""
        return _zeros(x_shape, self.W_hh)


class LSTMCell(Shared):
    """Long short-term memory; the state is (H, C). As RNNCell. Source: D2L 10.1.

    With a projection W_p (h, p), as ``models.from_torch`` may bring one, H is (B, p), and C (B, h).

    >>> from minigrad import models
    >>> outputs, (h, c) = models.unroll(models.LSTMCell(3, 2, rng=0), np.ones((4, 5, 3)))
    >>> h.name, c.name, c.shape
    ('h_4', 'c_4', (5, 2))
    """

    state_names = ("h", "c")
    # Second biases beside W_h*, and a projection, as frameworks have them; none in the book.
    b_hi: Tensor | None = None
    b_hf: Tensor | None = None
    b_ho: Tensor | None = None
    b_hc: Tensor | None = None
    W_p: Tensor | None = None

    def __init__(
        self,
        d: int,
        h: int,
        rng: Any = None,
        sigma: float = 0.01,
        dtype: Any = np.float64,
    ) -> None:
        init = Init(rng, sigma, dtype)
        self.W_xi, self.W_hi, self.b_i = init.gate("i", d, h)
        self.W_xf, self.W_hf, self.b_f = init.gate("f", d, h)
        self.W_xo, self.W_ho, self.b_o = init.gate("o", d, h)
        self.W_xc, self.W_hc, self.b_c = init.gate("c", d, h)

    def __call__(self, x: Any, state: Any, mask: Any = None) -> Step:
        """(X_t, (H_{t-1}, C_{t-1})) -> (H_t, (H_t, C_t))."""
        h, c = state
        h = _dropped(h, mask)
        i = mg.sigmoid(x @ self.W_xi + _plus(h @ self.W_hi, self.b_hi) + self.b_i)
        f = mg.sigmoid(x @ self.W_xf + _plus(h @ self.W_hf, self.b_hf) + self.b_f)
        o = mg.sigmoid(x @ self.W_xo + _plus(h @ self.W_ho, self.b_ho) + self.b_o)
        kept = f * c
        candidate = np.tanh(x @ self.W_xc + _plus(h @ self.W_hc, self.b_hc) + self.b_c)
        c = kept + i * candidate
        h = o * np.tanh(c)
        if self.W_p is not None:
            h = h @ self.W_p
        return h, (h, c)

    def zero_state(self, x_shape: Shape) -> tuple[Tensor, Tensor]:
        """H_0 = 0 and C_0 = 0."""
        h = _zeros(x_shape, self.W_hc)
        c = _zeros(x_shape, self.W_hc, axis=1)
        return h, c


@dataclass(frozen=True)
class CellKind:
    """What is known of a kind of cell beside its equations.

    ``make(d, h, rng, sigma, dtype)`` is the class. ``gates``: its pairs of weights W_x*, W_h*, that
    of the candidate included. ``rate``: the learning rate of SGD that the book trains it with.
    """

    make: Callable[..., Cell]
    gates: int
    rate: float


# Every kind of cell by the name that the command line and checkpoints give it.
CELLS = {
    "rnn": CellKind(RNNCell, gates=1, rate=1.0),
    "gru": CellKind(GRUCell, gates=3, rate=4.0),
    "lstm": CellKind(LSTMCell, gates=4, rate=4.0),
}


def _dropped(h: Any, mask: Any) -> Any:
    """What the weight matrices read of H_{t-1}."""
    if mask is None:
        return h
    return h * mask


def _plus(product: Any, bias: Tensor | None) -> Any:
    """H W_h*, and the second bias where there is one."""
    return product if bias is None else product + bias


def _no_setting(cell: str, name: str, value: Any, known: Iterable[str]) -> ArgumentError:
    expected = f"expected one of {', '.join(known)}"
    return ArgumentError(cell, got=f"{name}={value!r}", expected=expected)


def _zeros(x_shape: Shape, W: Tensor, axis: int = 0) -> Tensor:
    """A state for inputs (B, d), as long as that axis of the recurrent weights, of their dtype."""
    shape = (*x_shape[:-1], W.shape[axis])
    return mg.tensor(np.zeros(shape, W.dtype))
