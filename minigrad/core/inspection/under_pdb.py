"""``n`` in pdb leads from one step of a backward pass to the next, ``s`` into the rule.

debugpy skips the code of libraries between two lines of the user's; pdb, ipdb and their kin (of
``bdb.Bdb``) stop in it. Here they are told to stop at the next step, or behind the pass.
"""

from __future__ import annotations

import functools
import sys
from bdb import Bdb
from collections.abc import Iterator
from operator import call
from types import CodeType, FrameType
from typing import Any

from minigrad.source import is_users


class Stepping:
    """The steps of a pass, for a debugger that a person walks through them with."""

    def __init__(self) -> None:
        # where the debugger was told to stop, if it meets no other step before
        self.behind: FrameType | None = None

    def entry(self) -> Iterator[None]:
        """What a step's frame loops over first; to be called just before the frame is.

        It is called untraced, without pdb's stop at a call, and ends untraced, without the one at
        a return; the round of the loop is the event of its line.
        """
        tracer: Any = sys.gettrace()
        debugger = debugger_of(tracer)
        if debugger is None:
            return iter(())
        sys.settrace(None)
        return map(call, [functools.partial(self._enter, debugger, tracer)])

    def _enter(self, debugger: Bdb, tracer: Any) -> None:
        sys._getframe(1).f_trace = tracer
        if self.behind is not None and debugger.stopframe is self.behind:
            debugger.set_step()
        self.behind = None
        sys.settrace(tracer)

    def leave(self, code: CodeType, tracer: Any) -> None:
        """Trace on, behind the frame of a step. Who was to stop there stops at the next step."""
        debugger = debugger_of(tracer)
        if debugger is None:
            return
        if _stops_behind(debugger, code):
            self.behind = _users_frame()
            # pdb follows no frame in whose file nothing is to stop
            self.behind.f_trace = self.behind.f_trace or tracer
            debugger.set_next(self.behind)
        sys.settrace(tracer)


def debugger_of(tracer: Any) -> Bdb | None:
    """The debugger of a trace function, where it is of pdb's kind."""
    debugger = getattr(tracer, "__self__", None)
    return debugger if isinstance(debugger, Bdb) else None


def _stops_behind(debugger: Bdb, code: CodeType) -> bool:
    """Whether ``n``, ``s``, ``r`` or ``until`` was said in a frame of this code."""
    if debugger.stoplineno == -1:
        # continue
        return False
    frames = (debugger.stopframe, debugger.returnframe)
    return frames[0] is None or code in [frame.f_code for frame in frames if frame is not None]


def _users_frame() -> FrameType:
    """The innermost frame of the user's, or the outermost of all."""
    frame = sys._getframe(1)
    while frame.f_back is not None and not is_users(frame.f_code):
        frame = frame.f_back
    return frame
