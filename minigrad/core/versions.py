"""Stale tapes: what was recorded before a leaf was assigned can no longer go backward through what read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from minigrad.errors import StaleTapeError

from .tensor import Tensor


def refuse_stale(what: str, reader: Tensor, inputs: Iterable[Tensor], remedy: str) -> None:
    """Raise StaleTapeError where one of these inputs of reader shows the memory of a leaf that was assigned since."""
    if Tensor.last_assign <= reader.serial:
        return
    for x in inputs:
        for n in _shown(x):
            if n.assigned > reader.serial:
                got = f"'{n.label}' was assigned a new value after '{reader.label}' read it"
                raise StaleTapeError(what, got=got, remedy=remedy, where=reader.where)


def _shown(x: Tensor) -> Iterator[Tensor]:
    """x, and what it is a view of."""
    seen, stack = {x}, [x]
    while stack:
        n = stack.pop()
        yield n
        views = [i for i in n.inputs if i not in seen and np.may_share_memory(i.data, n.data)]
        seen.update(views)
        stack += views
