"""What readline does at the prompt: names complete, lines come back, in the next session too."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

WORD_ENDS = " \t\n()[]{}+-*/,=<>|'\"!"
MAX_LINES = 1000


@contextlib.contextmanager
def keyboard() -> Iterator[None]:
    """The history of this debugger's sessions in place of the program's, which comes back.

    A name such as tanh@3#2 is one word. Where there is no readline, as on Windows, nothing.
    """
    try:
        import readline
    except ImportError:
        yield
        return
    ends, longest = readline.get_completer_delims(), readline.get_history_length()
    count = readline.get_current_history_length()
    lines = [readline.get_history_item(i + 1) for i in range(count)]
    file = history_file()
    readline.set_completer_delims(WORD_ENDS)
    readline.set_history_length(MAX_LINES)
    readline.clear_history()
    with contextlib.suppress(OSError):
        readline.read_history_file(file)
    try:
        yield
    finally:
        # a history that cannot be written is no reason to fail
        with contextlib.suppress(OSError):
            file.parent.mkdir(0o700, parents=True, exist_ok=True)
            readline.write_history_file(file)
        readline.clear_history()
        for line in lines:
            readline.add_history(line)
        readline.set_history_length(longest)
        readline.set_completer_delims(ends)


def history_file() -> Path:
    """``minigrad/history`` in the folder of the user's state. Source: XDG Base Directory."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        state = os.path.expanduser("~/.local/state")
    return Path(state, "minigrad", "history")
