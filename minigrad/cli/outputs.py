"""The files that a command is to write: checked before the work, and what made them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from minigrad.errors import ArgumentError
from minigrad.files import refuse_unwritable

PLOTS = (".svg", ".png", ".pdf")


def command() -> str:
    """The command line that is running, as one would type it."""
    return shlex.join(["minigrad", *sys.argv[1:]])


def refuse_one_file(paths: Mapping[str, str | None]) -> None:
    """Say which two options, by name, mean one file. Raises ArgumentError."""
    option_of: dict[Path, str] = {}
    for option, path in paths.items():
        if not path:
            continue
        other = option_of.setdefault(Path(path).resolve(), option)
        if other != option:
            got = f"'{path}', which is the file of {other} too"
            raise ArgumentError(option, got=got, remedy="Name another")


def refuse_unplottable(path: str, suffixes: Sequence[str] = PLOTS) -> None:
    """Refuse a file with plots that could not be written, or not be drawn. Raises ArgumentError."""
    # Only here: viz needs libraries that most commands do without.
    from minigrad.viz.plots import axes

    refuse_unwritable(path, suffixes)
    # Refuses where it is missing.
    axes.matplotlib()
