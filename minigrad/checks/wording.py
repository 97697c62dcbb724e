"""What a message says of numbers that are not finite, and what to do about them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
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
"""Functions that finite operands, one at least, leave by overflow only, forward and backward."""
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


def elementwise(n: Tensor) -> bool:
    """Whether element i of n's value is computed from the elements i of what it reads."""
    return isinstance(n.fn, np.ufunc) and n.fn.signature is None


# --- remedies ---------------------------------------------------------------------------------
def overflow(n: Tensor, values: list[Any], result: Any) -> str:
    """That the result overflowed, where nothing else can have happened."""
    is_sum = n.fn in SUMS and all(x.size for x in n.inputs)
    is_off_pole = n.fn in POLES and values and all(values) and np.isinf(result)
    if not is_sum and not is_off_pole:
        return ""
    hint = ""
    if n.fn is np.exp:
        hint = ". mg.softmax and mg.log_softmax subtract the largest first"
    return overflowed(result.dtype) + hint


def overflowed(dtype: Any) -> str:
    """That a result was too large for its dtype."""
    return f"Overflow: {dtype} ends at {float(np.finfo(dtype).max):.4g}"


def where_to_mask(n: Tensor) -> str:
    """Where to mask: np.where around the result hides the value, not its derivative."""
    safe = "1" if n.fn in POLES | SUMS else "safe"
    masked = f"np.where(mask, x, {safe})"
    if n.fn is np.divide:
        call = f"y / {masked}"
    else:
        others = ", y" * (len(n.inputs) - 1)
        call = f"{n.op}({masked}{others})"
    return f"Mask the operand, not the result: {call}"


# --- numbers in words -------------------------------------------------------------------------
def joined(mark: str, *parts: str) -> str:
    """The parts that say something, with a mark between them."""
    return mark.join(filter(None, parts))


def counted(x: Array) -> str:
    """``NaN``, or ``NaN in 1 and inf in 2 of 6``."""
    counts = {
        "NaN": np.isnan(x).sum(),
        "inf": np.isposinf(x).sum(),
        "-inf": np.isneginf(x).sum(),
    }
    present = {kind: n for kind, n in counts.items() if n}
    if x.ndim == 0:
        return next(iter(present))
    parts = [f"{kind} in {n}" for kind, n in present.items()]
    return f"{' and '.join(parts)} of {x.size}"


def range_of(x: Array) -> str:
    """``from 0 to 4``, or ``all at 1``."""
    low = float(x.min())
    high = float(x.max())
    return f"all at {low:.4g}" if low == high else f"from {low:.4g} to {high:.4g}"


def operand(tape: Tape, x: Tensor) -> str:
    """``'x' (2, 3) from 0 to 4``."""
    name = f"'{tape.names[x]}'"
    if x.ndim == 0:
        return f"{name} = {float(x.data):.4g}"
    if x.size == 0:
        return f"{name} {x.shape}"
    return f"{name} {x.shape} {range_of(x.data)}"


def first_bad(x: Array) -> tuple[int, ...]:
    """The index of the first element that is not finite."""
    flat = np.argmin(np.isfinite(x))
    return tuple(int(k) for k in np.unravel_index(flat, x.shape))


def operands_at(n: Tensor, i: tuple[int, ...]) -> list[Any]:
    """What an elementwise function reads for element i of its result."""
    return [np.broadcast_to(x.data, n.shape)[i] for x in n.inputs]


def listed(values: list[Any]) -> str:
    """``0, 0.5``."""
    return ", ".join(f"{float(v):.4g}" for v in values)
