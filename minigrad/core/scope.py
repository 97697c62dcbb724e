"""What holds inside a with statement: the time step, whether to record, who looks on.

Each holds per thread and per asyncio task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.source import Place, stamp

Guard = Callable[..., Iterator[Any]]
recording: ContextVar[bool] = ContextVar("recording", default=True)
looked: ContextVar[Callable[..., object]] = ContextVar("looked", default=lambda x, mark: None)
"""What is told of every look of Python at a value: (x, mark)."""
watch: ContextVar[tuple[Guard, ...]] = ContextVar("watch", default=())
"""What every sweep of a tape goes through: each takes (tape, sweep) and gives a sweep."""


def timestep(t: int) -> stamped:
    """Stamp what is recorded inside with time step t, an integer.

    Edges between different steps are recurrent.

    >>> import minigrad as mg
    >>> with mg.timestep(3):
    ...     h = mg.tensor(1.0) * 2
    >>> h.time, h.label
    (3, 'multiply@3')

    Raises ArgumentError where t is no integer.
    """
    if not isinstance(t, (int, np.integer)):
        raise ArgumentError("timestep", got=f"{t!r}", expected="expected an integer")
    return stamped(int(t), None)


class stamped:  # noqa: N801  (used in with statements; a generator takes four times as long)
    """Stamp what is recorded inside with a step and a source line (None: the running line)."""

    __slots__ = ("_stamp", "_token")

    def __init__(self, t: int | None, place: Place) -> None:
        self._stamp = (t, place)

    def __enter__(self) -> None:
        self._token = stamp.set(self._stamp)

    def __exit__(self, *_: object) -> None:
        if stamp.get() is not self._stamp:
            got = f"step {self._stamp[0]} is left in another order than it was entered"
            raise ArgumentError("timestep", got=got, remedy="Hold it open in no generator")
        stamp.reset(self._token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: results are leaves.

    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> with mg.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """
    token = recording.set(False)
    try:
        yield
    finally:
        recording.reset(token)
