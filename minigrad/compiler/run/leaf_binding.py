"""Where the calls read the leaves: in the leaves' own arrays, or in arrays that are fed instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compiler.emit.program import Call
from minigrad.compiler.graph import Shape
from minigrad.compiler.strided import address, owner
from minigrad.core.array import Array
from minigrad.core.tensor import Tensor

from .prebound import Prebound

# a smaller array is copied to where it is read
MIN_BYTES_TO_READ_IN_PLACE = 1 << 16
# views of an array that are worth making anew at each call
MAX_USES_TO_READ_IN_PLACE = 12


@dataclass(frozen=True, slots=True)
class Use:
    """One operand of one call as a view of a leaf's memory.

    call, operand: which operand of which call. shape, offset, strides: the view, in bytes.
    """

    call: int
    operand: int
    shape: Shape
    offset: int
    strides: Shape

    def view(self, array: Array) -> Any:
        """The same view of another array."""
        return np.ndarray(self.shape, array.dtype, array, self.offset, self.strides)


@dataclass(slots=True)
class Input:
    """One leaf. Without uses it is copied to where it is read.

    current: the array that the calls read now. home: the plan's own memory for it. uses: where
    current is read. copied: which assignment to the leaf lies in home; None where a fed array does.
    """

    leaf: Tensor
    current: Array
    home: Array | None = None
    uses: list[Use] = field(default_factory=list)
    copied: int | None = None


class Inputs:
    """The leaves of a plan, bound to its calls."""

    def __init__(
        self, calls: list[Call], outputs: tuple[Array, ...], homes: Mapping[Tensor, Array]
    ) -> None:
        """Find the uses of each leaf.

        calls: of the plan; they change as leaves are fed. outputs: the arrays that the plan gives
        out. homes: where each leaf is read; its own array, or memory that it is to be copied to.
        """
        self._calls = calls
        prebound = Prebound()
        self.run = list(map(prebound.quicker, calls))
        self._output_owners = list(map(owner, outputs))
        self._inputs: dict[Tensor, Input] = {}
        for leaf, home in homes.items():
            copied_to = None if home is leaf._array else home
            self._inputs[leaf] = Input(leaf, home, copied_to)
        # memory that is read and given out: writing to one may undo another
        read = {id(owner(home)) for home in homes.values()}
        given_out = map(id, self._output_owners)
        self._both = read.intersection(given_out)
        self._find_uses()

    def _find_uses(self) -> None:
        input_of = {}
        for entry in self._inputs.values():
            if entry.home is None:
                input_of[id(owner(entry.current))] = entry
        for number, (_, args) in enumerate(self._calls):
            for operand, a in enumerate(args):
                if not isinstance(a, np.ndarray):
                    continue
                entry_read = input_of.get(id(owner(a)))
                if entry_read is not None:
                    offset = address(a) - address(entry_read.current)
                    use = Use(number, operand, a.shape, offset, a.strides)
                    entry_read.uses.append(use)

    def load(self, feeds: Mapping[Tensor, Array]) -> None:
        """Let the calls read the fed arrays, and the leaves' own where none is fed.

        What was given out before, as the last state, is copied: the calls write over it.
        """
        arrays = {leaf: self._apart(array) for leaf, array in feeds.items()}
        for leaf, entry in self._inputs.items():
            array = arrays.get(leaf)
            if array is not None:
                self._feed(entry, array)
            elif entry.uses:
                self._rebind(entry, leaf._array)
            elif entry.home is not None and entry.copied != leaf.assigned:
                np.copyto(entry.home, leaf._array)
                entry.copied = leaf.assigned

    def _apart(self, array: Array) -> Array:
        """The array, or a copy of one that feeding another leaf would write to."""
        shared = id(owner(array)) in self._both
        return array.copy() if shared else array

    def _feed(self, entry: Input, array: Array) -> None:
        """Let the calls read a fed array: where it lies, if it is large, or as a copy."""
        place = entry.current
        large = place.nbytes >= MIN_BYTES_TO_READ_IN_PLACE
        few_uses = 0 < len(entry.uses) <= MAX_USES_TO_READ_IN_PLACE
        if large and few_uses and not self._is_output(array):
            in_order = np.ascontiguousarray(array, place.dtype)
            self._rebind(entry, in_order)
            return
        if entry.home is None:
            entry.home = np.empty(place.shape, place.dtype)
        if entry.uses:
            self._rebind(entry, entry.home)
        np.copyto(entry.home, array, "same_kind")
        entry.copied = None

    def _is_output(self, array: Array) -> bool:
        own = owner(array)
        return any(own is output for output in self._output_owners)

    def _rebind(self, entry: Input, array: Array) -> None:
        """Let the calls, and those that run in their stead, read this array."""
        if array is entry.current:
            return
        for use in entry.uses:
            fn, old = self._calls[use.call]
            args = list(old)
            args[use.operand] = use.view(array)
            call = fn, tuple(args)
            self._calls[use.call] = call
            # a Prebound of its own: the rows of an array that was fed once are not kept
            self.run[use.call] = Prebound().quicker(call)
        entry.current = array
