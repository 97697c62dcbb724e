"""The function that ``on_backward`` calls, and what may take the place of a gradient.

Where backward is recorded that has to be recorded too: what the function computes outside, or
decides by looking at values, would be a constant of the derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.array import REAL_KINDS
from minigrad.core.rerun.off_tape import is_frozen, nearest, varies
from minigrad.core.scope import looked
from minigrad.core.tensor import Tensor
from minigrad.errors import DTypeError, GradientError, ShapeError
from minigrad.source import Place

Function = Callable[[Any], Any]
Look = tuple[Tensor, tuple[int, Place]]
"""What Python read, and (serial, place) of it."""


def called(fn: Function, g: Any, gate: Any) -> Any:
    """What fn returns in place of g, an array or a Tensor; g itself where it returns nothing.

    gate: the value of the gate, a Tensor where g is one.

    Raises DTypeError or ShapeError for what cannot be the gradient; GradientError, where backward
    is recorded, for what is not.
    """
    if isinstance(g, Tensor):
        return _recorded(fn, g, gate)
    other = fn(g)
    if isinstance(other, Tensor):
        # computed with parameters: here its value counts
        other = other.data
    return g if other is None else _fitting(g, other)


def decided_by_a_look(node: Tensor) -> bool:
    """Whether Python's look at a value decided on this node: only then the look is older."""
    return node.peeked is not None and node.peeked[0] < node.serial


def _fitting(g: Any, other: Any) -> Any:
    """What was returned in place of g, of its shape."""
    dtype = np.result_type(other)
    if dtype.kind not in REAL_KINDS:
        got = f"the function returned {dtype}"
        raise DTypeError("on_backward", got=got, expected="real numbers")
    if np.shape(other) != g.shape:
        got = f"the function returned {np.shape(other)} for a gradient {g.shape}"
        raise ShapeError("on_backward", got=got)
    # a new array: the user keeps theirs
    return np.positive(other)


def _recorded(fn: Function, g: Tensor, gate: Tensor) -> Tensor:
    """The same where backward is recorded; a result that a look decided on is marked."""
    looks: list[Look] = []
    token = looked.set(lambda x, mark: looks.append((x, mark)))
    try:
        other = fn(g)
    finally:
        looked.reset(token)
    if other is None:
        return g
    if not isinstance(other, Tensor) or not _depends(other, g):
        raise GradientError(
            "on_backward",
            got=f"the function returned a {type(other).__name__} that does not depend on g",
            expected="backward is recorded, where that is a constant",
            remedy="Compute with NumPy functions on g itself, a Tensor, not on its values",
            where=gate.where,
        )
    result: Tensor = _fitting(g, other)
    for x, mark in looks:
        if nearest([x], varies) is not None:
            result.peeked = mark
    return result


def _depends(other: Tensor, g: Tensor) -> bool:
    """Whether it changes with g, or with an input or parameter that is on the tape."""

    def changes(node: Tensor) -> bool:
        return node is g or (varies(node) and not is_frozen(node))

    return nearest([other], changes) is not None
