"""Rows for functions of libraries that the engine does not import: entered when one is met."""

from __future__ import annotations

import sys

from minigrad.ops.table import OPS, Fn


def entered(fn: Fn) -> bool:
    """Whether fn has a row, now that those of scipy.special are entered if a user imported it."""
    if "scipy.special" in sys.modules:
        from . import special, special_elementary  # noqa: F401
    return fn in OPS
