"""Where to stop in a backward pass: ``h_2``, ``t=3``, ``op=tanh``, ``|g|>10``, ``nan``, ``cells.py:75``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from minigrad.core.step import Step
from minigrad.core.tape import Tape
from minigrad.core.text import finite
from minigrad.core.text import float_norm as norm
from minigrad.errors import ArgumentError

from .session import Session

_COMPARE = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}
KINDS = "a node's name, t=3, op=tanh, |g|>10, |g|<1e-6, nan or file.py:75"


@dataclass(frozen=True)
class Breakpoint:
    """A condition as it was written, and the test it stands for."""

    text: str
    holds: Callable[[Step], bool] = field(repr=False)
    once: bool = False


def breakpoint_at(text: str, session: Session, once: bool = False) -> Breakpoint:
    """Read a condition. Raises ArgumentError where it can never hold, as for a name that no node has."""
    text = text.strip()
    if text and (
        text in session.tape.names.values() or not re.search(r"[=<>|]|^nan$|\.py:\d+$", text)
    ):
        node = session.node(text)  # or an error that says which names are close
        return Breakpoint(text, lambda s: s.tensor is node or s.tensor.name == text, once)
    return Breakpoint(text, _condition(text.replace(" ", ""), session.tape), once)


def _condition(tight: str, tape: Tape) -> Callable[[Step], bool]:
    if tight == "nan":
        return is_bad
    if m := re.fullmatch(r"\|g\|([<>]=?)(.+)", tight):
        compare, bound = _COMPARE[m[1]], _number(m[2])
        return lambda s: compare(norm(s.grad), bound)
    if m := re.fullmatch(r"t=(-?\d+)", tight):
        t = int(m[1])
        _known(t, {t for t in tape.times.values() if t is not None}, "time step")
        return lambda s: tape.times[s.tensor] == t
    if m := re.fullmatch(r"op=(\S+)", tight):
        op = m[1]
        _known(op, {n.op for n in tape.nodes}, "operation")
        return lambda s: s.tensor.op == op
    if re.fullmatch(r"\S+\.py:\d+", tight):
        _known(tight, {n.origin for n in tape.nodes}, "line")
        return lambda s: s.origin == tight
    raise ArgumentError(f"b {tight}", got="cannot read it", expected=f"expected {KINDS}")


def is_bad(step: Step) -> bool:
    """Whether the step's adjoint, or anything it sends, has a NaN or infinity."""
    return not (finite(step.grad) and all(c is None or finite(c) for c in step.contributions))


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise ArgumentError(
            f"b |g|...{text}", got=f"{text!r} is no number", expected="expected one, as in |g|>10"
        )
    return value


def _known(value: object, there: set[object] | set[str] | set[int], what: str) -> None:
    if value not in there:
        listed = ", ".join(sorted(map(str, there))[:20])
        raise ArgumentError(
            f"b {value}", got=f"no node has that {what}", expected=f"there are {listed or 'none'}"
        )
