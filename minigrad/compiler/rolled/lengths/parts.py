"""Things taken apart into their parts, and built of them again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

NUMBER = re.compile(r"(0|[1-9]\d*)")


def parts_of(x: Any) -> list[Any] | None:
    """Fields, entries, items of a dictionary, a name's numbers with the text between; else None."""
    if isinstance(x, str):
        pieces = NUMBER.split(x)
        if len(pieces) == 1:
            return None
        # every other piece is a number
        return [int(piece) if i % 2 else piece for i, piece in enumerate(pieces)]
    if isinstance(x, dict):
        return list(x.items())
    if isinstance(x, (tuple, list)):
        return list(x)
    names = ["start", "stop", "step"] if isinstance(x, slice) else _fields(x)
    return [getattr(x, name) for name in names] or None


def _fields(x: Any) -> list[str]:
    return [field.name for field in fields(x)] if is_dataclass(x) else []


def built(kind: Any, parts: Sequence[Any]) -> Any:
    """What has these parts."""
    if kind is str:
        return "".join(map(str, parts))
    if kind in (tuple, list, dict):
        return kind(parts)
    # a slice, a named tuple, a dataclass
    return kind(*parts)
