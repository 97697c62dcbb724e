"""What the debugger says of a session: each description is lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minigrad.checks.nonfinite import find_nonfinite
from minigrad.core.inspection.notation import NOTATION, filled, templates, words_of
from minigrad.core.inspection.step import Step
from minigrad.core.inspection.text import compact, summary
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import MinigradError
from minigrad.ops import OPS

from .breakpoints import is_bad
from .session import Session

SIGNS = {"visited": "+", "current": ">", "waiting": "~", "ahead": " ", "unreached": "x"}
LEGEND = "> current   + visited   ~ its adjoint is growing   x no gradient reaches it"
MAX_PATH_STEPS = 24
PATH_STEPS_AT_THE_LOSS = 6
MAX_OPERANDS = 6
MAX_NUMBERS_IN_A_LINE = 64
MAX_NUMBERS_ON_A_SCREEN = 256


def step_lines(session: Session) -> Iterator[str]:
    """The current step: the node, its adjoint, what it sends."""
    step = session.current
    tape = session.tape
    if step is None:
        yield "at the start: nothing is sent yet; n takes the first step"
        return
    n = step.tensor
    call = f" = {_call(tape, n)}" if n.fn else ""
    complete = "" if n.fn else ", complete"
    yield f"[{session.position}/{len(session.reached)}] {step.name}{call}  [{n.where}]"
    yield f"  {_adjoint_name(tape, n)}: {summary(step.grad)}{complete}"
    for line in step.formulas:
        if line:
            yield f"  {line}"


def end_lines(session: Session) -> Iterator[str]:
    """The gradients at the end."""
    yield "the end: every gradient is complete"
    for p in session.tape.parameters:
        g = session.adjoint(p)
        text = "no gradient reaches it" if g is None else summary(g)
        yield f"  {_adjoint_name(session.tape, p)}: {text}"


def equation_lines(step: Step) -> Iterator[str]:
    """The formulas of a step, then the same with the numbers in place of the names."""
    node = step.tensor
    formulas = step.formulas
    if node.fn is None:
        gradient = compact(step.grad, MAX_NUMBERS_IN_A_LINE)
        yield f"{step.name} is a leaf: its adjoint is the gradient, {gradient}"
        return
    numbers = {x: compact(x.data) for x in (*node.inputs, node)}
    names = words_of(step.tape)[0]
    rows = zip(node.inputs, formulas, templates(node), step.contributions, strict=True)
    for x, formula, template, contribution in rows:
        if formula is None or template is None:
            continue
        yield formula
        # A cotangent that is handed down unchanged is not written twice.
        if template != "{g}":
            yield f"  = {filled(node, template, numbers, compact(step.grad))}"
        yield f"  = {compact(contribution, MAX_NUMBERS_IN_A_LINE)}  to {names[x]}"
    for sign, meaning in NOTATION.items():
        if any(formula and sign in formula for formula in formulas):
            yield f"  {sign}  {meaning}"


def adjoint_lines(session: Session, node: Tensor) -> Iterator[str]:
    """An adjoint so far, and which steps it came from."""
    tape = session.tape
    loss = tape.outputs[0]
    name = f"d{loss.name or 'L'}/d{tape.names[node]}"
    adjoint = session.adjoint(node)
    if adjoint is None:
        is_reached = node in session.reached
        yield f"{name}: {'nothing has arrived yet' if is_reached else 'no gradient reaches it'}"
        return
    extent = "complete" if session.visited(node) else "so far"
    yield f"{name} {extent}: {summary(adjoint)}"
    if adjoint.ndim and adjoint.size <= MAX_NUMBERS_IN_A_LINE:
        yield in_full(adjoint)
    if node is loss:
        yield "  is where backward starts"
    for step, slot in session.arrivals(node):
        formula = (step.formulas[slot] or "").partition("= ")[2]
        contribution = summary(step.contributions[slot])
        yield f"  += {formula}: {contribution}  [{step.tensor.where}]"
    coming = _uses_to_come(session, node)
    if coming:
        yield f"  {coming} more to come"


def where_lines(session: Session, step: Step) -> Iterator[str]:
    """The path from the loss, the rule of the step, and where a value that is not finite began."""
    path = session.path()
    left_out = len(path) - MAX_PATH_STEPS
    for i, s in enumerate(path):
        is_inside = PATH_STEPS_AT_THE_LOSS <= i < PATH_STEPS_AT_THE_LOSS + left_out
        if not is_inside:
            mark = ">" if s is step else " "
            yield f"{mark} {s.name:16} {s.tensor.op:12} {summary(s.grad)}  [{s.tensor.where}]"
        elif i == PATH_STEPS_AT_THE_LOSS:
            yield f"  ... {left_out} steps ..."
    if step.tensor.fn is not None:
        yield f"  the rule of {step.tensor.op}: {rule_line(step.tensor)}"
    if is_bad(step):
        yield f"  the first bad value: {find_nonfinite(session.tape, session.gradient)}"


def tape_lines(session: Session, rows: range) -> Iterator[str]:
    """Some rows of the tape, in the order of execution."""
    tape = session.tape
    for n in tape.nodes[rows.start : rows.stop]:
        sign = SIGNS[session.state(n)]
        yield f"{sign} {tape.names[n]} = {_maker(tape, n)}  {list(n.shape)}  [{n.where}]"
    yield f"  {LEGEND}"


def row_of(session: Session, node: Tensor | None) -> int:
    """The row of a node on its tape; without one the last."""
    nodes = session.tape.nodes
    if node is None:
        return len(nodes) - 1
    # Not nodes.index(): to compare Tensors is to record their elements' equality.
    return next(i for i, n in enumerate(nodes) if n is node)


def operand_lines(step: Step, width: int | None) -> Iterator[str]:
    """The inputs of a step's node, its value and its adjoint, by name."""
    node, tape = step.tensor, step.tape
    names = words_of(tape)
    rows = [(names[0][x], x.data) for x in dict.fromkeys((*node.inputs, node))]
    for name, value in (*rows, (names[1][node], step.grad)):
        yield labelled(name, in_full(value, width))


def labelled(name: str, text: str) -> str:
    """``name = text``; a text of several lines begins on its own."""
    gap = "\n" if "\n" in text else " "
    return f"{name} ={gap}{text}"


def _adjoint_name(tape: Tape, n: Tensor) -> str:
    """``dL/dh_2``, or the name of the adjoint that it equals."""
    return words_of(tape)[1][n]


def _uses_to_come(session: Session, node: Tensor) -> int:
    """How many uses of a node backward has not been at yet."""
    ahead = [n for n in session.reached if not session.visited(n)]
    return sum(x is node for n in ahead for x in n.inputs)


def _maker(tape: Tape, n: Tensor) -> str:
    """The call that made a node, or what kind of leaf it is."""
    if n.fn is not None:
        return _call(tape, n)
    return "parameter" if n.requires_grad else "constant"


def _call(tape: Tape, n: Tensor) -> str:
    """``matmul(W_hh, h_2)``; a number without a name stands for itself."""
    operands = []
    for x in n.inputs[:MAX_OPERANDS]:
        is_number = x.fn is None and x.size == 1 and x.name is None
        operands.append(compact(x.data) if is_number else tape.names[x])
    if len(n.inputs) > MAX_OPERANDS:
        operands.append("...")
    return f"{n.op}({', '.join(operands)})"


def in_full(value: Any, width: int | None = None) -> str:
    """An array in full where a screen holds it, else in one line; anything else as it is."""
    if isinstance(value, np.ndarray):
        if value.size > MAX_NUMBERS_ON_A_SCREEN:
            return summary(value)
        return np.array2string(value, max_line_width=width, precision=4)
    return repr(value) if isinstance(value, Tensor) else str(value)


def one_line(error: BaseException) -> str:
    """The error in one line, its kind in front where it is not ours."""
    is_ours = isinstance(error, MinigradError)
    message = error.text if isinstance(error, MinigradError) else str(error)
    text = " ".join(message.split()) or "no message"
    return text if is_ours else f"{type(error).__name__}: {text}"


def rule_line(n: Tensor) -> str:
    """``minigrad/ops/elementwise.py:26``, where the VJPs of a node stand: a place to stop at."""
    op = OPS[n.fn]  # type: ignore[index]  # no leaf
    rules: Iterable[Any] = [op.joint] if op.joint is not None else filter(None, op.rules)
    places: dict[str, None] = {}
    for rule in rules:
        code = rule.__code__
        file = code.co_filename.replace("\\", "/")
        inside = file[file.rfind("/minigrad/") + 1 :]
        places[f"{inside}:{code.co_firstlineno}"] = None
    return ", ".join(places) or "no gradient passes"
