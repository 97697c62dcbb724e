"""What is said where something is refused, where it takes more than a line to say.

These functions return the error; they are imported when it is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.errors import (
    DTypeError,
    GradientError,
    MinigradError,
    MissingError,
    ShapeError,
    UnsupportedError,
)
from minigrad.ops.elementwise import cast
from minigrad.source import library_call

from .array import is_tensor

if TYPE_CHECKING:
    from .tape import Tape
    from .tensor import Tensor

MAX_NAMED_OPERANDS = 4
CAST = "Cast it to float32"
GRADIENT_OF_A_RESULT = (
    "minigrad.grad(loss, [h]) gives it, Tape.of(loss).steps() those of all; "
    "on_backward(h, fn) sees it pass"
)
# what other libraries call functions of ours
TWINS = {
    "expit": "sigmoid",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "logsumexp": "logsumexp",
}
SIGNS = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "matmul": "@",
    "power": "**",
    "remainder": "%",
    "floor_divide": "//",
    "bitwise_and": "&",
    "bitwise_or": "|",
    "bitwise_xor": "^",
}


# --- recording ------------------------------------------------------------------------------------
def refusal(
    op: str,
    inputs: Sequence[Any],
    keywords: Mapping[str, Any],
    error: Exception,
    args: Sequence[Any] = (),
) -> ShapeError:
    """NumPy's refusal of these operands as one sentence, with their names and shapes.

    ``args`` are those of the call, where it did not come to inputs.
    """
    reason = str(error).splitlines()[0].rstrip(" .")
    inputs = list(tensors(inputs or args))
    if op == "matmul" and all(x.ndim for x in inputs):
        reason = _matmul_refusal(inputs[0].shape, inputs[1].shape) or reason
    got = " and ".join(f"'{x.label}' is {x.shape}" for x in inputs[:MAX_NAMED_OPERANDS])
    if len(inputs) > MAX_NAMED_OPERANDS:
        got += " ..."
    if keywords:
        settings = ", ".join(f"{k}={v!r}" for k, v in keywords.items())
        op = f"{op}({settings})"
    remedy = CAST if "bfloat16" in reason.lower() else ""
    return ShapeError(op, got=got, expected=reason, remedy=remedy)


def tensors(x: Any) -> Iterator[Any]:
    """The Tensors in nested lists, tuples and dicts."""
    if is_tensor(x):
        yield x
    elif isinstance(x, (list, tuple, dict)):
        for part in x.values() if isinstance(x, dict) else x:
            yield from tensors(part)


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


def augmented_parameter(w: Tensor, fn: Any) -> UnsupportedError:
    """The error for ``W += ...``: Python would bind the name to a result, and train nothing."""
    sign = SIGNS[fn.__name__]
    got = f"'{w.label}' is a parameter, which it would leave as it is"
    update = f"Write w.assign(w.data {sign} ...) or use minigrad.optim"
    remedy = f"{update}; for a result write y = w {sign} ... instead"
    return UnsupportedError(f"{sign}=", got=got, remedy=remedy)


def swept_twice(node: Tensor) -> GradientError:
    """The error for a second ``backward()`` through a node: the classic mistake with state."""
    got = f"an earlier backward() already went through '{node.label}'"
    carry = "Carry state from batch to batch with state.detach()"
    remedy = f"{carry}, or pass retain_graph=True to go again"
    return GradientError("backward", got=got, remedy=remedy, where=node.where)


def misfit(node: Tensor, contribution: Any, x: Any) -> ShapeError:
    """The error for what a rule sends to an input of another shape: the VJP is wrong."""
    subject = f"backward through '{node.label}'"
    got = f"a contribution of shape {contribution.shape}"
    expected = f"its input has the shape {x.shape}"
    return ShapeError(subject, got=got, expected=expected, where=node.where)


# --- assigning ------------------------------------------------------------------------------------
def refuse_unfit(leaf: Tensor, new: Any) -> None:
    """Raise ShapeError or DTypeError for an array that cannot be the value of a leaf."""
    if new.shape != leaf.shape:
        got = f"'{leaf.label}' is {leaf.shape}, the new value {new.shape}"
        raise ShapeError("assign", got=got)
    if new.dtype.kind == "f" and leaf.dtype.kind != "f" and np.any(new % 1):
        got = f"'{leaf.label}' is {leaf.dtype}, the new value {new.dtype}"
        raise DTypeError("assign", got=got, expected="its fractions would be lost")


# --- what no tensor is made of --------------------------------------------------------------------
def no_real_numbers(subject: str, dtype: np.dtype[Any]) -> DTypeError:
    """The error for a dtype that the engine does not carry, or not where a gradient is needed."""
    expected = "expected real numbers"
    remedy = ""
    if dtype.kind in "iub":
        expected = "a gradient needs a floating dtype"
        remedy = "Pass dtype=float"
    elif dtype.kind == "c":
        remedy = "Keep real and imaginary part as two Tensors"
    elif dtype.kind == "V" and dtype.names is None:
        # bfloat16, to NumPy
        remedy = CAST
    return DTypeError(subject, got=f"dtype {dtype}", expected=expected, remedy=remedy)


def no_plain_array(subject: str, x: Any) -> DTypeError:
    """The error for arrays of a subclass whose operators mean something else."""
    remedy = "Pass np.asarray(m)"
    if isinstance(x, np.ma.MaskedArray):
        remedy = "Pass .filled(value), and the mask apart"
    got = f"a {type(x).__name__}"
    return DTypeError(subject, got=got, expected="expected plain arrays", remedy=remedy)


def no_array(subject: str, x: Any, error: Exception) -> DTypeError:
    """The error for what NumPy makes no array of; its reason is that of x, or NumPy's."""
    remedy = CAST if "bfloat16" in str(getattr(x, "dtype", "")) else ""
    return DTypeError(subject, got=str(error).rstrip("."), remedy=remedy)


def no_gradient_of(x: Tensor) -> GradientError:
    """Why the gradient of x cannot be asked for: it needs none, or is not on the tape."""
    if not x.requires_grad:
        got = f"'{x.label}' does not need a gradient"
        return GradientError("grad", got=got, remedy="Make it with tensor(..., requires_grad=True)")
    expected = ""
    remedy = "A rewritten tape has its own: tape['h_1'] is its h_1"
    if x.fn is None:
        expected = "the output was not computed from it, but perhaps from a copy or another model"
        remedy = "Ask for the Tensor that was used, or pass allow_unused=True for zeros"
    got = f"'{x.label}' is not on this tape"
    return GradientError("grad", got=got, expected=expected, remedy=remedy)


# --- conversions ----------------------------------------------------------------------------------
def pickling(x: Tensor) -> UnsupportedError:
    """The error for the result of an operation: copied, it would have to take its past along."""
    got = f"'{x.label}' is a result of {x.op}"
    expected = "only leaves can be"
    return UnsupportedError("pickle or copy", got=got, expected=expected, remedy="Take .numpy()")


def no_number(x: Tensor, subject: str, error: Exception) -> MinigradError:
    """The error for a tensor that is not the number that Python asks for."""
    if subject in ("item", "bool"):
        return refusal(subject, [x], {}, error)
    got = f"'{x.label}' is {x.dtype} of shape {x.shape}"
    expected = "expected one integer" if subject == "index" else "expected one number"
    return UnsupportedError(subject, got=got, expected=expected)


def item_assignment(x: Tensor) -> UnsupportedError:
    """The error for ``t[i] = value``."""
    build = "build the new value with np.where, np.concatenate or np.stack"
    expected = f"{build}, or assign() a whole leaf"
    return UnsupportedError("item assignment", got=f"'{x.label}' is read-only", expected=expected)


def copied(x: Tensor) -> UnsupportedError:
    """The error for ``tensor(t)``, which would cut the gradient of t."""
    got = f"'{x.label}' needs a gradient, which a copy would drop"
    remedy = "It is a Tensor already: t.named(...) names it, t.detach() cuts it off"
    if x.fn is None:
        remedy = "t.detach() is a constant, tensor(t, requires_grad=True) another parameter"
    return UnsupportedError("tensor", got=got, remedy=remedy)


def gradient_lost(x: Tensor) -> UnsupportedError:
    """The error for what NumPy or another library would make a plain array of."""
    subject = library_call() or "np.asarray"
    got = f"'{x.label}' needs a gradient, which a plain array would drop"
    expected = "use np.stack to join Tensors, and .data or .numpy() for the bare value"
    remedy = twin_of(subject.rpartition(".")[2])
    return UnsupportedError(subject, got=got, expected=expected, remedy=remedy)


def twin_of(name: str) -> str:
    """The function of ours that has a gradient where the one of that name has none."""
    return f"minigrad.{TWINS[name]} has a gradient" if name in TWINS else ""


def no_axes(x: Tensor) -> UnsupportedError:
    """The error for the length of a tensor without axes, and for walking over it."""
    got = f"'{x.label}' is (), one number"
    return UnsupportedError("len or iteration", got=got, remedy="Take t.item(), or t[None]")


def missing(x: Tensor, name: str) -> MissingError:
    """The error for an attribute that a Tensor does not have; what arrays have is pointed to."""
    if name == "grad":
        got = f"'{x.label}' is a result of {x.op}"
        expected = "only leaves keep one"
        return MissingError("grad", got=got, expected=expected, remedy=GRADIENT_OF_A_RESULT)
    remedy = ""
    if hasattr(np.ndarray, name):
        remedy = "Take t.data, read-only, or t.numpy(), a copy"
        if hasattr(np, name):
            remedy = f"Write np.{name}(t)"
    return MissingError(f"Tensor.{name}", got="not there", remedy=remedy)
