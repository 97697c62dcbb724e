"""Differentiation of a tape, and clipping of the gradients on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.containers import as_tensors
from minigrad.core.arguments import refuse_no_tape
from minigrad.core.gradient import gradients
from minigrad.core.norms import norm_in_parts, positive, shrink
from minigrad.core.seed import seed_for
from minigrad.core.sweep import conform
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError


def differentiate(tape: Tape, wrt: Any = None, allow_unused: bool = False) -> Tape:
    """Append the backward pass: a tape whose outputs are (loss, *gradients).

    The gradients are those of ``wrt``, by default the tape's parameters, in its order and shapes:
    a Tensor, or what holds some, a list, a dict, a model, nested, each once. ``allow_unused``:
    zeros for one that is not on the tape.

    They are nodes like any other: replay them, draw them, compile them, differentiate them again.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> loss, gradient = mg.transforms.differentiate(mg.Tape.of(np.sum(x * x))).outputs
    >>> gradient.data
    array([2., 4.])

    Raises: ArgumentError for a loss in place of a tape; GradientError for a tape with several
    outputs or an output that is no scalar, and where one of wrt needs no gradient or is not on the
    tape.
    """
    refuse_no_tape("differentiate", tape)
    targets = tape.parameters if wrt is None else as_tensors("differentiate", wrt)
    loss = tape.outputs[0]
    # It stands where the loss stands: the same step and line, right behind it in the order.
    seed = Tensor(seed_for(tape), like=loss)
    outputs = [*tape.outputs, *gradients(tape, targets, seed, allow_unused)]
    return Tape.of(*outputs, wrt=targets)


def clip(tape: Tape, max_norm: float) -> Tape:
    """Scale all gradients of a differentiated tape by min(1, max_norm / norm).

    The norm is that of all elements of all gradients together. A norm that is not finite makes
    every gradient NaN, rather than some of them zero.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([3.0, 4.0], requires_grad=True)
    >>> tape = mg.transforms.differentiate(mg.Tape.of(np.sum(x * x) / 2))
    >>> mg.transforms.clip(tape, max_norm=1.0).outputs[1].data.round(6)
    array([0.6, 0.8])

    Raises: ArgumentError for a max_norm that is not above 0; GradientError for a tape without
    gradients. Source: D2L 9.5.3; Pascanu et al. 2013.
    """
    bound = positive("clip: max_norm", max_norm)
    parts = norm_in_parts(*gradients_of(tape, "clip"))
    factor = shrink(bound, *parts)
    # The factor has the widest dtype among them.
    return _with_gradients(tape, lambda g: conform(g * factor, g, g))


def clip_value(tape: Tape, limit: float) -> Tape:
    """Clip every element of every gradient of a differentiated tape to [-limit, limit].

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([-3.0, 0.5], requires_grad=True)
    >>> tape = mg.transforms.differentiate(mg.Tape.of(np.sum(x * x) / 2))
    >>> mg.transforms.clip_value(tape, limit=1.0).outputs[1].data
    array([-1. ,  0.5])

    Raises: ArgumentError for a limit that is not above 0; GradientError for a tape without
    gradients.
    """
    bound = positive("clip_value: limit", limit)
    # Each element is clipped by itself: asked only to refuse a tape without gradients.
    gradients_of(tape, "clip_value")
    return _with_gradients(tape, lambda g: np.clip(g, -bound, bound))


def gradients_of(tape: Tape, action: str) -> tuple[Tensor, ...]:
    """The outputs after the loss; refuse a tape that has none."""
    refuse_no_tape(action, tape)
    if tape.carried:
        got = "a tape that ends with an update"
        raise GradientError(action, got=got, remedy="Clip first, update last")
    if not tape.wrt:
        raise GradientError(
            action,
            got="a tape without gradients",
            expected="differentiate(tape) first",
        )
    return tape.outputs[-len(tape.wrt) :]


def _with_gradients(tape: Tape, change: Callable[[Tensor], Any]) -> Tape:
    """The tape with each gradient changed."""
    end_of_losses = len(tape.outputs) - len(tape.wrt)
    outputs = list(tape.outputs[:end_of_losses])
    for gradient in tape.outputs[end_of_losses:]:
        changed = change(gradient)
        outputs.append(changed.named(f"clipped {gradient.label}"))
    return Tape.of(*outputs, wrt=tape.wrt)
