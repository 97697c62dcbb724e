"""Python reading a value (``if t > 0``, ``float(t)``): what it decides then is on no tape, so the tape is marked."""

from __future__ import annotations

from typing import Any

from minigrad.source import serials, user_place


def look(x: Any) -> None:
    """Mark x and what it was computed from: ``peeked`` is (serial, place), the first of a result, the last of a leaf.

    Cost: a result is passed once in its life, for what is marked has its past marked.
    """
    mark, stack = (next(serials), user_place()), [x]
    while stack:
        n = stack.pop()
        if n.fn is None:
            n.peeked = mark
        elif n.peeked is None:
            n.peeked = mark
            stack += n.inputs
