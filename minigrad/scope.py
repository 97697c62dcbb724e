"""Where and when: the time step, the recording switch and the user's source line, per thread and per asyncio task."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any

import numpy as np

from .errors import ArgumentError

Place = tuple[CodeType, int] | None  # the user's code, and the instruction in it

recording: ContextVar[bool] = ContextVar("recording", default=True)
watch: ContextVar[tuple[Callable[..., Iterator[Any]], ...]] = ContextVar("watch", default=())  # over every sweep
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


def user_place(skip: int = 0) -> Place:
    """Where the innermost frame stands that is neither minigrad's nor NumPy's; the first ``skip`` callers are ours."""
    frame: FrameType | None = sys._getframe(skip + 1)
    while frame is not None:
        code = frame.f_code
        ours = _is_ours.get(code.co_filename)
        if ours is None:
            ours = _is_ours[code.co_filename] = code.co_filename.startswith(_OURS)
        if not ours:
            return code, frame.f_lasti  # the line number takes ten times as long: described when asked for
        frame = frame.f_back
    return None


def describe(time: int | None, place: Place) -> str:
    """Time step and source line for a message: ``t=3, train.py:41``."""
    line = ""
    if place is not None:
        code, at = place
        number = next((n for start, end, n in code.co_lines() if start <= at < end), None)
        line = f"{os.path.basename(code.co_filename)}:{number or code.co_firstlineno}"
    return ", ".join(part for part in ("" if time is None else f"t={time}", line) if part)


def here() -> str:
    """The running step and line, for a message about a call that records nothing."""
    return describe(stamp.get()[0], user_place())
