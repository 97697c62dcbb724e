"""The user's code that made a node, with the place of the very expression in it."""

from __future__ import annotations

import linecache
from types import CodeType
from typing import Any

from minigrad.internal import span

MAX_LINES = 6
MAX_CHARACTERS = 300


def source_of(place: tuple[CodeType, int] | None) -> list[Any]:
    """The text, and where in it the expression begins and ends; nothing where the file is gone.

    Begin and end are one where Python keeps no columns.
    """
    if place is None:
        return []
    code, _ = place
    (first, column), (last, last_column) = span(place)
    last = min(last, first + MAX_LINES - 1)
    lines = []
    for k in range(first, last + 1):
        line = linecache.getline(code.co_filename, k)
        lines.append(line.rstrip("\n"))
    if not any(lines):
        return []
    start = _characters(lines[0], column)
    end = _characters(lines[-1], last_column)
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    indent = min(*indents, start) if start else min(indents)
    text = "\n".join(line[indent:] for line in lines)
    start -= indent
    # counted from the end of the text
    end = len(text) - max(len(lines[-1]) - end, 0)
    if not column and not last_column:
        start = end = 0
    return [text[:MAX_CHARACTERS], max(start, 0), end]


def _characters(line: str, octets: int) -> int:
    """How many characters so many bytes of a line are, as Python counts its columns."""
    return len(line.encode()[:octets].decode(errors="ignore"))
