"""Layers of cells: a cell made of cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from minigrad import Tensor

from .unrolling import Shape, Step, as_state, as_tuple


class Stacked:
    """Layers of cells, each reading the output of the one below.

    The state is all of theirs, side by side. ``masks``, one (B, h) per layer, multiply H where
    weights read it, in the same layer and in the one above, alike at every step: dropout. Source:
    Gal and Ghahramani 2016.

    >>> import numpy as np
    >>> from minigrad import models
    >>> cell = models.Stacked(models.LSTMCell(3, 4), models.GRUCell(4, 2))
    >>> outputs, state = models.unroll(cell, np.ones((6, 5, 3)))
    >>> [s.name for s in state], outputs[-1].shape
    (['h1_6', 'c1_6', 'h2_6'], (5, 2))
    """

    def __init__(self, *cells: Any, masks: Sequence[Any] = ()) -> None:
        self.cells: tuple[Any, ...] = cells
        self.masks = masks
        names: list[str] = []
        for layer, cell in enumerate(cells, 1):
            names += [f"{name}{layer}" for name in cell.state_names]
        self.state_names = tuple(names)

    def __call__(self, x: Any, state: Any) -> Step:
        """One step of every layer, from below."""
        tensors = iter(as_tuple(state))
        states: list[Any] = []
        for layer, cell in enumerate(self.cells):
            count = len(cell.state_names)
            before = as_state(tuple(islice(tensors, count)))
            # A list of one or none: a cell of a user's need not know masks.
            mask = self.masks[layer : layer + 1]
            x, after = cell(x, before, *mask)
            # What the layer above reads is dropped alike.
            if mask:
                x = x * mask[0]
            states += as_tuple(after)
        return x, tuple(states)

    def zero_state(self, x_shape: Shape) -> tuple[Tensor, ...]:
        """Zeros for every layer."""
        states: list[Tensor] = []
        for cell in self.cells:
            states += as_tuple(cell.zero_state(x_shape))
        return tuple(states)
