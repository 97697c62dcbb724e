"""Assigning leaves, and stale tapes.

What read a leaf before it was assigned can no longer go backward through it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minigrad.errors import GradientError, StaleTapeError
from minigrad.source import serials

from .array import Array, frozen, leaf_array

if TYPE_CHECKING:
    from .tensor import Tensor


def assign(self: Tensor, array: npt.ArrayLike) -> None:
    """Write a new value of the same shape into a leaf.

    Tapes recorded before can no longer go backward through it. Whoever holds the leaf's ``data``,
    or a view of it, sees the new value: ``numpy()`` is the copy to keep.

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> w.assign(w.data - 0.5)
    >>> w
    tensor([0.5, 1.5], requires_grad=True)

    Raises GradientError for the result of an operation, ShapeError for another shape, DTypeError
    for fractions in a tensor of whole numbers.
    """
    if self.fn is not None:
        got = f"'{self.label}' is a result of {self.op}"
        raise GradientError("assign", got=got, expected="only leaves change")
    new = leaf_array(array, None, None, False)
    from .long_refusals import refuse_unfit

    refuse_unfit(self, new)
    np.copyto(writeable(self), new, "unsafe")
    frozen(self._array)


def writeable(leaf: Tensor) -> Array:
    """A leaf's array, to be written and frozen again: from now on its readers are stale."""
    leaf.assigned = next(serials)
    type(leaf).last_assign = leaf.assigned
    # by position, as in frozen()
    leaf._array.setflags(True)  # type: ignore[call-arg]
    return leaf._array


def refuse_stale(subject: str, reader: Tensor, inputs: Iterable[Tensor], remedy: str) -> None:
    """Raise StaleTapeError where an input of reader shows the memory of a leaf assigned since.

    ``subject`` and ``remedy`` are those of the message.
    """
    if reader.last_assign <= reader.serial:
        return
    for x in inputs:
        for source in _memory_of(x):
            if source.assigned > reader.serial:
                got = f"'{source.label}' was assigned a new value after '{reader.label}' read it"
                raise StaleTapeError(subject, got=got, remedy=remedy, where=reader.where)


def _memory_of(x: Tensor) -> Iterator[Tensor]:
    """x, and what it is a view of."""
    seen = {x}
    waiting = [x]
    while waiting:
        node = waiting.pop()
        yield node
        for source in node.inputs:
            if source not in seen and np.may_share_memory(source.data, node.data):
                seen.add(source)
                waiting.append(source)
