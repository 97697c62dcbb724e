"""Ctrl-C as a wish: what is running ends first."""

from __future__ import annotations

import signal
from typing import Any, Self


class Pause:
    """Inside it the first Ctrl-C sets ``wanted``; a second one interrupts at once.

    Not ``active``: both do. A process that ignores Ctrl-C, as a background job of a shell does,
    goes on ignoring it.
    """

    def __init__(self, active: bool = True) -> None:
        self.wanted = False
        self._handler_before = signal.getsignal(signal.SIGINT)
        self._active = active and self._handler_before is not signal.SIG_IGN

    def __enter__(self) -> Self:
        if self._active:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._handler_before)

    def _note(self, *_: Any) -> None:
        self.wanted = True
        signal.signal(signal.SIGINT, self._handler_before)
