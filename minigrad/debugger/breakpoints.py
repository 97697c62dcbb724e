"""Where to stop in a backward pass: ``h_2``, ``t=3``, ``op=tanh``, ``|g|>10``, ``cells.py:75``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Set
from dataclasses import dataclass, field

from minigrad.core.inspection.step import Step
from minigrad.core.inspection.text import finite
from minigrad.core.inspection.text import float_norm as norm
from minigrad.core.tape import Tape
from minigrad.errors import ArgumentError

from .session import Session

KINDS = "a node's name, t=3, op=tanh, |g|>10, |g|<1e-6, nan or file.py:75"
MAX_LISTED = 20
COMPARISONS = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
# What only a condition contains; anything else is a name.
CONDITION = re.compile(r"[=<>|]|^nan$|\.py:\d+$")

Condition = Callable[[Step], bool]


@dataclass(frozen=True)
class Breakpoint:
    """A condition as it was written, and the test it stands for."""

    text: str
    holds: Condition = field(repr=False)
    once: bool = False


def breakpoint_at(text: str, session: Session, once: bool = False) -> Breakpoint:
    """Read a condition. Raises ArgumentError where it can never hold, as for an unknown name."""
    text = text.strip()
    is_name = text in session.tape.names.values()
    is_condition = not text or CONDITION.search(text)
    if is_condition and not is_name:
        condition = _condition(text.replace(" ", ""), session.tape)
        return Breakpoint(text, condition, once)
    # An unknown name is an error that says which names are close.
    node = session.node(text)
    # A truncated tape may hold several nodes that were given one name: all of them are meant.
    return Breakpoint(text, lambda s: s.tensor is node or s.tensor.name == text, once)


def is_bad(step: Step) -> bool:
    """Whether the step's adjoint, or anything it sends, has a NaN or infinity."""
    arrays = [step.grad, *step.contributions]
    return not all(finite(a) for a in arrays if a is not None)


def _condition(text: str, tape: Tape) -> Condition:
    """The test that a text without blanks stands for."""
    if text == "nan":
        return is_bad
    if match := re.fullmatch(r"\|g\|([<>]=?)(.+)", text):
        return _norm_condition(match[1], match[2])
    if match := re.fullmatch(r"t=(-?\d+)", text):
        return _time_condition(int(match[1]), tape)
    if match := re.fullmatch(r"op=(\S+)", text):
        return _op_condition(match[1], tape)
    if re.fullmatch(r"\S+\.py:\d+", text):
        return _line_condition(text, tape)
    raise ArgumentError(f"b {text}", got="cannot read it", expected=f"expected {KINDS}")


def _norm_condition(sign: str, bound: str) -> Condition:
    compare = COMPARISONS[sign]
    limit = _number(bound)
    return lambda step: compare(norm(step.grad), limit)


def _time_condition(t: int, tape: Tape) -> Condition:
    # Not only the steps in which something is computed: a leaf may have one of its own.
    known = set(tape.times.values()) - {None}
    _refuse_unknown(t, known, "time step")
    return lambda step: tape.times[step.tensor] == t


def _op_condition(op: str, tape: Tape) -> Condition:
    _refuse_unknown(op, {n.op for n in tape.nodes}, "operation")
    return lambda step: bool(step.tensor.op == op)


def _line_condition(line: str, tape: Tape) -> Condition:
    _refuse_unknown(line, {n.origin for n in tape.nodes}, "line")
    return lambda step: step.origin == line


def _number(text: str) -> float:
    """The number of a text; NaN is none, for nothing lies above or below it."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise ArgumentError(
            f"b |g|...{text}",
            got=f"{text!r} is no number",
            expected="expected one, as in |g|>10",
        )
    return value


def _refuse_unknown(value: object, known: Set[object], kind: str) -> None:
    """Raise where no node has that value."""
    if value in known:
        return
    listed = sorted(str(each) for each in known)
    present = ", ".join(listed[:MAX_LISTED])
    raise ArgumentError(
        f"b {value}",
        got=f"no node has that {kind}",
        expected=f"there are {present or 'none'}",
    )
