"""Python that looked at a value while the tape was recorded (``if t > 0``, ``float(t)``) is frozen into it: refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from ..errors import GradientError
from ..place import Place, describe
from ..tape import Tape
from ..tensor import Tensor

Peek = tuple[int, Place]  # when, in serials, and where


def peeks_of(tape: Tape) -> dict[Tensor, Peek]:
    """The results on the tape whose values were looked at, or from which what was looked at was computed."""
    if not hasattr(Tensor, "peeked"):  # the slot that tensor.py is to fill
        return {}
    return {n: seen for n in tape.nodes if n.fn is not None and (seen := n.peeked) is not None}


def refuse_peeks(tape: Tape, peeks: Mapping[Tensor, Peek]) -> None:
    """Raise where a value was looked at before the first output was recorded; to print a loss afterwards is fine."""
    for n, (when, place) in peeks.items():
        if when < tape.outputs[0].serial:
            _refuse(n, place)


def _refuse(n: Tensor, place: Place) -> NoReturn:
    got = f"the value of '{n.label}' was read while the tape was recorded"
    expected = "a plan would repeat what Python then decided, for any input"
    remedy = "Write it with np.where, or lift it out of what is compiled; to look only, read t.data"
    raise GradientError("compile", got=got, expected=expected, remedy=remedy, where=describe(n.time, place))
