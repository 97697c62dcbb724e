"""Where and when in the user's code something happens: step, file, line, and a growing serial."""

from __future__ import annotations

import contextlib
import copy
import itertools
import opcode
import os
import sys
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any

import numpy as np

from .scoping import holding

Place = tuple[CodeType, int] | None
"""The user's code and the instruction in it; the line takes ten times as long, and comes later."""

serials = itertools.count()
stamp: ContextVar[Any] = ContextVar("stamp", default=None)
"""The scope with the running time step, a ``stamped``."""

# whose a file is; plain integers, for every recorded node compares them
USER, COMPANION, ENGINE = range(3)
_HERE = os.path.dirname(__file__)
_ENGINE_FILES = (
    _HERE + os.sep,
    os.path.dirname(np.__file__) + os.sep,
    contextlib.__file__,
    copy.__file__,
    "<frozen ",
)
_COMPANION_FILES = tuple(
    os.path.join(folder, package) + os.sep
    for folder in (_HERE, os.path.dirname(_HERE))
    for package in ("models", "viz")
)
_owners: dict[str, int] = {}


def user_place(skip: int = 0, below: int = ENGINE) -> Place:
    """Where the innermost frame stands that is not the engine's.

    With ``below`` COMPANION it is the innermost of the user's.

    The first ``skip`` callers are known to be the engine's.
    """
    frame: FrameType | None = sys._getframe(skip + 1)
    while frame is not None:
        code = frame.f_code
        owner = _owners.get(code.co_filename)
        if owner is None:
            owner = _owner(code.co_filename)
            _owners[code.co_filename] = owner
        if owner < below:
            return code, frame.f_lasti
        frame = frame.f_back
    return None


def _owner(file: str) -> int:
    """Whose a file is: the user's, a companion's (models and viz), or the engine's."""
    if file.startswith(_COMPANION_FILES):
        return COMPANION
    if file.startswith(_ENGINE_FILES):
        return ENGINE
    return USER


def running_stamp() -> tuple[int | None, Place]:
    """The time step that holds for the running code, and the line that it stands for, if any."""
    scope = holding(stamp)
    return (scope.time, scope.place) if scope else (None, None)


def stores_into_an_item(frame: FrameType) -> bool:
    """Whether the frame is about to execute ``a[i] = ...``, where NumPy asks for a number."""
    return frame.f_code.co_code[frame.f_lasti] == opcode.opmap["STORE_SUBSCR"]


def describe(time: int | None, place: Place) -> str:
    """Time step and source line for a message: ``t=3, train.py:41``."""
    parts = []
    if time is not None:
        parts.append(f"t={time}")
    if place is not None:
        code, instruction = place
        parts.append(f"{os.path.basename(code.co_filename)}:{_line(code, instruction)}")
    return ", ".join(parts)


def _line(code: CodeType, instruction: int) -> int:
    for start, end, line in code.co_lines():
        if start <= instruction < end:
            return line or code.co_firstlineno
    return code.co_firstlineno


def here() -> str:
    """The running step and line, for a message about a call that records nothing."""
    return describe(running_stamp()[0], user_place(below=COMPANION))
