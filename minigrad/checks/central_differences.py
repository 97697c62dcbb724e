"""gradcheck: reverse mode against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np

from minigrad.core import gates
from minigrad.core.order import dependents
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
from minigrad.errors import GradientError

from .blame import Disagreement, blame
from .checked_program import (
    Inputs,
    Program,
    recorded,
    refuse_imprecise,
    refuse_other_value,
    replayed,
)
from .nonfinite import nonfinite_parts
from .perturbation import central_difference, step_size


# What is not finite is an error of its own, which says more than NumPy's warning.
@np.errstate(all="ignore")
def gradcheck(
    fn: Callable[..., Any] | Tape,
    inputs: Inputs = None,
    eps: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-7,
) -> bool:
    """Whether fn's gradient equals its central differences in every element of every input.

    Those inputs count that need a gradient. fn takes the inputs and returns a Tensor (summed if it
    is no scalar), or is a Tape (inputs: by default its parameters). The step is eps, times the
    element where that is above 1. Two slopes are the same where they differ by less than
    atol + rtol * abs(slope).

    Returns True (also at a kink where backward gives the mean of both slopes, as abs at 0), or
    raises GradientError that names the worst element, both values, and the operation whose rule,
    kink or jump is the cause.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([0.5, -1.0], requires_grad=True, name="x")
    >>> mg.gradcheck(lambda x: np.tanh(x) * x, x)
    True
    >>> mg.gradcheck(lambda x: mg.scale_grad(x, 2.0), x)
    Traceback (most recent call last):
    minigrad.errors.GradientError: gradcheck: the gate scale_grad changes the gradient; ...

    Raises: DTypeError below float64; GradientError also where the comparison has no meaning: a gate
    changes the gradient on purpose, fn is not finite, keeps state or draws random numbers, or no
    gradient comes back; ArgumentError for a function without inputs.
    """
    program = replayed(fn, inputs) if isinstance(fn, Tape) else recorded(fn, inputs)
    adjoints = _adjoints(program)
    for x in program.leaves:
        gradient = adjoints.get(x, np.zeros(x.shape))
        worst = _disagreement(program, x, gradient, Tolerance(eps, rtol, atol))
        if worst is not None:
            # Asked again: a function with state may have changed between two differences.
            refuse_other_value(program)
            raise blame(worst)
    return True


class Tolerance(NamedTuple):
    """The step of the differences, and how far two slopes may lie apart and be the same."""

    eps: float
    rtol: float
    atol: float


def _disagreement(
    program: Program,
    x: Tensor,
    gradient: Array,
    tolerance: Tolerance,
) -> Disagreement | None:
    """The element of x in which backward and the differences lie furthest apart, if any do."""
    slopes = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        h = step_size(x, i, tolerance.eps)
        slopes[i] = central_difference(program.value, x, i, h)
    allowed = tolerance.atol + tolerance.rtol * np.abs(slopes)
    excess = np.abs(gradient - slopes) - allowed
    if np.all(excess <= 0):
        return None
    # NaN is further apart than anything.
    flat = np.argmax(np.nan_to_num(excess, nan=np.inf))
    i = tuple(int(k) for k in np.unravel_index(flat, x.shape))
    return Disagreement(
        program.tape,
        program.value,
        leaf=x,
        index=i,
        step=step_size(x, i, tolerance.eps),
        backward=float(gradient[i]),
        differences=float(slopes[i]),
        allowed=float(allowed[i]),
    )


# --- the gradient, where it is meant to be the derivative -------------------------------------
def _adjoints(program: Program) -> dict[Tensor, Array]:
    """The adjoints of all nodes that backward reaches."""
    tape = program.tape
    out = tape.outputs[0]
    depending = dependents(tape.nodes, program.leaves)
    for n in tape.nodes:
        if n in depending:
            refuse_imprecise(n, tape.names[n])
            if n.fn in gates.CLOSED:
                _refuse_gate(tape, n)
    if not np.all(np.isfinite(out.data)):
        raise GradientError("gradcheck: fn is not finite", **nonfinite_parts(tape))
    if not out.requires_grad:
        _refuse_no_gradient(tape, depending)
    adjoints: dict[Tensor, Array] = {}
    for n, g, sent in tape.steps(np.ones(out.shape)):
        adjoints[n] = g
        if n in depending and n.fn in gates.CHANGES_GRADIENT:
            is_same = np.array_equal(sent[0], g, equal_nan=True)
            if not is_same:
                _refuse_gate(tape, n)
    return adjoints


def _refuse_no_gradient(tape: Tape, depending: set[Tensor]) -> NoReturn:
    """Raise for an output that sends no gradient back: where the gradient is lost, and how."""
    out = tape.outputs[0]
    lost = [n for n in tape.nodes if n in depending and not n.requires_grad]
    why = "it does not depend on the inputs"
    where = out.where
    if lost:
        why = f"'{tape.names[lost[0]]}' sends none back"
        where = lost[0].where
    raise GradientError(
        "gradcheck",
        got=f"'{out.label}' needs no gradient",
        expected=why,
        where=where,
    )


def _refuse_gate(tape: Tape, n: Tensor) -> NoReturn:
    """Raise for a gate that changes the gradient."""
    name = "" if n.name is None else f" at '{tape.names[n]}'"
    raise GradientError(
        "gradcheck",
        got=f"the gate {n.op}{name} changes the gradient",
        expected="it is deliberately not the derivative",
        remedy="Check the program without the gate, a truncated tape as it was before",
        where=n.where,
    )
