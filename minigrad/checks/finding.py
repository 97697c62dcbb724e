"""What there is to say about a NaN or infinity: the record of its origin, and one line that says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
from minigrad.errors import sentence
from minigrad.ops.elementwise import accumulate, cast

SUMS = {
    np.add,
    np.subtract,
    np.multiply,
    np.square,
    np.exp,
    np.exp2,
    np.expm1,
    np.sinh,
    np.cosh,
    np.matmul,
    np.einsum,
    np.sum,
    np.mean,
    np.cumsum,
    accumulate,
    cast,
}
"""Functions that finite operands (and at least one) can only leave by overflow, forward and backward."""
POLES = {
    np.divide,
    np.reciprocal,
    np.power,
    np.float_power,
    np.sqrt,
    np.cbrt,
    np.log,
    np.log2,
    np.log10,
}
"""Functions that are infinite, or infinitely steep, at 0 and nowhere else."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class NonFinite:
    """The origin of a NaN or infinity; ``str()`` says what, why and where in one line.

    ``value`` is the offending array: of kind "forward" the value of ``node``, of kind "adjoint" what the backward pass
    through ``node`` sent, or summed up there. ``masked``: the loss does not see it.
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


def elementwise(n: Tensor) -> bool:
    """Whether element i of n's value is computed from the elements i of what it reads."""
    return isinstance(n.fn, np.ufunc) and n.fn.signature is None


def forward(tape: Tape, n: Tensor, masked: str = "", turned: Tensor | None = None) -> NonFinite:
    """The value of n is the origin; ``turned`` is the first NaN that came of it."""
    i, then = _first(n.data), ""
    if turned is not None and turned is not n:
        then = f"NaN from '{tape.names[turned]}' ({turned.where}) on"
    values = _values(n, i) if elementwise(n) else []
    first = (
        f"first {f'{n.op}({_listed(values)}) ' if values else ''}at {list(i)}" if n.size > 1 else ""
    )
    kind = n.op if n.fn else "parameter" if n.requires_grad else "constant"
    message = sentence(
        f"{kind} in the gradients"
        if tape.wrt and n.fn and n.serial > tape.outputs[0].serial
        else kind,
        got=f"'{tape.names[n]}' {'has' if n.ndim else 'is'} {_counted(n.data)}",
        expected=_joined(", ", f"it reads {_operands(tape, n)}" if n.fn else "", first),
        remedy=_joined(
            ". ",
            _overflow(n, values, n.data[i]),
            masked,
            _mask(n) if masked and values else "",
            then,
            "The update before this forward pass wrote it"
            if n.fn is None and n.assigned >= 0
            else "",
        ),
        where=n.where,
    )
    return NonFinite(n, "forward", n.data, bool(masked), message)


def adjoint(tape: Tape, n: Tensor, x: Tensor, g: Array, c: Array) -> NonFinite:
    """What n sends to x is the origin: all that it is computed from is finite."""
    i, values, why, remedy = _first(c), [], f"its own gradient is {_range(g)}", ""
    if elementwise(n) and c.shape == n.shape:
        values = _values(n, i)
        place = f" at {list(i)}" if n.size > 1 else ""
        why = f"a gradient of {g[i]:.4g} meets {n.op}({_listed(values)}) = {n.data[i]:.4g}{place}"
        remedy = f"0 times an infinite slope is NaN. {_mask(n)}" if g[i] == 0 else ""
    message = sentence(
        f"backward through {n.op}",
        got=f"'{tape.names[n]}' sends {_counted(c)} to {_operand(tape, x)}",
        expected=why,
        remedy=remedy or _overflow(n, values, c[i]),
        where=n.where,
    )
    return NonFinite(n, "adjoint", c, False, message)


def total(tape: Tape, n: Tensor, g: Array) -> NonFinite:
    """An adjoint that is not finite although all that was sent is: their sum, or what the caller started from."""
    seed = n is tape.outputs[0]
    message = sentence(
        "backward",
        got=f"the gradient {'given for' if seed else 'of'} '{tape.names[n]}' {'has' if g.ndim else 'is'} {_counted(g)}",
        expected="" if seed else "all that was sent to it is finite, the sum is not",
        remedy="" if seed else _ends(g.dtype),
        where=n.where,
    )
    return NonFinite(n, "adjoint", g, False, message)


def _joined(mark: str, *parts: str) -> str:
    return mark.join(filter(None, parts))


def _counted(x: Array) -> str:
    """``NaN``, or ``NaN in 1 and inf in 2 of 6``."""
    counts = {"NaN": np.isnan(x).sum(), "inf": np.isposinf(x).sum(), "-inf": np.isneginf(x).sum()}
    found = [f"{kind} in {n}" if x.ndim else kind for kind, n in counts.items() if n]
    return f"{' and '.join(found)} of {x.size}" if x.ndim else found[0]


def _range(x: Array) -> str:
    low, high = float(x.min()), float(x.max())
    return f"all at {low:.4g}" if low == high else f"from {low:.4g} to {high:.4g}"


def _operand(tape: Tape, x: Tensor) -> str:
    """``'x' (2, 3) from 0 to 4``."""
    name = f"'{tape.names[x]}'"
    if x.ndim == 0:
        return f"{name} = {float(x.data):.4g}"
    return f"{name} {x.shape} {_range(x.data)}" if x.size else f"{name} {x.shape}"


def _operands(tape: Tape, n: Tensor) -> str:
    return " and ".join(_operand(tape, x) for x in n.inputs[:4]) + (
        " ..." if len(n.inputs) > 4 else ""
    )


def _first(x: Array) -> tuple[int, ...]:
    """The index of the first element that is not finite."""
    return tuple(int(k) for k in np.unravel_index(np.argmin(np.isfinite(x)), x.shape))


def _values(n: Tensor, i: tuple[int, ...]) -> list[Any]:
    """What an elementwise function reads for element i of its result."""
    return [np.broadcast_to(x.data, n.shape)[i] for x in n.inputs]


def _listed(values: list[Any]) -> str:
    return ", ".join(f"{float(v):.4g}" for v in values)


def _overflow(n: Tensor, values: list[Any], result: Any) -> str:
    """That the result overflowed, where nothing else can have happened."""
    summed = n.fn in SUMS and all(x.size for x in n.inputs)
    if summed or (n.fn in POLES and values and all(values) and np.isinf(result)):
        hint = (
            ". mg.softmax and mg.log_softmax subtract the largest first" if n.fn is np.exp else ""
        )
        return _ends(result.dtype) + hint
    return ""


def _ends(dtype: Any) -> str:
    return f"Overflow: {dtype} ends at {float(np.finfo(dtype).max):.4g}"


def _mask(n: Tensor) -> str:
    """np.where around the result hides the value, not its derivative: it belongs around the operand."""
    safe = f"np.where(mask, x, {1 if n.fn in POLES | SUMS else 'safe'})"
    others = ", y" * (len(n.inputs) - 1)
    return f"Mask the operand, not the result: {'y / ' + safe if n.fn is np.divide else f'{n.op}({safe}{others})'}"
