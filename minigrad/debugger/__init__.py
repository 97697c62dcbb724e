"""Standing inside backward: the terminal debugger, a stop in ``loss.backward()``, post-mortem."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.inspection.watch import Watch, meant
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, NonFiniteError

from .breakpoints import is_bad
from .descriptions import one_line

if TYPE_CHECKING:
    from .terminal import Debugger


def debug(loss: Tensor | Tape, commands: str | None = None) -> None:
    """Step through the backward pass of a loss, or of a tape, in the terminal.

    ``h`` lists the commands. Commands may be given, ``"b h_2; c; eq"``, or come from a file:
    ``python train.py < commands``.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> mg.debug(np.sum(x * x), "n 2; q")
    Tape(3 nodes, 1 parameters, 0 time steps -> sum): 3 steps back. n takes one, ...
    (mg) n 2
    [2/3] multiply = multiply(x, x)  [...]
      dL/dmultiply: float64[2], norm 1.414, 1 to 1
      dL/dx += dL/dmultiply ⊙ x
      dL/dx += dL/dmultiply ⊙ x
    (mg) q

    Raises: GradientError where there is no backward pass: nothing needs a gradient, or the loss is
    no scalar.
    """
    stdin = None if commands is None else StringIO(commands.replace("; ", "\n"))
    _debugger(_tape(loss), stdin).run()


def break_at(
    tape: Tape | Tensor,
    where: str | Tensor | Callable[[Tensor], Any],
    when: Callable[[Any], Any] | None = None,
) -> Watch:
    """Stop in the debugger when the adjoint g of a node is complete and ``when(g)`` holds.

    ``where`` is a name on the tape, a node of it or a predicate of nodes. Every backward pass
    through these nodes, an ordinary ``loss.backward()`` too, stops there in whatever
    ``breakpoint()`` starts: on your forward line, in a frame "backward of h_2". There ``step`` is
    the node, its adjoint and what it sends, ``grad`` and ``formula`` are those of the step, and the
    inputs have their names. Returns a Watch: ``remove()`` it, or use it in ``with``.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> loss = np.sum(x * x)
    >>> with mg.break_at(loss, "x", when=lambda g: np.isnan(g).any()) as watch:
    ...     print(watch)
    ...     loss.backward()
    Watch(x, on)

    Raises: ArgumentError where no node of the tape is meant.
    """
    tape = _tape(tape)
    nodes = _chosen(tape, where)
    if not nodes:
        raise ArgumentError(
            "break_at",
            got="no node of this tape is meant",
            expected="print(tape) lists the names",
        )

    def chosen_on(swept_tape: Tape) -> set[Tensor]:
        return nodes & set(swept_tape.names)

    def look(swept_tape: Tape, node: Tensor, g: Any) -> Any:
        return when is None or when(g)

    title = where if isinstance(where, str) else f"{len(nodes)} nodes"
    return Watch(title, chosen_on, look)


def _chosen(tape: Tape, where: str | Tensor | Callable[[Tensor], Any]) -> set[Tensor]:
    """The nodes that are meant."""
    if isinstance(where, Tensor):
        return {where} & set(tape.nodes)
    nodes = set(meant(tape, where))
    if isinstance(where, str):
        return nodes or {tape[where]}
    return nodes


def pm(error: BaseException | None = None) -> None:
    """Post-mortem: after an error in backward, step up to where it happened, and look.

    The error is the given one, the one being handled, or the last one of an interactive session.

    >>> import io
    >>> import sys
    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([0.0, 4.0], requires_grad=True, name="x")
    >>> loss = np.sum(np.where(x > 0, np.sqrt(x), 0))
    >>> sys.stdin = io.StringIO("q")
    >>> try:
    ...     with np.errstate(all="ignore"), mg.detect_anomaly():
    ...         loss.backward()
    ... except mg.errors.NonFiniteError:
    ...     mg.pm()
    post-mortem: backward through sqrt: 'sqrt' sends NaN in 1 of 2 to 'x' ...
    [3/4] sqrt = sqrt(x)  [...]
      dL/dsqrt: float64[2], norm 1, 0 to 1
      dL/dx += dL/dsqrt / (2 ⊙ sqrt)
    Tape(7 nodes, 1 parameters, 0 time steps -> sum): 4 steps back. n takes one, ...
    (mg) q
    >>> sys.stdin = sys.__stdin__

    Raises: ArgumentError where no error has happened, or one that is not from a backward pass.
    """
    error = error or _last_error()
    if error is None:
        raise ArgumentError(
            "pm",
            got="no error has happened",
            remedy="Call it in `except`, or pass the error",
        )
    tape = _swept_tape(error.__traceback__)
    if tape is None:
        kind = type(error).__name__
        raise ArgumentError("pm", got=f"this {kind} did not happen in a backward pass")
    debugger = _debugger(tape)
    debugger.say(f"post-mortem: {one_line(error)}")
    _step_up_to(error, debugger)
    debugger.show()
    debugger.run()


def _last_error() -> BaseException | None:
    """The error that is being handled, or the last one that an interactive session printed."""
    # last_exc is new in Python 3.12.
    printed = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return sys.exception() or printed


def _swept_tape(traceback: TracebackType | None) -> Tape | None:
    """The tape of the innermost backward pass in a traceback."""
    innermost = None
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals.get("__name__", "").startswith("minigrad."):
            tapes = [v for v in frame.f_locals.values() if isinstance(v, Tape)]
            innermost = tapes[0] if tapes else innermost
        traceback = traceback.tb_next
    return innermost


def _step_up_to(error: BaseException, debugger: Debugger) -> None:
    """Step to where the error happened: the step that fails again, or the first bad value."""
    session = debugger.session
    try:
        with np.errstate(all="ignore"):
            while (step := session.forward()) is not None:
                if isinstance(error, NonFiniteError) and is_bad(step):
                    return
    except Exception as again:
        waiting = (n for n in reversed(session.tape.nodes) if session.state(n) == "waiting")
        node = next(waiting)
        name = session.tape.names[node]
        debugger.say(f"the next step, through '{name}' [{node.where}], fails: {one_line(again)}")


def _debugger(tape: Tape, stdin: StringIO | None = None) -> Debugger:
    # A program that only trains need not wait for pdb and cmd.
    from .terminal import Debugger

    return Debugger(tape, stdin=stdin)


def _tape(loss: Tensor | Tape) -> Tape:
    return loss if isinstance(loss, Tape) else Tape.of(loss)
