"""What holds inside a with statement, per thread and per asyncio task: the time step, whether to record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from .errors import ArgumentError
from .place import Place, stamp

recording: ContextVar[bool] = ContextVar("recording", default=True)
watch: ContextVar[tuple[Callable[..., Iterator[Any]], ...]] = ContextVar("watch", default=())  # over every sweep


@contextmanager
def timestep(t: int) -> Iterator[None]:
    """Stamp what is recorded inside with time step t, an integer; edges between different steps are recurrent."""
    if not isinstance(t, (int, np.integer)):
        raise ArgumentError("timestep", got=f"{t!r}", expected="expected an integer")
    with stamped(int(t), None):
        yield


@contextmanager
def stamped(t: int | None, place: Place) -> Iterator[None]:
    """Stamp what is recorded inside with a step and a source line (None: the line that is running)."""
    mine = (t, place)
    token = stamp.set(mine)
    try:
        yield
    finally:
        if stamp.get() is not mine:
            got, remedy = f"step {t} is left in another order than it was entered", "Hold it open in no generator"
            raise ArgumentError("timestep", got=got, remedy=remedy)
        stamp.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: results are leaves."""
    token = recording.set(False)
    try:
        yield
    finally:
        recording.reset(token)
