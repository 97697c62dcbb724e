"""Layers that read a sequence from both ends."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tensor
from minigrad.errors import ArgumentError

from .unrolling import Cell, Padding, Shape, as_state, as_tuple, input_at, run


class Bidirectional:
    """Layers of two cells each: one reads from the first step on, the other from the last back.

    A layer's output (B, 2h) is both of theirs side by side, and the next layer reads it. Not a
    cell: ``models.unroll`` takes it as it takes one. The state is a tuple, layer by layer, forward
    before backward; names are hf_t and hb_t, of several layers hf1_t, hb1_t, hf2_t, ... Source:
    Schuster and Paliwal 1997.

    >>> from minigrad import models
    >>> model = models.Bidirectional((models.GRUCell(3, 2), models.GRUCell(3, 2)))
    >>> outputs, state = models.unroll(model, np.ones((5, 4, 3)))
    >>> outputs[0].shape, [s.name for s in state]
    ((4, 4), ['hf_5', 'hb_1'])
    """

    def __init__(self, *layers: tuple[Any, Any]) -> None:
        """``layers``: (forward, backward), from below."""
        self.layers = layers
        names: list[str] = []
        for number, pair in enumerate(layers, 1):
            layer = str(number) if len(layers) > 1 else ""
            for direction, cell in zip("fb", pair, strict=True):
                names += [f"{name}{direction}{layer}" for name in cell.state_names]
        self.state_names = tuple(names)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, in the order of the state."""
        return tuple(cell for pair in self.layers for cell in pair)

    def zero_state(self, x_shape: Shape) -> tuple[Tensor, ...]:
        """Zeros for every cell."""
        states: list[Tensor] = []
        for cell in self.cells:
            states += as_tuple(cell.zero_state(x_shape))
        return tuple(states)

    def unroll(
        self, xs: Any, state: Any = None, reset: Any = None, lengths: Any = None
    ) -> tuple[list[Any], Any]:
        """(outputs, state), as ``models.unroll``, which calls this. Raises ArgumentError for reset.

        The state is that of every cell after its last step: the last one, or the first.
        """
        if reset is not None:
            expected = "expected none: the steps after it are read too"
            raise ArgumentError("unroll", got="reset= of a Bidirectional", expected=expected)
        forth = range(1, len(xs) + 1)
        inputs = []
        for t in forth:
            with mg.timestep(t):
                inputs.append(input_at(xs, t))
        padding = Padding.of(lengths, len(xs), inputs[0], 0) if lengths is not None else None
        if state is None:
            state = self.zero_state(inputs[0].shape)
        befores = iter(as_tuple(state))
        names = iter(self.state_names)
        states: list[Any] = []
        for number, pair in enumerate(self.layers, 1):
            sides = []
            for cell, steps in zip(pair, (forth, forth[::-1]), strict=True):
                count = len(cell.state_names)
                before = as_state(tuple(islice(befores, count)))
                named = tuple(islice(names, count))
                outputs, after = run(cell, named, inputs, before, steps, padding=padding)
                sides.append(outputs)
                states += as_tuple(after)
            name = "o" if number == len(self.layers) else f"h{number}"
            inputs = _joined(name, *sides)
        return inputs, tuple(states)


def _joined(name: str, forward: list[Any], backward: list[Any]) -> list[Any]:
    """The outputs of both directions side by side, step by step."""
    outputs = []
    for t, sides in enumerate(zip(forward, backward, strict=True), 1):
        with mg.timestep(t):
            output: Any = np.concatenate(sides, axis=-1)
            outputs.append(output.named(f"{name}_{t}"))
    return outputs
