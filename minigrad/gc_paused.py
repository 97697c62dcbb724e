"""Python's search for garbage, put off while many objects are made that all stay."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def uncollected(fn: Callable[P, R]) -> Callable[P, R]:
    """The function without a search inside: among objects that all stay it would be for nothing."""

    @functools.wraps(fn)
    def undisturbed(*args: P.args, **kwargs: P.kwargs) -> R:
        enabled = gc.isenabled()
        # an interrupt finds no call between the try statement and what it undoes
        try:
            gc.disable()
            return fn(*args, **kwargs)
        finally:
            if enabled:
                gc.enable()

    return undisturbed
