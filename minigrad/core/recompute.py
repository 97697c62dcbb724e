"""Recomputation: values that a checkpointed tape dropped, computed again from those that it kept.

A node that dropped its value has a ``form`` in place of an array, and a Segment: some steps of
which everything is computed again that is read, and forgotten when nobody reads there any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import prod
from operator import attrgetter
from typing import Any
from weakref import ref

import numpy as np

from minigrad.ops import OPS

from . import gates
from .order import behind
from .scope import stamped
from .tensor import Array, Tensor, frozen, record
from .versions import refuse_stale

Compute = Callable[[Tensor, dict[Tensor, Any]], Any]
"""(a node, the values that are known) -> its value."""


@dataclass(frozen=True, slots=True)
class Form:
    """What is known of a value that was dropped."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)


class Values:
    """What is recomputed of one segment, as it is read: arrays, or Tensors on a tape."""

    __slots__ = ("__weakref__", "_compute", "_kept", "_known")

    def __init__(self, kept: Callable[[Tensor], Any], compute: Compute) -> None:
        self._kept = kept
        self._compute = compute
        self._known: dict[Tensor, Any] = {}

    def read(self, *nodes: Tensor) -> list[Any]:
        """The values of these nodes, those that were dropped recomputed from what was kept."""
        known = self._known
        missing = [x for x in nodes if x.form is not None and x not in known]
        if missing:
            # the forward pass has warned
            with np.errstate(all="ignore"):
                for n in behind(missing, ends=lambda n: n.form is None or n in known):
                    if n.form is not None and n not in known:
                        known[n] = self._compute(n, known)
        return [self._kept(x) if x.form is None else known[x] for x in nodes]


class Segment:
    """The steps that are recomputed together, from the first to the last.

    ``again``: whether its nodes are the recomputed ones.
    """

    __slots__ = ("_open", "again", "steps")

    def __init__(self, first: int, last: int, again: bool = False) -> None:
        self.steps = (first, last)
        self.again = again
        self._open: Callable[[], Values | None] = lambda: None

    def open(self) -> Values:
        """Its values: hold them while you read, for they are forgotten with their last holder."""
        values = self._open()
        if values is None:
            values = Values(attrgetter("_array"), _computed)
            self._open = ref(values)
        return values

    def recorded(self) -> Values:
        """The same as recomputed nodes, behind one gate on each value read from outside."""
        again = Segment(*self.steps, again=True)
        entered: dict[Tensor, Tensor] = {}

        def enter(x: Tensor) -> Tensor:
            if x not in entered:
                entered[x] = gates.recompute(x, steps=self.steps)
                entered[x].segment = again
            return entered[x]

        def computed(n: Tensor, known: dict[Tensor, Any]) -> Tensor:
            with stamped(n.time, n.place):
                inputs = tuple([known[x] if x in known else enter(x) for x in n.inputs])
                # no leaf
                copy: Tensor = record(n.fn, inputs, n.kwargs, bound=True)  # type: ignore[arg-type]
            copy.segment = again
            copy.name = n.name and f"{n.name}'"
            return copy

        return Values(lambda x: x, computed)


def _computed(n: Tensor, known: dict[Tensor, Any]) -> Array:
    if Tensor.last_assign > n.serial:
        remedy = "Look before the update, or run the forward pass again"
        refuse_stale(f"recompute '{n.label}'", n, n.inputs, remedy)
    op = OPS[n.fn]  # type: ignore[index]  # no leaf
    values = [x._array if x.form is None else known[x] for x in n.inputs]
    if n.kwargs:
        return frozen(op.call(*values, **n.kwargs))
    return frozen(op.call(*values))


def held(nodes: Iterable[Tensor]) -> Iterator[Tensor]:
    """One node after the other; as long as they are of one segment, it is recomputed once."""
    values: Values | None = None
    for n in nodes:
        if n.segment is not None:
            # held until the next segment: see Segment.open
            values = n.segment.open()  # noqa: F841
        yield n
