"""What the debugger prints of a session: each view is lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minigrad.checks.nonfinite import find_nonfinite
from minigrad.core.notation import NOTATION, filled, templates, words_of
from minigrad.core.step import Step
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.core.text import compact, summary
from minigrad.errors import MinigradError
from minigrad.ops import OPS

from .breakpoints import is_bad
from .session import Session

SIGNS = {"visited": "+", "current": ">", "waiting": "~", "ahead": " ", "unreached": "x"}
LEGEND = "> current   + visited   ~ its adjoint is growing   x no gradient reaches it"
_EDGE, _LONG = 6, 24  # a path longer than that is cut short, but for its ends


def step_lines(session: Session) -> Iterator[str]:
    """The current step: the node, its adjoint, what it sends."""
    step, tape = session.current, session.tape
    if step is None:
        yield "at the start: nothing is sent yet; n takes the first step"
        return
    n = step.tensor
    yield f"[{session.at}/{len(session.reached)}] {step.name}{f' = {_call(tape, n)}' if n.fn else ''}  [{n.where}]"
    yield f"  {words_of(tape)[1][n]}: {summary(step.grad)}{'' if n.fn else ', complete'}"
    yield from (f"  {line}" for line in step.formulas if line)


def end_lines(session: Session) -> Iterator[str]:
    """The gradients at the end."""
    yield "the end: every gradient is complete"
    for p in session.tape.parameters:
        g = session.adjoint(p)
        yield f"  {words_of(session.tape)[1][p]}: {'no gradient reaches it' if g is None else summary(g)}"


def equation_lines(step: Step) -> Iterator[str]:
    """The formulas of a step, then the same with the numbers in place of the names."""
    node, lines = step.tensor, step.formulas
    if node.fn is None:
        yield f"{step.name} is a leaf: its adjoint is the gradient, {compact(step.grad, 64)}"
    numbers = {x: compact(x.data) for x in (*node.inputs, node)}
    rows = zip(
        node.inputs, lines, templates(node) if node.fn else (), step.contributions, strict=True
    )
    for x, line, template, c in rows:
        if line is not None and template is not None:
            yield line
            if template != "{g}":
                yield f"  = {filled(node, template, numbers, compact(step.grad))}"
            yield f"  = {compact(c, 64)}  to {words_of(step.tape)[0][x]}"
    for sign, meaning in NOTATION.items():
        if any(line and sign in line for line in lines):
            yield f"  {sign}  {meaning}"


def adjoint_lines(session: Session, node: Tensor) -> Iterator[str]:
    """An adjoint so far, and which steps it came from."""
    adjoint, its = (
        session.adjoint(node),
        f"d{session.tape.outputs[0].name or 'L'}/d{session.tape.names[node]}",
    )
    if adjoint is None:
        yield f"{its}: {'no gradient reaches it' if node not in session.reached else 'nothing has arrived yet'}"
        return
    yield f"{its} {'complete' if session.visited(node) else 'so far'}: {summary(adjoint)}"
    if adjoint.ndim and adjoint.size <= 64:
        yield shown(adjoint)
    if node is session.tape.outputs[0]:
        yield "  is where backward starts"
    for step, slot in session.arrivals(node):
        formula = (step.formulas[slot] or "").partition("= ")[2]
        yield f"  += {formula}: {summary(step.contributions[slot])}  [{step.tensor.where}]"
    coming = sum(x is node for n in session.reached if not session.visited(n) for x in n.inputs)
    if coming:
        yield f"  {coming} more to come"


def where_lines(session: Session, step: Step) -> Iterator[str]:
    """The path from the loss, the rule of the step, and what is wrong where a value is not finite."""
    path = session.path()
    for i, s in enumerate(path):
        if len(path) <= _LONG or i < _EDGE or i >= len(path) - _LONG + _EDGE:
            mark = ">" if s is step else " "
            yield f"{mark} {s.name:16} {s.tensor.op:12} {summary(s.grad)}  [{s.tensor.where}]"
        elif i == _EDGE:
            yield f"  ... {len(path) - _LONG} steps ..."
    if step.tensor.fn is not None:
        yield f"  the rule of {step.tensor.op}: {rule_line(step.tensor)}"
    if is_bad(step):
        yield f"  the first bad value: {find_nonfinite(session.tape, session.gradient)}"


def tape_lines(session: Session, around: int) -> Iterator[str]:
    """The tape around the current node."""
    tape, names = session.tape, session.tape.names
    order = {n: i for i, n in enumerate(tape.nodes)}
    at = order[session.current.tensor] if session.current else len(order) - 1
    for n in tape.nodes[max(at - around, 0) : at + around + 1]:
        made = _call(tape, n) if n.fn else "parameter" if n.requires_grad else "constant"
        yield f"{SIGNS[session.state(n)]} {names[n]} = {made}  {list(n.shape)}  [{n.where}]"
    yield f"  {LEGEND}"


def _call(tape: Tape, n: Tensor) -> str:
    numbers = {
        x: compact(x.data) for x in n.inputs if x.fn is None and x.size == 1 and x.name is None
    }
    args = [numbers.get(x, tape.names[x]) for x in n.inputs[:6]] + ["..."] * (len(n.inputs) > 6)
    return f"{n.op}({', '.join(args)})"


def shown(value: Any) -> str:
    """An array in full where a screen holds it, else in one line; anything else as it is."""
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4) if value.size <= 256 else summary(value)
    return repr(value) if isinstance(value, Tensor) else str(value)


def one_line(error: BaseException) -> str:
    """The error in one line, its kind in front where it is not ours."""
    said = error.text if isinstance(error, MinigradError) else str(error)
    text = " ".join(said.split()) or "no message"
    return text if isinstance(error, MinigradError) else f"{type(error).__name__}: {text}"


def rule_line(n: Tensor) -> str:
    """``minigrad/vjps/elementwise.py:26``, where the VJPs of this node's function stand: a place for a breakpoint."""
    op = OPS[n.fn]  # type: ignore[index]  # no leaf
    rules: Iterable[Any] = [op.joint] if op.joint is not None else filter(None, op.rules)
    places = []
    for rule in rules:
        file = rule.__code__.co_filename.replace("\\", "/")
        places.append(f"{file[file.rfind('/minigrad/') + 1 :]}:{rule.__code__.co_firstlineno}")
    return ", ".join(dict.fromkeys(places)) or "no gradient passes"
