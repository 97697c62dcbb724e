"""gradcheck: reverse mode against central differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.core import gates
from minigrad.core.order import dependents
from minigrad.core.scope import no_grad
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor, tensor
from minigrad.errors import ArgumentError, DTypeError, GradientError

from .blame import Value, at, blame, nonfinite, step


@np.errstate(all="ignore")  # what is not finite is an error of its own
def gradcheck(
    fn: Callable[..., Any] | Tape,
    inputs: Tensor | Iterable[Tensor] | None = None,
    eps: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-7,
) -> bool:
    """Whether fn's gradient equals its central differences in every element of every input that needs one.

    fn takes the inputs and returns a Tensor (summed if it is no scalar), or is a Tape (inputs: its parameters). The
    step is eps, times the element where that is above 1. Returns True (also at a kink where backward gives the mean of
    both slopes, as abs at 0), or raises GradientError that names the worst element, both values, and the operation
    whose rule, kink or jump is the cause.

    Raises DTypeError below float64, and GradientError where the comparison has no meaning: a gate changes the gradient
    on purpose, fn is not finite, keeps state or draws random numbers, or no gradient comes back.
    """
    tape, leaves, value = _replayed(fn, inputs) if isinstance(fn, Tape) else _recorded(fn, inputs)
    found = _gradients(tape, leaves)
    for x in leaves:
        g, numeric = found.get(x, np.zeros(x.shape)), np.empty(x.shape)
        for i in np.ndindex(x.shape):
            h = step(x, i, eps)
            numeric[i] = np.sum(at(value, x, i, h) - at(value, x, i, -h)) / (2 * h)
        excess = np.abs(g - numeric) - (atol + rtol * np.abs(numeric))
        if not np.all(excess <= 0):
            _same_again(tape, value)
            worst = tuple(
                map(int, np.unravel_index(np.argmax(np.nan_to_num(excess, nan=np.inf)), x.shape))
            )
            allowed = float(atol + rtol * np.abs(numeric[worst]))
            raise blame(
                tape,
                value,
                x,
                worst,
                step(x, worst, eps),
                float(g[worst]),
                float(numeric[worst]),
                allowed,
            )
    return True


# --- the program and what makes it unfit ------------------------------------------------------------------------------
def _replayed(
    tape: Tape, inputs: Tensor | Iterable[Tensor] | None
) -> tuple[Tape, list[Tensor], Value]:
    return (
        tape,
        _asked(tape.parameters if inputs is None else inputs),
        lambda feeds: tape.replay(feeds)[0],
    )


def _recorded(
    fn: Callable[..., Any], inputs: Tensor | Iterable[Tensor] | None
) -> tuple[Tape, list[Tensor], Value]:
    """Run fn once on leaves of our own, so that whatever else it reads is known to come from outside."""
    if inputs is None:
        raise ArgumentError(
            "gradcheck",
            got="no inputs",
            expected="a function is checked at some: gradcheck(fn, [x])",
        )
    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    asked = _asked(args)
    own = {
        x: tensor(x, x.requires_grad, x.name or f"inputs[{k}]")
        for k, x in reversed(list(enumerate(args)))
    }
    out = fn(*[own[x] for x in args])
    if not isinstance(out, Tensor):
        expected = "expected one Tensor"
        raise ArgumentError("gradcheck", got=f"fn returns {type(out).__name__}", expected=expected)
    tape = Tape.of(out)
    for x in asked:
        if x in tape.names:
            got, remedy = (
                f"fn reads '{x.label}' from outside",
                "Use the argument that stands for it",
            )
            raise GradientError(
                "gradcheck", got=got, expected="the differences change its arguments", remedy=remedy
            )

    def value(feeds: Mapping[Tensor, Array]) -> Array:
        with no_grad():
            result = fn(*[tensor(feeds.get(own[x], x.data)) for x in args])
        return np.asarray(result.data if isinstance(result, Tensor) else result)

    _same_again(tape, value)
    return tape, [own[x] for x in asked], value


def _asked(inputs: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The inputs that need a gradient, each once."""
    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for x in args:
        if not isinstance(x, Tensor):
            remedy = "Wrap the inputs: tensor(x, requires_grad=True)"
            raise DTypeError("gradcheck", got=f"an input is a {type(x).__name__}", remedy=remedy)
    asked = list(dict.fromkeys(x for x in args if x.requires_grad))
    if not asked:
        remedy = "Make one with tensor(x, requires_grad=True)"
        raise GradientError("gradcheck", got="no input needs a gradient", remedy=remedy)
    for x in asked:
        _precise(x, x.label)
    return asked


def _precise(x: Tensor, name: str) -> None:
    if x.dtype.kind == "f" and x.dtype.itemsize < 8:
        expected = (
            f"central differences need float64: rounding by {np.finfo(x.dtype).eps:.1g} drowns them"
        )
        remedy = f"Check in float64, train in {x.dtype}"
        raise DTypeError(
            "gradcheck",
            got=f"'{name}' is {x.dtype}",
            expected=expected,
            remedy=remedy,
            where=x.where,
        )


def _same_again(tape: Tape, value: Value) -> None:
    first, again = tape.outputs[0].data, value({})
    if not np.array_equal(first, again, equal_nan=True):
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


def _gradients(tape: Tape, leaves: list[Tensor]) -> dict[Tensor, Array]:
    """The leaves' adjoints, if they are meant to be the derivative."""
    out, depends = tape.outputs[0], dependents(tape.nodes, leaves)
    for n in tape.nodes:
        if n in depends:
            _precise(n, tape.names[n])
            if n.fn is gates.detach:
                raise _gated(tape, n)
    if not np.all(np.isfinite(out.data)):
        raise GradientError("gradcheck: fn is not finite", **nonfinite(tape))
    if not out.requires_grad:
        lost = next((n for n in tape.nodes if n in depends and not n.requires_grad), None)
        why = (
            f"'{tape.names[lost]}' sends none back"
            if lost is not None
            else "it does not depend on the inputs"
        )
        where = (out if lost is None else lost).where
        raise GradientError(
            "gradcheck", got=f"'{out.label}' needs no gradient", expected=why, where=where
        )
    found = {}
    for n, g, sent in tape.steps(np.ones(out.shape)):
        found[n] = g
        if (
            n.fn in gates.CHANGES_GRADIENT
            and n in depends
            and not np.array_equal(sent[0], g, equal_nan=True)
        ):
            raise _gated(tape, n)
    return {x: found[x] for x in leaves if x in found}


def _gated(tape: Tape, n: Tensor) -> GradientError:
    name = "" if n.name is None else f" at '{tape.names[n]}'"
    return GradientError(
        "gradcheck",
        got=f"the gate {n.op}{name} changes the gradient",
        expected="it is deliberately not the derivative",
        remedy="Check the program without the gate, a truncated tape as it was before",
        where=n.where,
    )
