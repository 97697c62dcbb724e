"""Standing inside backward: the terminal debugger, a stop in an ordinary ``loss.backward()``, and post-mortem."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from types import TracebackType
from typing import Any

import numpy as np

from minigrad.core.step import Step
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.core.watch import Watch
from minigrad.errors import ArgumentError, NonFiniteError

from .breakpoints import is_bad
from .views import one_line


def debug(loss: Tensor | Tape, commands: str | None = None) -> None:
    """Step through the backward pass of a loss, or of a tape, in the terminal; ``h`` lists the commands.

    Commands may be given, ``"b h_2; c; eq"``, or come from a file: ``python train.py < commands``.
    """
    from .terminal import Debugger  # a program that only trains need not wait for it

    given = None if commands is None else StringIO(commands.replace("; ", "\n"))
    Debugger(_tape(loss), stdin=given).run()


def break_at(
    tape: Tape | Tensor,
    where: str | Tensor | Callable[[Tensor], Any],
    when: Callable[[Any], Any] | None = None,
) -> Watch:
    """Stop in the debugger when the adjoint g of a node is complete and ``when(g)`` holds.

    ``where`` is a name on the tape, a node of it or a predicate of nodes. Every backward pass through these nodes, an
    ordinary ``loss.backward()`` too, stops there in whatever ``breakpoint()`` starts; ``step`` is the node, its adjoint
    and what it sends. Returns a Watch: ``remove()`` it, or use it in ``with``.
    """
    tape = _tape(tape)
    if isinstance(where, str):
        nodes = {n for n, name in tape.names.items() if where in (n.name, name)} or {tape[where]}
    elif isinstance(where, Tensor):
        nodes = {where} & set(tape.nodes)
    else:
        nodes = {n for n in tape.nodes if where(n)}
    if not nodes:
        raise ArgumentError(
            "break_at", got="no node of this tape is meant", expected="print(tape) lists the names"
        )

    def look(its: Tape, swept: Any) -> None:
        if when is None or when(swept[1]):
            stop(Step(swept[0], swept[1], swept[2], its))

    return Watch(
        where if isinstance(where, str) else f"{len(nodes)} nodes",
        lambda its: nodes & set(its.names),
        look,
    )


def stop(step: Step) -> None:
    """Inside backward. Look at step.formula, step.grad, step.contributions, step.origin; ``up`` leads to your call."""
    grad, formula = step.grad, step.formula  # noqa: F841  (to look at)
    breakpoint()


def pm(error: BaseException | None = None) -> None:
    """Post-mortem: after an error in backward, step up to where it happened, and look.

    The error is the given one, the one being handled, or the last one of an interactive session.
    """
    error = (
        error
        or sys.exception()
        or getattr(sys, "last_exc", None)
        or getattr(sys, "last_value", None)
    )
    if error is None:
        raise ArgumentError(
            "pm", got="no error has happened", remedy="Call it in `except`, or pass the error"
        )
    tape = _swept_tape(error.__traceback__)
    if tape is None:
        raise ArgumentError(
            "pm", got=f"this {type(error).__name__} did not happen in a backward pass"
        )
    from .terminal import Debugger

    debugger = Debugger(tape)
    debugger.say(f"post-mortem: {one_line(error)}")
    session = debugger.session
    try:
        with np.errstate(all="ignore"):
            while (step := session.forward()) is not None:
                if isinstance(error, NonFiniteError) and is_bad(step):
                    break
    except Exception as again:
        failing = next(n for n in reversed(tape.nodes) if session.state(n) == "waiting")
        debugger.say(f"the next step, through '{tape.names[failing]}', fails: {one_line(again)}")
    debugger.show()
    debugger.run()


def _swept_tape(traceback: TracebackType | None) -> Tape | None:
    """The tape of the innermost backward pass in a traceback."""
    found = None
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__", "").startswith("minigrad."):
            here = [v for v in traceback.tb_frame.f_locals.values() if isinstance(v, Tape)]
            found = here[0] if here else found
        traceback = traceback.tb_next
    return found


def _tape(loss: Tensor | Tape) -> Tape:
    return loss if isinstance(loss, Tape) else Tape.of(loss)
