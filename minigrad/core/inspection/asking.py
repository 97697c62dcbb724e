"""Whether something happens in the program, or because somebody at a debugger asks."""

from __future__ import annotations

import os
import sys
from types import FrameType

from minigrad.source import is_users

# functions of debuggers, the end of the file that each stands in, and whether what they call was
# asked for by somebody: a program that a debugger runs was not
_BDB, _PYDEVD = os.sep + "bdb.py", os.sep + "pydevd.py"
_DEBUGGERS = {
    # pdb, ipdb and whatever else is made of bdb: at a line, and after an error
    "Bdb.trace_dispatch": (_BDB, True),
    "Pdb.interaction": (os.sep + "pdb.py", True),
    "Debugger.interaction": (os.path.join(os.sep + "pudb", "debugger.py"), True),
    # debugpy: at a line, in a condition, in the text of a log point, and while the program runs
    "PyDB.do_wait_suspend": (_PYDEVD, True),
    "PyDB.handle_breakpoint_condition": (_PYDEVD, True),
    "PyDB.handle_breakpoint_expression": (_PYDEVD, True),
    "PyDB.process_internal_commands": (_PYDEVD, True),
    # ours
    "Console.onecmd": (os.path.join(os.sep + "minigrad", "debugger", "console.py"), True),
    # a program again: ``debug f(x)`` at a prompt, and rules, a function of on_backward too, that
    # are applied before their time to show what they send
    "Bdb.run": (_BDB, False),
    "Bdb.runcall": (_BDB, False),
    "Bdb.runeval": (_BDB, False),
    "Visit.contributions": (os.path.join(os.sep + "inspection", "frames.py"), False),
}


def asked_by_debugger() -> bool:
    """Whether somebody at a debugger asked for what is running: prompt, pane, watch, condition.

    A program that only runs under a debugger is not asked for.
    """
    if not _has_debugger():
        return False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        known = _DEBUGGERS.get(code.co_qualname)
        if known is not None and code.co_filename.endswith(known[0]):
            return known[1]
        frame = frame.f_back
    return False


def _has_debugger() -> bool:
    """Whether one is loaded, so that a walk over the frames may tell something."""
    return "bdb" in sys.modules or "_pydevd_bundle" in sys.modules


def renew_shown_frames() -> None:
    """Let go of old values of variables in the user's frames that a debugger has shown.

    Up to Python 3.12 a frame keeps what it once showed, until it shows its variables again. At a
    prompt that would undo what is assigned there.
    """
    if not _has_debugger() or asked_by_debugger():
        return
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if is_users(frame.f_code):
            frame.f_locals  # noqa: B018  (which shows them)
        frame = frame.f_back
