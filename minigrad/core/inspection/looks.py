"""Somebody looks at a value: what there is to see, and the mark that the look leaves.

What the program reads may decide what it records next (``if t > 0``, ``float(t)``), and that
decision is on no tape. What a person reads at a debugger decides nothing.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING

from minigrad.core.scope import looked
from minigrad.core.tensor import Tensor
from minigrad.source import serials, user_place

from .asking import asked_by_debugger
from .text import is_long

if TYPE_CHECKING:
    from minigrad.core.tape import Tape

FIELDS = {"fn", "grad", "inputs", "kwargs", "name", "requires_grad", "time"}
RECORDING = {"T", "mT", "real", "imag"}
FOR_TRANSFORMS = {"with_inputs", "copied", "drop"}
SLOW_ON_LONG_TAPES = {"names", "stamps", "times"}


# --- the mark -------------------------------------------------------------------------------------
def mark(x: Tensor) -> None:
    """Mark x and what it was computed from as read by Python, unless somebody asked to see it.

    ``peeked`` is (serial, place) of the first look at a result, and of the last at a leaf. A result
    is passed once in its life: what is marked has its past marked.
    """
    if asked_by_debugger():
        return
    look = (next(serials), user_place())
    looked.get()(x, look)
    waiting = [x]
    while waiting:
        node = waiting.pop()
        if node.fn is None:
            node.peeked = look
        elif node.peeked is None:
            node.peeked = look
            waiting += node.inputs


# --- what dir() lists, and so a debugger's pane and completion ------------------------------------
def _public(cls: type) -> set[str]:
    """The names of methods and properties that are not the engine's own."""
    shown = (FunctionType, classmethod, property)
    names = [name for name, value in vars(cls).items() if isinstance(value, shown)]
    return {name for name in names if not name.startswith("_")}


OF_A_TENSOR = (_public(Tensor) | FIELDS) - RECORDING - FOR_TRANSFORMS


def of_tensor(x: Tensor) -> set[str]:
    """What a person asks a Tensor; nothing that records, computes or raises when it is read."""
    if x.fn is None:
        return OF_A_TENSOR
    unread = {"grad"} if x.form is None else {"grad", "data"}
    return OF_A_TENSOR - unread


def of_tape(tape: Tape) -> set[str]:
    """What a person asks a Tape; of a long one only what is there at once."""
    names = {name for name in object.__dir__(tape) if not name.startswith("_")} - {"reading"}
    return names - SLOW_ON_LONG_TAPES if is_long(tape) else names
