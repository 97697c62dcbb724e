"""What gradcheck checks, a function or a tape, and what makes it unfit to be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad.containers import as_tensors, in_order, like
from minigrad.core.scope import no_grad
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor, tensor
from minigrad.errors import ArgumentError, DTypeError, GradientError

from .perturbation import Value

Inputs = Any
"""The arguments of fn, each a Tensor or what holds some; one that is no list or tuple alone."""


class Program(NamedTuple):
    """What is checked: a tape, the leaves whose gradients count, the value at other inputs."""

    tape: Tape
    leaves: list[Tensor]
    value: Value


def replayed(tape: Tape, inputs: Inputs) -> Program:
    """A tape, whose value is that of a replay."""

    def value(feeds: Mapping[Any, Array]) -> Array:
        return tape.replay(feeds)[0]

    leaves = _differentiable(tape.parameters if inputs is None else as_tensors("gradcheck", inputs))
    return Program(tape, leaves, value)


def recorded(fn: Callable[..., Any], inputs: Inputs) -> Program:
    """Run fn once on leaves of our own: whatever else it reads is known to come from outside."""
    if inputs is None:
        raise ArgumentError(
            "gradcheck",
            got="no inputs",
            expected="a function is checked at some: gradcheck(fn, [x])",
        )
    several = in_order(inputs)
    args = several if isinstance(several, list) else [several]
    tensors = as_tensors("gradcheck", args)
    leaves = _differentiable(tensors)
    own: dict[Tensor, Tensor] = {}
    for k, x in enumerate(tensors):
        own[x] = tensor(x, x.requires_grad, x.name or f"inputs[{k}]")
    out = fn(*like(args, own))
    if not isinstance(out, Tensor):
        raise ArgumentError(
            "gradcheck",
            got=f"fn returns {type(out).__name__}",
            expected="expected one Tensor",
        )
    # The user's own tensors stand for themselves on no tape of ours, unless fn reads them.
    tape = Tape.of(out)
    _refuse_outside(tape, leaves)

    def value(feeds: Mapping[Tensor, Array]) -> Array:
        with no_grad():
            moved = {x: tensor(feeds.get(own[x], x.data)) for x in tensors}
            result = fn(*like(args, moved))
        return np.asarray(result.data if isinstance(result, Tensor) else result)

    program = Program(tape, [own[x] for x in leaves], value)
    refuse_other_value(program)
    return program


def _differentiable(inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """The inputs that need a gradient, each once."""
    leaves = [x for x in inputs if x.requires_grad]
    if not leaves:
        raise GradientError(
            "gradcheck",
            got="no input needs a gradient",
            remedy="Make one with tensor(x, requires_grad=True)",
        )
    for x in leaves:
        refuse_imprecise(x, x.label)
    return leaves


def refuse_imprecise(x: Tensor, name: str) -> None:
    """Raise below float64."""
    if x.dtype.kind != "f" or x.dtype.itemsize >= 8:
        return
    rounding = f"{np.finfo(x.dtype).eps:.1g}"
    raise DTypeError(
        "gradcheck",
        got=f"'{name}' is {x.dtype}",
        expected=f"central differences need float64: rounding by {rounding} drowns them",
        remedy=f"Check in float64, train in {x.dtype}",
        where=x.where,
    )


def _refuse_outside(tape: Tape, inputs: list[Tensor]) -> None:
    """Raise where fn reads the user's input itself, which the differences do not move."""
    for x in inputs:
        if x in tape.names:
            raise GradientError(
                "gradcheck",
                got=f"fn reads '{x.label}' from outside",
                expected="the differences change its arguments",
                remedy="Use the argument that stands for it",
            )


def refuse_other_value(program: Program) -> None:
    """Raise where the same inputs give another value now."""
    first = program.tape.outputs[0].data
    again = program.value({})
    if np.array_equal(first, again, equal_nan=True):
        return
    pair = f"{first.shape} and then {again.shape}"
    if first.shape == again.shape:
        i = np.unravel_index(np.argmax(first != again), first.shape)
        pair = f"{first[i]:.9g} and then {again[i]:.9g}"
    raise GradientError(
        "gradcheck",
        got=f"for the same inputs fn returns {pair}",
        expected="expected a function of its inputs alone",
        remedy="Seed random generators inside fn, and keep no state between its calls",
    )
