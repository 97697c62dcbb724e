"""A recurrent cell run over a sequence, step by step, and the state that it carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import minigrad as mg
from minigrad import Tensor

Shape = tuple[int, ...]
State = Tensor | tuple[Tensor, ...]
# What a cell gives: (output, state).
Step = tuple[Any, Any]
# A state, or the masks of a chunk, as plain arrays: no gradient goes through them.
Arrays = tuple[npt.NDArray[Any], ...]


class Cell(Protocol):
    """What unroll needs: a step, a first state, and the names of the tensors of a state."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """``("h",)``, or ``("h", "c")`` for a state of two tensors."""
        ...

    def __call__(self, x: Any, state: Any, /) -> Step:
        """One time step: (x_t, state) -> (output, state)."""
        ...

    def zero_state(self, x_shape: Shape) -> State:
        """The state before the first step, for inputs of that shape."""
        ...


def unroll(
    cell: Cell,
    xs: Sequence[Any] | npt.NDArray[Any] | Tensor,
    state: Any = None,
    reset: Any = None,
) -> tuple[list[Any], Any]:
    """Run cell over xs, one step per element, t = 1, 2, ...: (outputs, last state).

    Each step is recorded under ``minigrad.timestep(t)`` and its tensors are named: x_t, h_t (and
    c_t), o_t for an output that is no state. The first state is h_0 (and c_0).

    ``xs``: a sequence of T inputs (B, ...), or one array or Tensor (T, B, ...). ``state``: the
    state before the first step; zeros by default. ``reset``: booleans (T, B). Before step t the
    rows where it is true start anew from zero, and no gradient goes back past that; the other rows
    are untouched.

    >>> from minigrad import models
    >>> cell = models.RNNCell(3, 2, rng=0)
    >>> outputs, h = models.unroll(cell, np.ones((5, 4, 3)))
    >>> len(outputs), outputs[-1].shape, outputs[-1].name, h is outputs[-1]
    (5, (4, 2), 'h_5', True)
    """
    if state is None:
        state = cell.zero_state(xs[0].shape)
    _name_state(cell, state, 0)
    outputs = []
    for t in range(1, len(xs) + 1):
        with mg.timestep(t):
            # In here: where xs is a Tensor, reading it is an operation of step t.
            x = xs[t - 1]
            if not isinstance(x, Tensor):
                x = mg.tensor(x)
            if reset is not None:
                state = masked(reset[t - 1], state)
            output, state = cell(x.named(x.name or f"x_{t}"), state)
        _name_state(cell, state, t)
        outputs.append(output.named(output.name or f"o_{t}"))
    return outputs, state


def _name_state(cell: Cell, state: Any, t: int) -> None:
    """Call the tensors of a state h_t, c_t, ... where they have no name yet."""
    for name, tensor in zip(cell.state_names, as_tuple(state), strict=True):
        tensor.named(tensor.name or f"{name}_{t}")


def masked(reset: Any, state: Any) -> Any:
    """The state, arrays or Tensors (B, ...), with zeros in the rows where reset (B,) is true."""
    if isinstance(state, tuple):
        return tuple(masked(reset, part) for part in state)
    # (B, 1, ...), to be broadcast against the state.
    rows = reset[(..., *[None] * (state.ndim - 1))]
    return np.where(rows, state.dtype.type(0), state)


def as_tuple(state: Any) -> tuple[Any, ...]:
    """A state as a tuple of tensors, whether it is one or several."""
    if isinstance(state, tuple):
        return state
    return (state,)


def as_state(tensors: tuple[Any, ...]) -> Any:
    """The state that a cell takes: its one tensor, or the tuple of several."""
    if len(tensors) == 1:
        return tensors[0]
    return tensors
