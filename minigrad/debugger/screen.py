"""How lines look: in colour where a terminal has it, wrapped by words at its width."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Mapping
from typing import IO

RED, GREEN, MAGENTA, BOLD, DIM = 31, 32, 35, 1, 2
PAINTS = {
    "error": (r"^\*\*\* .*", RED),
    "stop": (r"^breakpoint \d+ .*|^the end: .*", GREEN),
    # [17/29] h_2 = ...
    "count": (r"^\[\d+/\d+\]", DIM),
    "node": (r"(?<=\d\] )\S+", BOLD),
    # rows of the listing and of the path
    "current": (r"^> \S+", BOLD),
    "unreached": (r"^x \S+ = .*", DIM),
    "place": (r"\[(?:t=-?\d+, )?[^\[\]]+:\d+\]$", DIM),
    "bad": (r"\b(?:\d+ )?(?:NaN|nan|inf)\b", RED),
    "cotangent": (r"(?<![\w/.])d[A-Za-z]\w*/d[^\s:,)]+", MAGENTA),
}
# a place is one word: [t=2, train.py:6]
WORD = re.compile(r" *[^ ]*\[t=-?\d+, [^ ]+| *[^ ]+")
ESCAPE = re.compile(r"\x1b\[\d+m")
HANGING = 4
"""Columns by which what is wrapped stands further in."""


class Screen:
    """What a stream shows: asked anew for each line, for a window changes its size."""

    def __init__(self, stream: IO[str]) -> None:
        self.is_terminal = stream.isatty()
        self.has_colour = has_colour(self.is_terminal, os.environ)

    @property
    def width(self) -> int | None:
        """The columns of a terminal; None for a file, which has no end of the line."""
        return shutil.get_terminal_size().columns if self.is_terminal else None

    def shown(self, text: str) -> str:
        """The lines of a text, coloured and wrapped."""
        width = self.width
        lines = []
        for plain in text.split("\n"):
            line = painted(plain) if self.has_colour else plain
            lines.append(line if width is None else wrapped(line, width))
        return "\n".join(lines)


def has_colour(is_terminal: bool, environment: Mapping[str, str]) -> bool:
    """Whether to write colours: a terminal has them, unless NO_COLOR or its TERM says no.

    FORCE_COLOR has them written into files too. Source: no-color.org, force-color.org.
    """
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    # the old console of Windows prints the codes
    is_plain = environment.get("TERM") == "dumb"
    if sys.platform == "win32":
        is_plain = "WT_SESSION" not in environment
    return is_terminal and not is_plain


def painted(line: str) -> str:
    """The line with its parts in colour."""
    return _PAINT.sub(_in_colour, line)


def _in_colour(match: re.Match[str]) -> str:
    code = PAINTS[str(match.lastgroup)][1]
    return f"\x1b[{code}m{match[0]}\x1b[0m"


def wrapped(line: str, width: int) -> str:
    """The line broken between words; what follows its beginning is indented."""
    if columns(line) <= width:
        return line
    lead = len(line) - len(line.lstrip(" "))
    indent = " " * min(lead + HANGING, width // 2)
    rows = []
    row = ""
    for word in WORD.findall(line):
        if row and columns(row + word) > width:
            rows.append(row)
            row = indent + word.lstrip(" ")
        else:
            row += word
    return "\n".join([*rows, row])


def columns(text: str) -> int:
    """How many columns a text takes: two for a wide letter, none for a mark on one or a colour."""
    plain = ESCAPE.sub("", text)
    if plain.isascii():
        return len(plain)
    return sum(map(_columns_of, plain))


def _columns_of(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


_PAINT = re.compile("|".join(f"(?P<{part}>{pattern})" for part, (pattern, _) in PAINTS.items()))
