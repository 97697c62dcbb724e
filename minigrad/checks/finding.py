"""What there is to say about a NaN or infinity: the record of its origin, and one line why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from minigrad.core.inspection.text import notebook_bundle
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
from minigrad.errors import sentence

from .wording import (
    counted,
    elementwise,
    first_bad,
    joined,
    listed,
    operand,
    operands_at,
    overflow,
    overflowed,
    range_of,
    where_to_mask,
)

MAX_OPERANDS = 4
"""How many operands a message describes."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class NonFinite:
    """The origin of a NaN or infinity; ``str()`` says what, why and where in one line.

    ``value`` is the offending array: of kind "forward" the value of ``node``, of kind "adjoint"
    what the backward pass through ``node`` sent, or summed up there. ``masked``: the loss does not
    see it.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([0.0, 1.0], requires_grad=True, name="x")
    >>> with np.errstate(all="ignore"):
    ...     loss = np.sum(np.log(x))
    >>> finding = mg.find_nonfinite(mg.Tape.of(loss))
    >>> finding.kind, finding.node.op, finding.value, finding.infs
    ('forward', 'log', array([-inf,   0.]), 1)
    """

    node: Tensor
    kind: Literal["forward", "adjoint"]
    value: Array
    masked: bool
    message: str

    @property
    def nans(self) -> int:
        """How many elements are NaN."""
        return int(np.isnan(self.value).sum())

    @property
    def infs(self) -> int:
        """How many elements are infinite."""
        return int(np.isinf(self.value).sum())

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"NonFinite({self.kind}: {self.message})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return notebook_bundle("finding", self, repr(self))


# --- the three findings -----------------------------------------------------------------------
def value_finding(
    tape: Tape,
    n: Tensor,
    masked: str = "",
    first_nan: Tensor | None = None,
) -> NonFinite:
    """The value of n is the origin.

    ``masked`` says why the loss does not see it; ``first_nan`` is the first NaN that came of it.
    """
    i = first_bad(n.data)
    # Only there does an element of the result tell which elements were read.
    values = operands_at(n, i) if elementwise(n) else []
    message = sentence(
        _maker(tape, n),
        got=f"'{tape.names[n]}' {'has' if n.ndim else 'is'} {counted(n.data)}",
        expected=joined(", ", _reads(tape, n), _first_element(n, i, values)),
        remedy=joined(
            ". ",
            overflow(n, values, n.data[i]),
            masked,
            where_to_mask(n) if masked and values else "",
            _spread(tape, n, first_nan),
            _update(n),
        ),
        where=n.where,
    )
    return NonFinite(n, "forward", n.data, bool(masked), message)


def adjoint_finding(
    tape: Tape,
    n: Tensor,
    x: Tensor,
    g: Array,
    sent: Array,
) -> NonFinite:
    """What n, whose adjoint is g, sends to x is the origin: all it is computed from is finite."""
    i = first_bad(sent)
    values = []
    why = f"its own gradient is {range_of(g)}"
    remedy = ""
    if elementwise(n) and sent.shape == n.shape:
        values = operands_at(n, i)
        call = f"{n.op}({listed(values)}) = {n.data[i]:.4g}"
        place = f" at {list(i)}" if n.size > 1 else ""
        why = f"a gradient of {g[i]:.4g} meets {call}{place}"
        if g[i] == 0:
            remedy = f"0 times an infinite slope is NaN. {where_to_mask(n)}"
    message = sentence(
        f"backward through {n.op}",
        got=f"'{tape.names[n]}' sends {counted(sent)} to {operand(tape, x)}",
        expected=why,
        remedy=remedy or overflow(n, values, sent[i]),
        where=n.where,
    )
    return NonFinite(n, "adjoint", sent, False, message)


def sum_finding(tape: Tape, n: Tensor, g: Array) -> NonFinite:
    """The adjoint of n is the origin: the sum of what was sent, or what the caller started from."""
    name = tape.names[n]
    verb = "has" if g.ndim else "is"
    gradient = f"the gradient of '{name}'"
    why = "all that was sent to it is finite, the sum is not"
    remedy = overflowed(g.dtype)
    if n is tape.outputs[0]:
        gradient = f"the gradient given for '{name}'"
        why = ""
        remedy = ""
    message = sentence(
        "backward",
        got=f"{gradient} {verb} {counted(g)}",
        expected=why,
        remedy=remedy,
        where=n.where,
    )
    return NonFinite(n, "adjoint", g, False, message)


# --- what made the value ----------------------------------------------------------------------
def _maker(tape: Tape, n: Tensor) -> str:
    """The operation, in which pass; or that it is a parameter or a constant."""
    if n.fn is None:
        return "parameter" if n.requires_grad else "constant"
    is_in_backward = tape.wrt and n.serial > tape.outputs[0].serial
    return f"{n.op} in the gradients" if is_in_backward else n.op


def _reads(tape: Tape, n: Tensor) -> str:
    """``it reads 'x' (2, 3) from 0 to 4 and 'y' = 1``; nothing for a leaf."""
    if n.fn is None:
        return ""
    operands = [operand(tape, x) for x in n.inputs[:MAX_OPERANDS]]
    more = " ..." if len(n.inputs) > MAX_OPERANDS else ""
    return f"it reads {' and '.join(operands)}{more}"


def _first_element(n: Tensor, i: tuple[int, ...], values: list[Any]) -> str:
    """``first log(0) at [0]``, where there is more than one element."""
    if n.size <= 1:
        return ""
    call = f"{n.op}({listed(values)}) " if values else ""
    return f"first {call}at {list(i)}"


def _spread(tape: Tape, n: Tensor, first_nan: Tensor | None) -> str:
    """Where the NaN begins that an infinity became."""
    if first_nan is None or first_nan is n:
        return ""
    return f"NaN from '{tape.names[first_nan]}' ({first_nan.where}) on"


def _update(n: Tensor) -> str:
    """That a parameter was assigned its value."""
    if n.fn is None and n.assigned >= 0:
        return "The update before this forward pass wrote it"
    return ""
