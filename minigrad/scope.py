"""Where and when: the time step, the recording switch and the user's source line, per thread and per asyncio task."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from .errors import ArgumentError

Place = tuple[str, int] | None  # file, line

recording: ContextVar[bool] = ContextVar("recording", default=True)
watch: ContextVar[Callable[..., Iterator[Any]] | None] = ContextVar("watch", default=None)  # detect_anomaly's
stamp: ContextVar[tuple[int | None, Place]] = ContextVar("stamp", default=(None, None))
_OURS = (os.path.dirname(__file__) + os.sep, os.path.dirname(np.__file__) + os.sep, contextlib.__file__)
_is_ours: dict[str, bool] = {}


@contextmanager
def timestep(t: int) -> Iterator[None]:
    """Stamp what is recorded inside with time step t, an integer; edges between different steps are recurrent."""
    if not isinstance(t, (int, np.integer)):
        raise ArgumentError("timestep", got=f"{t!r}", expected="expected an integer", where=here())
    with stamped(int(t), None):
        yield


@contextmanager
def stamped(t: int | None, place: Place) -> Iterator[None]:
    """Stamp what is recorded inside with a step and a source line (None: the line that is running)."""
    token = stamp.set((t, place))
    try:
        yield
    finally:
        stamp.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: results are leaves."""
    token = recording.set(False)
    try:
        yield
    finally:
        recording.reset(token)


def user_place() -> Place:
    """File and line of the innermost frame that is neither minigrad's nor NumPy's."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        ours = _is_ours.get(file)
        if ours is None:
            ours = _is_ours[file] = file.startswith(_OURS)
        if not ours:
            return file, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    return None


def describe(time: int | None, place: Place) -> str:
    """Time step and source line for a message: ``t=3, train.py:41``."""
    line = f"{os.path.basename(place[0])}:{place[1]}" if place else ""
    return ", ".join(part for part in ("" if time is None else f"t={time}", line) if part)


def here() -> str:
    """The running step and line, for a message about a call that records nothing."""
    return describe(stamp.get()[0], user_place())
