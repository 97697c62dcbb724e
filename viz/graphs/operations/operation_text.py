"""What an operation is called: the function with its constants, axes and indices, and its shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minigrad import Tensor
from minigrad.internal import accumulate
from minigrad.viz import style
from minigrad.viz.graphs.marks import is_gate, mark
from minigrad.viz.graphs.selection import is_number, written

OPERAND = "·"
# What the shape in the box tells already.
_TOLD = ("keepdims", "dtype")
# What a reader knows by its value, such as transpose(0, 2, 1).
_WITHOUT_KEY = ("axes", "axis1", "axis2", "shape", "subscripts", "source", "destination")


def called(n: Tensor) -> str:
    """``power(·, 2)``, ``sum(axis=-1)``, ``X[3]``; a sum of contributions says how many.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> X = mg.tensor(np.ones((2, 3)), name="X")
    >>> called(X[1]), called(X.T), called(np.sum(X, axis=0))
    ('X[1]', 'transpose', 'sum(axis=0)')
    """
    if n.fn is accumulate:
        return f"Σ of {len(n.inputs)}"
    if is_gate(n):
        return f"{n.op} {mark(n).text}"
    if n.op == "getitem":
        index = ", ".join(map(_index, n.kwargs["index"]))
        return style.plain(f"{n.inputs[0].name or OPERAND}[{index}]")
    terms = ", ".join([*_operands(n), *_keywords(n)])
    return style.plain(f"{n.op}({terms})") if terms else str(n.op)


def written_out(n: Tensor, word: Callable[[Tensor], str]) -> str:
    """The same with all operands: ``multiply(g, 2)``; word: what an operand is called."""
    operands = [f"{x.item():.4g}" if is_number(x) else word(x) for x in n.inputs]
    if n.op == "getitem":
        index = ", ".join(map(_index, n.kwargs["index"]))
        return f"{operands[0]}[{index}]"
    keywords = map(style.plain, _keywords(n))
    terms = ", ".join([*operands, *keywords])
    return f"{n.op}({terms})"


def _operands(n: Tensor) -> list[str]:
    """The constants among the operands, each at its place; none where there are none."""
    constants = written(n)
    if not constants:
        return []
    return [f"{x.item():.4g}" if x in constants else OPERAND for x in n.inputs]


def _keywords(n: Tensor) -> Iterator[str]:
    """The axes and whatever else it was called with."""
    for key, value in n.kwargs.items():
        if key in _TOLD or value is None:
            continue
        text = getattr(value, "__name__", str(value))
        if key not in _WITHOUT_KEY:
            yield f"{key}={text}"
        else:
            yield text.removeprefix("(").removesuffix(")").removesuffix(",")


def _index(part: Any) -> str:
    """One index as it is written between brackets; an array of them is an operand."""
    if part is Ellipsis:
        return "..."
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends if ends[2] else ends[:2])
    return str(part) if part is None or isinstance(part, int) else OPERAND
