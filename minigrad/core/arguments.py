"""What callers pass, checked once: a tape, time steps."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from minigrad.errors import ArgumentError

from .tape import Tape


def refuse_no_tape(caller: str, tape: Any) -> None:
    """Raise ArgumentError for a loss, or anything else, where a tape belongs."""
    if not isinstance(tape, Tape):
        got = f"a {type(tape).__name__}"
        raise ArgumentError(caller, got=got, expected="expected a Tape, as Tape.of(loss)")


def refuse_unstamped(caller: str, stamps: Collection[int]) -> None:
    """Raise ArgumentError where a tape has no time steps: to truncate it is a mistake."""
    if not stamps:
        remedy = "Run each step of the loop inside `with minigrad.timestep(t):`"
        raise ArgumentError(caller, got="the tape has no time steps", remedy=remedy)
