"""What backward starts from, or why there is no way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minigrad.errors import DTypeError, GradientError, ShapeError
from minigrad.ops.elementwise import cast

from .array import REAL_KINDS, Array
from .tensor import Tensor

if TYPE_CHECKING:
    from .tape import Tape


def seed_for(tape: Tape, gradient: npt.ArrayLike | None = None) -> Array:
    """The cotangent of the tape's one output: ones for a scalar, else the gradient that the user gives.

    Raises GradientError where there is no way back or nothing to start from; DTypeError or ShapeError for a gradient
    that does not fit.
    """
    if len(tape.outputs) > 1:
        got = f"a tape with {len(tape.outputs)} outputs"
        raise GradientError("backward", got=got, expected="it needs one")
    out = tape.outputs[0]
    if not out.requires_grad:
        raise _no_way_back(tape)
    if gradient is None:
        if out.size != 1:
            raise _no_scalar(out)
        return np.ones(out.shape, out.dtype)
    given = np.asarray(gradient)
    if given.dtype.kind not in REAL_KINDS:
        got = f"gradient of dtype {given.dtype}"
        raise DTypeError("backward", got=got, expected="real numbers")
    if given.shape != out.shape:
        got = f"'{out.label}' is {out.shape} and gradient {given.shape}"
        raise ShapeError("backward", got=got, where=out.where)
    return np.array(given, out.dtype)


def _no_scalar(out: Tensor) -> GradientError:
    return GradientError(
        "backward",
        got=f"'{out.label}' is {out.shape}",
        expected="it starts from a scalar",
        remedy=f"Sum it, or pass gradient= of shape {out.shape}",
        where=out.where,
    )


def _no_way_back(tape: Tape) -> GradientError:
    out = tape.outputs[0]
    reason = _end_of_the_way(tape)
    return GradientError(
        "backward",
        got=f"'{out.label}' does not depend on anything that needs a gradient",
        expected=reason,
        remedy="" if reason else "Make parameters with tensor(..., requires_grad=True)",
        where=out.where,
    )


def _end_of_the_way(tape: Tape) -> str:
    """Where the way from the output back to what needs a gradient ends, nearest to the output."""
    for node in reversed(tape.nodes):
        if node.cut:
            place = f" at {node.where}" if node.where else ""
            return f"{node.cut}{place} cut it off"
        if node.fn is None or node.requires_grad:
            continue
        for x in node.inputs:
            if x.requires_grad:
                op = f"the cast to {node.dtype}" if node.fn is cast else node.op
                return f"no gradient goes back through {op} at {node.where}, to '{x.label}'"
    return ""
