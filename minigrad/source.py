"""Where and when in the user's code something happens: time step, file and line, and a serial that only grows."""

from __future__ import annotations

import contextlib
import copy
import itertools
import opcode
import os
import sys
from contextvars import ContextVar
from types import CodeType, FrameType

import numpy as np

Place = tuple[CodeType, int] | None  # the user's code, and the instruction in it

serials = itertools.count()
stamp: ContextVar[tuple[int | None, Place]] = ContextVar("stamp", default=(None, None))
_HERE = os.path.dirname(__file__)
_ENGINE = (
    _HERE + os.sep,
    os.path.dirname(np.__file__) + os.sep,
    contextlib.__file__,
    copy.__file__,
    "<frozen ",
)
_COMPANIONS = tuple(
    os.path.join(folder, package) + os.sep
    for folder in (_HERE, os.path.dirname(_HERE))
    for package in ("models", "viz")
)
_ranks: dict[str, int] = {}  # of a file: 0 the user's, 1 a companion's, 2 the engine's


def user_place(skip: int = 0, least: int = 2) -> Place:
    """Where the innermost frame stands whose file ranks below ``least``; the first ``skip`` callers are ours."""
    frame: FrameType | None = sys._getframe(skip + 1)
    while frame is not None:
        code = frame.f_code
        rank = _ranks.get(code.co_filename)
        if rank is None:
            rank = _rank(code.co_filename)
            _ranks[code.co_filename] = rank
        if rank < least:
            return (
                code,
                frame.f_lasti,
            )  # the line number takes ten times as long: described when asked for
        frame = frame.f_back
    return None


def _rank(file: str) -> int:
    """Of a file: 0 the user's, 1 a companion's, 2 the engine's."""
    if file.startswith(_COMPANIONS):
        return 1
    return 2 if file.startswith(_ENGINE) else 0


def stores_into_an_item(frame: FrameType) -> bool:
    """Whether the frame is about to execute ``a[i] = ...``, where NumPy asks a number of the value."""
    return frame.f_code.co_code[frame.f_lasti] == opcode.opmap["STORE_SUBSCR"]


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
    return describe(stamp.get()[0], user_place(least=1))
