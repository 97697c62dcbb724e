"""Refuse a tape that is frozen: by Python's looks at values, or by what was computed off it."""

from __future__ import annotations

from typing import NoReturn

from minigrad.core.inspection.hooks import decided_by_a_look
from minigrad.core.rerun.off_tape import frozen_refusal, is_frozen
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError
from minigrad.source import describe

from .read import is_input


def refuse_off_tape(tape: Tape, subject: str) -> None:
    """Refuse a tape that holds a value computed from inputs or parameters off the tape.

    subject: who refuses. Raises: GradientError.
    """
    for leaf in tape.leaves:
        if is_frozen(leaf):
            raise frozen_refusal(subject, leaf)


def refuse_peeks(tape: Tape, subject: str) -> None:
    """Refuse a tape on which a value was looked at that another input would change.

    Only looks between the first operation and the outputs count: to print a loss when it is there
    decides nothing, and what was looked at before the first operation may have been for another
    tape. After the loss of a differentiated tape only transforms record, but for the functions of
    on_backward, whose results have a mark where a look decided.

    Raises: GradientError.
    """
    if all(n.peeked is None for n in tape.nodes):
        return
    for n in tape.nodes:
        if decided_by_a_look(n):
            _refuse(
                subject,
                n,
                "a value was read in a function of on_backward that changes the gradient",
            )
    operations = [n.serial for n in tape.nodes if n.fn is not None]
    start = min(operations, default=0)
    recorded = tape.outputs[:1] if tape.wrt or tape.carried else tape.outputs
    end = max(output.serial for output in recorded)
    during = []
    for n in _varying(tape):
        if n.peeked is not None and start < n.peeked[0] < end:
            during.append(n)
    if during:
        # rather the first result than an input
        during.sort(key=lambda n: (n.fn is None, n.serial))
        first = during[0]
        _refuse(
            subject, first, f"the value of '{first.label}' was read while the tape was recorded"
        )


def _varying(tape: Tape) -> set[Tensor]:
    """The inputs of a plan, and what depends on them."""
    varying: set[Tensor] = set()
    for n in tape.nodes:
        read = [x for x in n.inputs if x in varying]
        if read or (n.fn is None and is_input(n)):
            varying.add(n)
    return varying


def _refuse(subject: str, n: Tensor, got: str) -> NoReturn:
    place = n.peeked[1] if n.peeked else n.place
    raise GradientError(
        subject,
        got=got,
        expected="what Python then decided would be repeated, for any input",
        remedy="Write it with np.where, or lift it out of what is compiled; "
        "to look only, read t.data",
        where=describe(n.time, place),
    )
