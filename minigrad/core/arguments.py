"""What callers pass, checked once: a tape, one Tensor or several, a threshold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.errors import ArgumentError

from .tape import Tape
from .tensor import Tensor


def refuse_no_tape(what: str, tape: Any) -> None:
    """Raise ArgumentError for a loss, or anything else, where a tape belongs."""
    if not isinstance(tape, Tape):
        got = f"a {type(tape).__name__}"
        raise ArgumentError(what, got=got, expected="expected a Tape, as Tape.of(loss)")


def as_tensors(x: Tensor | Iterable[Tensor]) -> tuple[Tensor, ...]:
    """One Tensor or several, as a tuple."""
    return (x,) if isinstance(x, Tensor) else tuple(x)
