"""The update rule of an optimizer on a tape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError

from .gradients import gradients_of


class Updating(Protocol):
    """An optimizer: it has parameters, and records what becomes of them."""

    params: list[Tensor]

    def recorded(self, gradients: Mapping[Tensor, Tensor]) -> dict[Tensor, Tensor]:
        """By leaf its next value, recorded, of the parameters and of what is remembered."""
        ...


def update(tape: Tape, optimizer: Updating) -> Tape:
    """Append an optimizer's update: a whole training step as one tape.

    tape: differentiated, and clipped where it is to be. The outputs are its losses, the new values
    of the optimizer's parameters, and those of what it remembers, as momentum. ``tape.carried``
    pairs the leaves with them. A plan of the tape carries them from call to call: it takes the step
    that ``optimizer.step`` takes, gives the losses, and changes parameters and optimizer as that
    does. The learning rate is read from the optimizer at each call. Adam counts its updates on the
    tape.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> from minigrad.transforms import clip, differentiate, update
    >>> w = mg.tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> optimizer = mg.optim.SGD(w, lr=1.0)
    >>> tape = differentiate(mg.Tape.of(np.sum(w * w) / 2))
    >>> step = mg.compile(update(clip(tape, max_norm=2.5), optimizer))
    >>> losses = [round(float(step()[0]), 3) for _ in range(3)]
    >>> losses, w.data.round(3)
    ([12.5, 3.125, 0.0], array([0., 0.]))

    Raises ArgumentError for what is no optimizer, or one of other parameters; GradientError for a
    tape without gradients. A plan or a replay of it raises StaleTapeError where an option other
    than the learning rate was changed since, or the optimizer has updated some of its parameters
    only.
    """
    gradients = gradients_of(tape, "update")
    params = getattr(optimizer, "params", None)
    if params is None or not hasattr(optimizer, "recorded"):
        got = f"a {type(optimizer).__name__}"
        raise ArgumentError("update", got=got, expected="expected one of minigrad.optim")
    if set(params) != set(tape.wrt):
        got = f"gradients of {_listed(tape.wrt)}"
        expected = f"the optimizer has {_listed(params)}"
        remedy = "Differentiate with wrt=optimizer.params"
        raise ArgumentError("update", got=got, expected=expected, remedy=remedy)
    pairs = zip(tape.wrt, gradients, strict=True)
    after = optimizer.recorded(dict(pairs))
    losses = tape.outputs[: -len(gradients)]
    return replace(Tape.of(*losses, *after.values()), carried=tuple(after.items()))


def _listed(params: list[Tensor] | tuple[Tensor, ...]) -> str:
    return ", ".join([f"'{p.label}'" for p in params])
