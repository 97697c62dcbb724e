"""What a user may ask a picture to look like: sizes, colours and shapes by role."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from minigrad.errors import ArgumentError

ROLES = {
    "parameter": "parameter",
    "state": "state",
    "data": "constant",
    "operation": "operation",
    "variable": "variable",
    "adjoint": "adjoint",
    "cut": "cut",
    "gate": "gate",
    "fold": "fold",
}
"""What a style may speak of, and the class that it has in a picture; the later one wins."""
COLOURS = ("fill", "line", "text")
SHAPES = ("box", "rounded", "octagon")
KEYS = (*COLOURS, "shape")
_CIRCLE = ("fill", "line")
_SIGN = ("line", "text")
_BOXES = dict.fromkeys(("parameter", "state", "data", "adjoint"), KEYS)
_SIGNS = {
    "cut": _SIGN,
    "gate": _SIGN,
}
_FOLDS = {"fold": _SIGN}
_NETWORK = {
    **_BOXES,
    "variable": KEYS,
    "operation": _CIRCLE,
    **_SIGNS,
}
LOOKS = {
    "ops": {
        **_BOXES,
        "operation": KEYS,
        **_SIGNS,
        **_FOLDS,
    },
    "variables": {
        **_NETWORK,
        **_FOLDS,
    },
    "rolled": _NETWORK,
}
"""What each role has that a style may change, by the kind of picture."""
SIZES = (4.0, 72.0)
_COLOUR = re.compile("#[0-9a-fA-F]{6}")


def refuse_style(caller: str, style: Mapping[str, Any], level: str) -> None:
    """Raise ArgumentError for what means nothing in that kind of picture."""
    name = f"{caller}: style"
    if not isinstance(style, Mapping):
        raise ArgumentError(name, got=f"a {type(style).__name__}", expected="expected a mapping")
    known = LOOKS[level]
    for role, looks in style.items():
        if role == "font_size":
            low, high = SIZES
            is_number = isinstance(looks, (int, float)) and not isinstance(looks, bool)
            if not is_number or not low <= looks <= high:
                expected = f"expected {low:g} to {high:g} points"
                raise ArgumentError(f"{name}: font_size", got=f"{looks!r}", expected=expected)
        elif role not in known:
            expected = f"expected font_size or one of {', '.join(known)}, which {level!r} has"
            raise ArgumentError(name, got=f"{role!r}", expected=expected)
        elif not isinstance(looks, Mapping):
            expected = f"expected a mapping with {', '.join(known[role])}"
            raise ArgumentError(f"{name}: {role}", got=f"{looks!r}", expected=expected)
        else:
            _refuse_looks(f"{name}: {role}", looks, known[role], level)


def _refuse_looks(name: str, looks: Mapping[str, Any], keys: Sequence[str], level: str) -> None:
    for key, value in looks.items():
        if key not in keys:
            expected = f"expected {', '.join(keys)}, which it has in {level!r}"
            raise ArgumentError(name, got=f"{key!r}", expected=expected)
        if key == "shape" and value not in SHAPES:
            expected = f"expected {', '.join(SHAPES)}"
            raise ArgumentError(f"{name}: shape", got=f"{value!r}", expected=expected)
        if key != "shape" and not (isinstance(value, str) and _COLOUR.fullmatch(value)):
            expected = "expected a colour such as '#1B5A91'"
            raise ArgumentError(f"{name}: {key}", got=f"{value!r}", expected=expected)
