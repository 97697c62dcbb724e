"""What holds inside a with statement: the time step, whether to record, who looks on.

Each holds per thread and per asyncio task.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.scoping import Scope, held_over, holding
from minigrad.source import Place, stamp

recording: ContextVar[Any] = ContextVar("recording", default=None)
"""The scope that says whether to record."""
looked: ContextVar[Callable[..., object]] = ContextVar("looked", default=lambda x, mark: None)
"""What is told of every look of Python at a value: (x, mark)."""
watch: ContextVar[Any] = ContextVar("watch", default=None)
"""The scopes that every sweep of a tape goes through: each takes (tape, sweep), gives a sweep."""


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


class stamped(Scope):  # noqa: N801  (used in with statements)
    """Stamp what is recorded inside with a step and a source line (None: the running line)."""

    __slots__ = ("place", "time")
    variable = stamp
    title = "timestep"

    def __init__(self, t: int | None, place: Place) -> None:
        super().__init__()
        self.time = t
        self.place = place


def records() -> bool:
    """Whether the running code is recorded."""
    scope = holding(recording)
    return scope is None or scope.records


class recorded(Scope):  # noqa: N801  (used in with statements)
    """Record, inside no_grad() too: nobody can differentiate what was not recorded."""

    __slots__ = ()
    variable = recording
    title = "recorded"
    records = True


class no_grad(Scope):  # noqa: N801  (used in with statements)
    """Compute without recording: results are leaves.

    Also over a function: ``@mg.no_grad()``.

    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> with mg.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    __slots__ = ()
    variable = recording
    title = "no_grad"
    records = False

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """The function, run without recording; a generator wherever it runs."""
        return held_over(type(self), fn)
