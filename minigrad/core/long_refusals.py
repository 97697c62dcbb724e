"""What is said where something is refused, where it takes more than a line to say.

These functions return the error; they are imported when it is raised.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.errors import GradientError, MissingError, ShapeError, UnsupportedError
from minigrad.ops.elementwise import cast

if TYPE_CHECKING:
    from .tape import Tape
    from .tensor import Tensor

MAX_NAMED_OPERANDS = 4
IN_THE_STEAD_OF = {
    "scipy.special.softmax": "mg.softmax is recorded",
    "scipy.special.log_softmax": "mg.log_softmax is recorded",
    "scipy.special.softplus": "np.logaddexp(0, x) is recorded",
    "scipy.special.logsumexp": "np.log(np.sum(np.exp(x - m))) + m is, with m = np.max(x)",
}


# --- recording ------------------------------------------------------------------------------------
def refusal(
    op: str, inputs: Sequence[Any], keywords: Mapping[str, Any], error: Exception
) -> ShapeError:
    """NumPy's refusal of these operands as one sentence, with their names and shapes."""
    reason = str(error).splitlines()[0].rstrip(" .")
    if op == "matmul" and all(x.ndim for x in inputs):
        reason = _matmul_refusal(inputs[0].shape, inputs[1].shape) or reason
    got = " and ".join(f"'{x.label}' is {x.shape}" for x in inputs[:MAX_NAMED_OPERANDS])
    if len(inputs) > MAX_NAMED_OPERANDS:
        got += " ..."
    if keywords:
        settings = ", ".join(f"{k}={v!r}" for k, v in keywords.items())
        op = f"{op}({settings})"
    return ShapeError(op, got=got, expected=reason)


def _matmul_refusal(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """Which axes of two matrices do not match; nothing where those do."""
    if len(b) < 3:
        place, rows = "first", b[0]
    else:
        place, rows = "second-to-last", b[-2]
    if a[-1] == rows:
        return ""
    return f"the last axis of the first ({a[-1]}) must equal the second's {place} ({rows})"


# --- backward -------------------------------------------------------------------------------------
def no_way_back(tape: Tape) -> GradientError:
    """Why backward has nothing to start from on this tape, or nowhere to go."""
    out = tape.outputs[0]
    if len(tape.outputs) > 1:
        got = f"a tape with {len(tape.outputs)} outputs"
        return GradientError("backward", got=got, expected="it needs one")
    if out.requires_grad:
        got = f"'{out.label}' is {out.shape}"
        expected = "it starts from a scalar"
        remedy = f"Sum it, or pass gradient= of shape {out.shape}"
    else:
        got = f"'{out.label}' does not depend on anything that needs a gradient"
        expected = _end_of_the_way(tape)
        remedy = "" if expected else "Make parameters with tensor(..., requires_grad=True)"
    return GradientError("backward", got=got, expected=expected, remedy=remedy, where=out.where)


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


# --- conversions ----------------------------------------------------------------------------------
def no_plain_array(got: str) -> UnsupportedError:
    """The error for np.asarray of what needs a gradient; a function of SciPy asks for it too."""
    name = _scipy_function()
    remedy = IN_THE_STEAD_OF.get(name, "")
    expected = "use np.stack to join Tensors, and .data or .numpy() for the bare value"
    if name:
        expected = "this function is not recorded, as it is written for plain arrays"
    return UnsupportedError(name or "np.asarray", got=got, expected=expected, remedy=remedy)


def _scipy_function() -> str:
    """Which function of SciPy the user called, if one is running: ``scipy.special.softmax``."""
    frame = sys._getframe(3)
    name = ""
    while frame.f_back is not None:
        package = str(frame.f_globals.get("__name__", "")).split(".")
        if package[0] == "scipy":
            name = ".".join([*package[:2], frame.f_code.co_name])
        elif name:
            break
        frame = frame.f_back
    return name


def pickling(x: Tensor) -> UnsupportedError:
    """The error for the result of an operation: copied, it would have to take its past along."""
    got = f"'{x.label}' is a result of {x.op}"
    expected = "only leaves can be"
    return UnsupportedError("pickle or copy", got=got, expected=expected, remedy="Take .numpy()")


def missing(name: str) -> MissingError:
    """The error for an attribute that a Tensor does not have; what arrays have is pointed to."""
    remedy = ""
    if hasattr(np.ndarray, name):
        remedy = "Take t.data, read-only, or t.numpy(), a copy"
        if hasattr(np, name):
            remedy = f"Write np.{name}(t)"
    return MissingError(f"Tensor.{name}", got="not there", remedy=remedy)
