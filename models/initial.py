"""What a cell begins with: its settings, and its parameters, drawn or given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

import minigrad as mg
from minigrad import Tensor
from minigrad.internal import Array

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"tanh": np.tanh, "relu": mg.relu}
# Whether the reset gate of a GRU acts before or after the product with W_hh.
RESETS = ("before", "after")


class Init:
    """Draws parameters: weights from N(0, sigma^2), biases zero."""

    def __init__(self, rng: Any, sigma: float, dtype: Any) -> None:
        self.rng = np.random.default_rng(rng)
        self.sigma = sigma
        self.dtype = dtype

    def weight(self, name: str, *shape: int) -> Tensor:
        """A named parameter of that shape."""
        values = self.rng.normal(0, self.sigma, shape)
        return self._parameter(name, values)

    def bias(self, name: str, size: int) -> Tensor:
        """A named parameter of zeros."""
        return self._parameter(name, np.zeros(size))

    def _parameter(self, name: str, values: Array) -> Tensor:
        return mg.tensor(values, requires_grad=True, name=name, dtype=self.dtype)

    def gate(self, name: str, d: int, h: int) -> tuple[Tensor, Tensor, Tensor]:
        """W_x* (d, h), W_h* (h, h) and b_* (h,) of one gate."""
        W_x = self.weight(f"W_x{name}", d, h)
        W_h = self.weight(f"W_h{name}", h, h)
        return W_x, W_h, self.bias(f"b_{name}", h)


class Shared:
    """What the cells share."""

    @classmethod
    def of(cls, arrays: Mapping[str, Array], trained: bool = True, **settings: str) -> Any:
        """A cell of these parameters, by name, and settings such as ``reset="after"``.

        Those that are not ``trained`` are constants: ``join`` adds more.
        """
        cell = cls.__new__(cls)
        vars(cell).update(settings)
        return cell.join(arrays, trained)

    def join(self, arrays: Mapping[str, Array], trained: bool) -> Self:
        """The cell, with these beside its parameters."""
        for name, array in arrays.items():
            # A copy: training the cell leaves the arrays as they are.
            values = np.array(array)
            tensor = mg.tensor(values, requires_grad=trained, name=name, dtype=values.dtype)
            setattr(self, name, tensor)
        return self
