"""Where the calls read the leaves: in the leaves' own arrays, or in what is given instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compiler.emit.kernels import Call, address, owner
from minigrad.core.tensor import Array, Tensor

from .prebound import Prebound

_LARGE, _FEW = (
    1 << 16,
    12,
)  # bytes that are worth it to be read where they lie; views to make anew at each call


@dataclass(frozen=True, slots=True)
class Use:
    """One operand of one call as a view of a leaf's memory."""

    call: int
    slot: int
    shape: tuple[int, ...]
    offset: int
    strides: tuple[int, ...]


@dataclass(slots=True)
class Input:
    """One leaf: the array that the calls read now, and where they do. Without uses it is copied to where it is read."""

    leaf: Tensor
    now: Array
    home: Array | None = None  # the plan's own memory for it
    uses: list[Use] = field(default_factory=list)
    copied: int | None = None  # which assignment to the leaf lies in home; None: what was given


class Inputs:
    """The leaves of a plan, bound to its calls."""

    def __init__(
        self, calls: list[Call], outputs: tuple[Array, ...], homes: Mapping[Tensor, Array]
    ) -> None:
        """Homes: where each leaf is read; its own array, or memory that it is to be copied to."""
        self._calls, self.run = calls, list(map(Prebound(), calls))
        self._own = [owner(o) for o in outputs]
        self._inputs = {
            leaf: Input(leaf, home, None if home is leaf._array else home)
            for leaf, home in homes.items()
        }
        mine = {id(own) for own in self._own}
        self._both = {
            id(owner(h)) for h in homes.values()
        } & mine  # what is read and given out: one may undo another
        free = {id(owner(i.now)): i for i in self._inputs.values() if i.home is None}
        for c, (_, args) in enumerate(calls):
            for slot, a in enumerate(args):
                if isinstance(a, np.ndarray) and (found := free.get(id(owner(a)))) is not None:
                    found.uses.append(
                        Use(c, slot, a.shape, address(a) - address(found.now), a.strides)
                    )

    def load(self, given: Mapping[Tensor, Array]) -> None:
        """Let the calls read the given arrays, and the leaves' own where none is given.

        What was given out before, as the last state, is copied to its place: the calls write over it.
        """
        given = {leaf: a.copy() if id(owner(a)) in self._both else a for leaf, a in given.items()}
        for leaf, i in self._inputs.items():
            if (array := given.get(leaf)) is not None:
                self._give(i, array)
            elif i.uses:
                self._rebind(i, leaf._array)
            elif i.home is not None and i.copied != leaf.assigned:
                np.copyto(i.home, leaf._array)
                i.copied = leaf.assigned

    def _give(self, i: Input, array: Array) -> None:
        own = any(owner(array) is own for own in self._own)
        if i.now.nbytes >= _LARGE and 0 < len(i.uses) <= _FEW and not own:
            self._rebind(i, np.ascontiguousarray(array, i.now.dtype))
            return
        if i.home is None:
            i.home = np.empty(i.now.shape, i.now.dtype)
        if i.uses:
            self._rebind(i, i.home)
        np.copyto(i.home, array, "same_kind")
        i.copied = None

    def _rebind(self, i: Input, array: Array) -> None:
        """Let the calls, and those that run in their stead, read this array."""
        if array is i.now:
            return
        for use in i.uses:
            view: Any = np.ndarray(use.shape, array.dtype, array, use.offset, use.strides)
            fn, args = self._calls[use.call]
            self._calls[use.call] = fn, (*args[: use.slot], view, *args[use.slot + 1 :])
            self.run[use.call] = Prebound()(self._calls[use.call])
        i.now = array
