"""Where and when in the user's code something happens: step, file, line, and a growing serial."""

from __future__ import annotations

import itertools
import os
import sys
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any

import numpy as np

from .scoping import holding

Place = tuple[CodeType, int] | None
"""The user's code and the instruction in it; the line takes ten times as long, and comes later."""

Point = tuple[int, int]
"""A line of a file, and a column in it."""

serials = itertools.count()
stamp: ContextVar[Any] = ContextVar("stamp", default=None)
"""The scope with the running time step, a ``stamped``."""

# whose a file is; plain integers, for every recorded node compares them
USER, COMPANION, LIBRARY, ENGINE = range(4)
_HERE = os.path.dirname(__file__)
_ENGINE_FILES = (
    _HERE + os.sep,
    os.path.dirname(np.__file__) + os.sep,
    "<frozen ",
)
_LIBRARY_FOLDERS = ("site-packages", "dist-packages")
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_COMPANION_FILES = tuple(
    os.path.join(folder, package) + os.sep
    for folder in (_HERE, os.path.dirname(_HERE))
    for package in ("models", "viz")
)
_owners: dict[str, int] = {}
# how debuggers follow a program from Python 3.12 on
_monitoring = getattr(sys, "monitoring", None)


def user_place(skip: int = 0, below: int = LIBRARY) -> Place:
    """Where the innermost frame stands that is neither the engine's nor another library's.

    With ``below`` COMPANION it is the innermost of the user's. Where there is none, as in a program
    that was installed, it is that of the library.

    The first ``skip`` callers are known to be the engine's.
    """
    frame: FrameType | None = sys._getframe(skip + 1)
    library: Place = None
    while frame is not None:
        code = frame.f_code
        owner = _owners.get(code.co_filename)
        if owner is None:
            owner = _owner(code.co_filename)
            _owners[code.co_filename] = owner
        if owner < below:
            return code, frame.f_lasti
        if owner == LIBRARY and library is None:
            library = code, frame.f_lasti
        frame = frame.f_back
    return library


def library_call() -> str:
    """The function of another library that the user's line called; "" where it was none.

    It goes by its public name: ``scipy.special.softmax`` lies in scipy.special._logsumexp.
    """
    frame: FrameType | None = sys._getframe(1)
    called: FrameType | None = None
    while frame is not None and (owner := _owner(frame.f_code.co_filename)) >= LIBRARY:
        called = frame if owner == LIBRARY else called
        frame = frame.f_back
    if called is None:
        return ""
    path = f"{called.f_globals['__name__']}.{called.f_code.co_qualname}".split(".")
    return ".".join(part for part in path if part[0] not in "_<")


def library_home(thing: object, name: str) -> str:
    """The shortest name of a module of a library that holds the thing; "" where none does."""
    homes = []
    for path, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if "._" not in path and _owner(file) == LIBRARY and vars(module).get(name) is thing:
            homes.append(path)
    return min(homes, key=len, default="")


def _owner(file: str) -> int:
    """Whose a file is: the user's, a companion's (models and viz), a library's or the engine's."""
    if file.startswith(_COMPANION_FILES):
        return COMPANION
    if file.startswith(_ENGINE_FILES):
        return ENGINE
    if file.startswith(_STANDARD_LIBRARY) or any(f in file.split(os.sep) for f in _LIBRARY_FOLDERS):
        return LIBRARY
    # a command that was installed begins beside Python
    is_command = os.path.dirname(file) == os.path.dirname(sys.executable)
    return ENGINE if is_command else USER


def is_followed() -> bool:
    """Whether a debugger, or another tool, follows this thread line by line."""
    return sys.gettrace() is not None or is_monitored()


def is_monitored() -> bool:
    """Whether that is a debugger by sys.monitoring."""
    return _monitoring is not None and _monitoring.get_tool(_monitoring.DEBUGGER_ID) is not None


def is_users(code: CodeType) -> bool:
    """Whether it is the user's own, of no package that was installed."""
    return _owner(code.co_filename) == USER


def running_stamp() -> tuple[int | None, Place]:
    """The time step that holds for the running code, and the line that it stands for, if any."""
    scope = holding(stamp)
    return (scope.time, scope.place) if scope else (None, None)


def describe(time: int | None, place: Place) -> str:
    """Time step and source line for a message: ``t=3, train.py:41``."""
    parts = []
    if time is not None:
        parts.append(f"t={time}")
    if place is not None:
        code, instruction = place
        parts.append(f"{_short_name(code.co_filename)}:{line_of(code, instruction)}")
    return ", ".join(parts)


def _short_name(file: str) -> str:
    """``train.py``; of a notebook's cell ``In[3]``, as the notebook calls it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    cell = shell.compile.format_code_name(file) if shell else None
    return cell[1] if cell else os.path.basename(file)


def line_of(code: CodeType, instruction: int) -> int:
    """The line that an instruction was written in."""
    for start, end, line in code.co_lines():
        if start <= instruction < end:
            return line or code.co_firstlineno
    return code.co_firstlineno


def span(place: tuple[CodeType, int]) -> tuple[Point, Point]:
    """Line and column where the expression at a place begins, and where it ends."""
    code, instruction = place
    # none where a tool has stripped the code of its lines
    positions = next(itertools.islice(code.co_positions(), instruction // 2, None), (None,) * 4)
    line, last_line, column, last_column = (number or 0 for number in positions)
    return (line, column), (last_line, last_column)


def here() -> str:
    """The running step and line, for a message about a call that records nothing."""
    return describe(running_stamp()[0], user_place(below=COMPANION))
