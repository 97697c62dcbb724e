"""A progress bar where tqdm is installed and someone is watching, and lines above it.

Lines alone elsewhere.
"""

from __future__ import annotations

import sys
from typing import Any, Self


class NoBar:
    """The methods of a tqdm bar that we use, without the bar."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self) -> None:
        """Count one."""

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        """Show text behind the bar."""


def progress(total: int, done: int = 0) -> Any:
    """A bar of that many updates."""
    try:
        from tqdm import tqdm
    except ImportError:
        return NoBar()
    # disable=None: no bar where stderr is no terminal.
    return tqdm(total=total, initial=done, unit="update", disable=None)


def say(line: str) -> None:
    """Print a line above the bar, if there is one.

    It is seen at once, also in a file or at the end of a pipe.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        print(line, flush=True)
    else:
        tqdm.write(line)
        sys.stdout.flush()
