"""Recurrent cells, in the book's equations and symbols. A cell is a function (x_t, state) -> (output, state)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

import minigrad as mg
from minigrad import Tensor

State = Tensor | tuple[Tensor, ...]


class Cell(Protocol):
    """What unroll needs: a step, a first state, and the names of the tensors of a state."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """``("h",)``, or ``("h", "c")`` for a state of two tensors."""
        ...

    def __call__(self, x: Any, state: Any, /) -> tuple[Any, Any]:
        """One time step: (x_t, state) -> (output, state)."""
        ...

    def zero_state(self, x_shape: tuple[int, ...]) -> State:
        """The state before the first step, for inputs of that shape."""
        ...


class Init:
    """Draws parameters: weights from N(0, sigma^2), biases zero."""

    def __init__(self, rng: np.random.Generator | int | None, sigma: float, dtype: Any) -> None:
        self.rng, self.sigma, self.dtype = np.random.default_rng(rng), sigma, dtype

    def weight(self, name: str, *shape: int) -> Tensor:
        """A named parameter of that shape."""
        return mg.tensor(
            self.rng.normal(0, self.sigma, shape), requires_grad=True, name=name, dtype=self.dtype
        )

    def bias(self, name: str, size: int) -> Tensor:
        """A named parameter of zeros."""
        return mg.tensor(np.zeros(size), requires_grad=True, name=name, dtype=self.dtype)

    def gate(self, name: str, d: int, h: int) -> tuple[Tensor, Tensor, Tensor]:
        """W_x*, W_h* and b_* of one gate."""
        return (
            self.weight(f"W_x{name}", d, h),
            self.weight(f"W_h{name}", h, h),
            self.bias(f"b_{name}", h),
        )


def parameters(module: Any) -> list[Tensor]:
    """All parameters held by a model's attributes, and by theirs, in the order they were set."""
    if isinstance(module, Tensor):
        return [module] if module.requires_grad else []
    inner = (
        module if isinstance(module, (list, tuple)) else getattr(module, "__dict__", {}).values()
    )
    return [p for part in inner for p in parameters(part)]


class LinearRNN:
    """The section's own model: h_t = W_hx x_t + W_hh h_{t-1}, o_t = W_qh h_t; columns, no bias, identity activation.

    Shapes: x_t (d, B), h_t (h, B), o_t (q, B), B examples side by side. Source: D2L 9.7.2.
    """

    state_names = ("h",)

    def __init__(self, d: int, h: int, q: int, rng: Any = None) -> None:
        init = Init(rng, 0.5, np.float64)
        self.W_hx, self.W_hh = init.weight("W_hx", h, d), init.weight("W_hh", h, h)
        self.W_qh = init.weight("W_qh", q, h)

    def __call__(self, x: Any, h: Any) -> tuple[Any, Any]:
        """(x_t, h_{t-1}) -> (o_t, h_t)."""
        h = self.W_hx @ x + self.W_hh @ h
        return self.W_qh @ h, h

    def zero_state(self, x_shape: tuple[int, ...]) -> Tensor:
        """h_0 = 0."""
        return mg.tensor(np.zeros((len(self.W_hh), *x_shape[1:])))


class RNNCell:
    """H_t = tanh(X_t W_xh + H_{t-1} W_hh + b_h). Shapes: X_t (B, d), H_t (B, h). Source: D2L 9.4.

    In every cell here a ``mask`` (B, h) multiplies H_{t-1} where a weight matrix reads it: dropout.
    """

    state_names = ("h",)

    def __init__(
        self, d: int, h: int, rng: Any = None, sigma: float = 0.01, dtype: Any = np.float64
    ) -> None:
        self.W_xh, self.W_hh, self.b_h = Init(rng, sigma, dtype).gate("h", d, h)

    def __call__(self, x: Any, h: Any, mask: Any = None) -> tuple[Any, Any]:
        """(X_t, H_{t-1}) -> (H_t, H_t)."""
        h = h if mask is None else h * mask
        h = np.tanh(x @ self.W_xh + h @ self.W_hh + self.b_h)
        return h, h

    def zero_state(self, x_shape: tuple[int, ...]) -> Tensor:
        """H_0 = 0."""
        return _zeros(x_shape, self.W_hh)


class GRUCell:
    """Gated recurrent unit; the reset gate acts before the product. Shapes as RNNCell. Source: D2L 10.2."""

    state_names = ("h",)

    def __init__(
        self, d: int, h: int, rng: Any = None, sigma: float = 0.01, dtype: Any = np.float64
    ) -> None:
        init = Init(rng, sigma, dtype)
        self.W_xz, self.W_hz, self.b_z = init.gate("z", d, h)
        self.W_xr, self.W_hr, self.b_r = init.gate("r", d, h)
        self.W_xh, self.W_hh, self.b_h = init.gate("h", d, h)

    def __call__(self, x: Any, h: Any, mask: Any = None) -> tuple[Any, Any]:
        """(X_t, H_{t-1}) -> (H_t, H_t)."""
        read = h if mask is None else h * mask
        z = mg.sigmoid(x @ self.W_xz + read @ self.W_hz + self.b_z)
        r = mg.sigmoid(x @ self.W_xr + read @ self.W_hr + self.b_r)
        candidate = np.tanh(x @ self.W_xh + (r * read) @ self.W_hh + self.b_h)
        h = z * h + (1 - z) * candidate
        return h, h

    def zero_state(self, x_shape: tuple[int, ...]) -> Tensor:
        """H_0 = 0."""
        return _zeros(x_shape, self.W_hh)


class LSTMCell:
    """Long short-term memory; the state is (H, C). Shapes as RNNCell. Source: D2L 10.1."""

    state_names = ("h", "c")

    def __init__(
        self, d: int, h: int, rng: Any = None, sigma: float = 0.01, dtype: Any = np.float64
    ) -> None:
        init = Init(rng, sigma, dtype)
        self.W_xi, self.W_hi, self.b_i = init.gate("i", d, h)
        self.W_xf, self.W_hf, self.b_f = init.gate("f", d, h)
        self.W_xo, self.W_ho, self.b_o = init.gate("o", d, h)
        self.W_xc, self.W_hc, self.b_c = init.gate("c", d, h)

    def __call__(self, x: Any, state: Any, mask: Any = None) -> tuple[Any, Any]:
        """(X_t, (H_{t-1}, C_{t-1})) -> (H_t, (H_t, C_t))."""
        h, c = state
        h = h if mask is None else h * mask
        i = mg.sigmoid(x @ self.W_xi + h @ self.W_hi + self.b_i)
        f = mg.sigmoid(x @ self.W_xf + h @ self.W_hf + self.b_f)
        o = mg.sigmoid(x @ self.W_xo + h @ self.W_ho + self.b_o)
        c = f * c + i * np.tanh(x @ self.W_xc + h @ self.W_hc + self.b_c)
        h = o * np.tanh(c)
        return h, (h, c)

    def zero_state(self, x_shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """H_0 = 0 and C_0 = 0."""
        return _zeros(x_shape, self.W_hc), _zeros(x_shape, self.W_hc)


class Stacked:
    """Layers of cells, each reading the output of the one below; the state is all of theirs, side by side.

    ``masks``, one (B, h) per layer, multiply H where weights read it, in the same layer and in the one above, alike at
    every step: dropout. Source: Gal and Ghahramani 2016.
    """

    def __init__(self, *cells: Any, masks: Sequence[Any] = ()) -> None:
        self.cells: tuple[Any, ...] = cells
        self.masks = masks
        self.state_names = tuple(
            f"{name}{i}" for i, cell in enumerate(cells, 1) for name in cell.state_names
        )

    def __call__(self, x: Any, state: Any) -> tuple[Any, Any]:
        """One step of every layer, from below."""
        states, new = list(as_tuple(state)), list[Any]()
        for i, cell in enumerate(self.cells):
            mine = [states.pop(0) for _ in cell.state_names]
            mask = self.masks[i : i + 1]
            x, its = cell(x, tuple(mine) if len(mine) > 1 else mine[0], *mask)
            x = x * mask[0] if mask else x
            new += as_tuple(its)
        return x, tuple(new)

    def zero_state(self, x_shape: tuple[int, ...]) -> tuple[Tensor, ...]:
        """Zeros for every layer."""
        return tuple(s for cell in self.cells for s in as_tuple(cell.zero_state(x_shape)))


def unroll(
    cell: Cell, xs: Sequence[Any] | Tensor, state: Any = None, reset: Any = None
) -> tuple[list[Any], Any]:
    """Run cell over xs, one step per element, t = 1, 2, ...: (outputs, last state).

    Each step is recorded under ``minigrad.timestep(t)`` and its tensors are named: x_t, h_t (and c_t), o_t for an
    output that is no state; the first state is h_0 (and c_0), zeros unless given. xs: a sequence of inputs or one
    Tensor with time first. reset, (T, B) of booleans: before step t those rows start anew from zero, and no gradient
    goes back past it; the other rows are untouched.
    """
    state = cell.zero_state(xs[0].shape) if state is None else state
    _name(cell, state, 0)
    outputs = []
    for t in range(1, len(xs) + 1):
        with mg.timestep(t):
            x = xs[t - 1] if isinstance(xs[t - 1], Tensor) else mg.tensor(xs[t - 1])
            state = state if reset is None else masked(reset[t - 1], state)
            out, state = cell(x.named(x.name or f"x_{t}"), state)
        _name(cell, state, t)
        outputs.append(out.named(out.name or f"o_{t}"))
    return outputs, state


def masked(reset: Any, state: Any) -> Any:
    """The state, arrays or Tensors (B, ...), with zeros in the rows where reset (B,) is true."""
    kept = tuple(
        np.where(reset[(..., *[None] * (s.ndim - 1))], s.dtype.type(0), s) for s in as_tuple(state)
    )
    return kept if isinstance(state, tuple) else kept[0]


def _name(cell: Cell, state: Any, t: int) -> None:
    for name, s in zip(cell.state_names, as_tuple(state), strict=True):
        s.named(s.name or f"{name}_{t}")


def as_tuple(state: Any) -> tuple[Any, ...]:
    """A state as a tuple of tensors, whether it is one or several."""
    return state if isinstance(state, tuple) else (state,)


def _zeros(x_shape: tuple[int, ...], W: Tensor) -> Tensor:
    return mg.tensor(np.zeros((*x_shape[:-1], len(W)), W.dtype))
