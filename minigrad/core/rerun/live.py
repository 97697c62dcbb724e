"""Leaves whose values somebody else has, as an optimizer its learning rate: read before a run."""

from __future__ import annotations

from collections.abc import Iterable

from minigrad.core.tensor import Tensor


def live_leaves(leaves: Iterable[Tensor]) -> list[Tensor]:
    """Those with a ``live`` keyword: a function that gives the number they stand for."""
    return [leaf for leaf in leaves if "live" in leaf.kwargs]


def refresh(leaves: Iterable[Tensor]) -> None:
    """Assign the numbers of such leaves that have changed. Raises what asking for them raises."""
    for leaf in leaves:
        number = leaf.dtype.type(leaf.kwargs["live"]())
        if number != leaf._array.item():
            leaf.assign(number)
