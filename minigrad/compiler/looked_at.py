"""Refuse a tape that Python's looks at values (``if t > 0``, ``float(t)``) are frozen into."""

from __future__ import annotations

from typing import NoReturn

from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError
from minigrad.source import describe

from .read import is_input


def refuse_peeks(tape: Tape) -> None:
    """Refuse a tape on which a value was looked at that another input would change.

    Only looks between the first operation and the outputs count: to print a loss when it is there
    decides nothing, after that of a differentiated tape only transforms record, and what was looked
    at before the first operation may have been for another tape.

    Raises: GradientError.
    """
    if all(n.peeked is None for n in tape.nodes):
        return
    operations = [n.serial for n in tape.nodes if n.fn is not None]
    start = min(operations, default=0)
    recorded = tape.outputs[:1] if tape.wrt else tape.outputs
    end = max(output.serial for output in recorded)
    during = []
    for n in _varying(tape):
        if n.peeked is not None and start < n.peeked[0] < end:
            during.append(n)
    if during:
        # rather the first result than an input
        during.sort(key=lambda n: (n.fn is None, n.serial))
        _refuse(during[0])


def _varying(tape: Tape) -> set[Tensor]:
    """The inputs of a plan, and what depends on them."""
    varying: set[Tensor] = set()
    for n in tape.nodes:
        read = [x for x in n.inputs if x in varying]
        if read or (n.fn is None and is_input(n)):
            varying.add(n)
    return varying


def _refuse(n: Tensor) -> NoReturn:
    place = n.peeked[1] if n.peeked else n.place
    raise GradientError(
        "compile",
        got=f"the value of '{n.label}' was read while the tape was recorded",
        expected="a plan would repeat what Python then decided, for any input",
        remedy="Write it with np.where, or lift it out of what is compiled; "
        "to look only, read t.data",
        where=describe(n.time, place),
    )
