"""Differentiation of a tape, and clipping of the gradients on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad.core.arguments import positive, refuse_no_tape
from minigrad.core.gradient import gradients
from minigrad.core.norms import norm, shrink
from minigrad.core.seed import seed_for
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError


def differentiate(tape: Tape, wrt: Tensor | Iterable[Tensor] | None = None) -> Tape:
    """Append the backward pass: a tape with outputs (loss, *gradients), wrt defaulting to the tape's parameters."""
    refuse_no_tape("differentiate", tape)
    targets = (wrt,) if isinstance(wrt, Tensor) else tape.parameters if wrt is None else tuple(wrt)
    seed = Tensor(seed_for(tape), like=tape.outputs[0])
    return Tape.of(*tape.outputs, *gradients(tape, targets, seed), wrt=targets)


def clip(tape: Tape, max_norm: float) -> Tape:
    """Scale all gradients of a differentiated tape by min(1, max_norm / norm), the norm over all of them together.

    A non-finite norm makes every gradient NaN, rather than some of them zero. Source: D2L 9.5.3, Pascanu 2013.
    """
    bound = positive("clip: max_norm", max_norm)
    factor = shrink(norm(*_gradients_of(tape, "clip")), bound)
    return _with_gradients(tape, lambda g: g * factor)


def clip_value(tape: Tape, limit: float) -> Tape:
    """Clip every element of every gradient of a differentiated tape to [-limit, limit]."""
    bound = positive("clip_value: limit", limit)
    _gradients_of(tape, "clip_value")
    return _with_gradients(tape, lambda g: np.clip(g, -bound, bound))


def _gradients_of(tape: Tape, what: str) -> tuple[Tensor, ...]:
    refuse_no_tape(what, tape)
    if not tape.wrt:
        raise GradientError(
            what, got="a tape without gradients", expected="differentiate(tape) first"
        )
    return tape.outputs[-len(tape.wrt) :]


def _with_gradients(tape: Tape, change: Callable[[Tensor], Any]) -> Tape:
    kept = tape.outputs[: -len(tape.wrt)]
    changed = [change(g).named(f"clipped {g.label}") for g in tape.outputs[len(kept) :]]
    return Tape.of(*kept, *changed, wrt=tape.wrt)
