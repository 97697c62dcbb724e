"""Python that looked at a value while the tape was recorded (``if t > 0``, ``float(t)``) is frozen into it: refused."""

from __future__ import annotations

from typing import NoReturn

from minigrad.compiler.graph import is_input
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError
from minigrad.source import describe


def refuse_peeks(tape: Tape) -> None:
    """Raise where a value that depends on an input was looked at between the first operation and the outputs.

    To print a loss when it is there decides nothing; after that of a differentiated tape only transforms record. What
    was looked at before the first operation may have been for another tape: it is not refused.
    """
    if all(n.peeked is None for n in tape.nodes):
        return
    start = min((n.serial for n in tape.nodes if n.fn is not None), default=0)
    end = max(o.serial for o in (tape.outputs[:1] if tape.wrt else tape.outputs))
    varying: set[Tensor] = set()
    for n in tape.nodes:
        if is_input(n) if n.fn is None else any(x in varying for x in n.inputs):
            varying.add(n)
    during = [n for n in varying if n.peeked is not None and start < n.peeked[0] < end]
    if during:
        _refuse(
            min(during, key=lambda n: (n.fn is None, n.serial))
        )  # rather the first result than an input


def _refuse(n: Tensor) -> NoReturn:
    place = n.peeked[1] if n.peeked else n.place
    got = f"the value of '{n.label}' was read while the tape was recorded"
    expected = "a plan would repeat what Python then decided, for any input"
    remedy = "Write it with np.where, or lift it out of what is compiled; to look only, read t.data"
    raise GradientError(
        "compile", got=got, expected=expected, remedy=remedy, where=describe(n.time, place)
    )
