"""Where the calls read the leaves: in the leaves' own arrays, or in arrays that are fed instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compiler.emit.program import Call
from minigrad.compiler.graph import Shape
from minigrad.compiler.strided import address, owner
from minigrad.core.array import Array
from minigrad.core.tensor import Tensor
from minigrad.source import serials

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

    current: the array that all calls read now; None while they change. home: the plan's own memory
    for it. uses: where current is read. copied: which assignment to the leaf lies in home; None
    where a fed array does, or while it changes. in_place: what is fed is read where it lies.
    """

    leaf: Tensor
    current: Array | None
    home: Array | None = None
    uses: list[Use] = field(default_factory=list)
    copied: int | None = None
    in_place: bool = False


class Inputs:
    """The leaves of a plan, bound to its calls.

    What is bound is forgotten before it changes, and entered after the last change: a call that was
    interrupted on the way, by Ctrl-C too, leaves what the next one binds anew.
    """

    def __init__(self, calls: list[Call], homes: Mapping[Tensor, Array]) -> None:
        """Find the uses of each leaf.

        calls: of the plan; they change as leaves are fed. homes: where each leaf is read; its own
        array, or memory that it is to be copied to.
        """
        self._calls = calls
        prebound = Prebound()
        self.run = list(map(prebound.quicker, calls))
        self._inputs: dict[Tensor, Input] = {}
        for leaf, home in homes.items():
            copied_to = None if home is leaf._array else home
            self._inputs[leaf] = Input(leaf, home, copied_to)
        self._find_uses()
        for entry in self._inputs.values():
            large = entry.leaf._array.nbytes >= MIN_BYTES_TO_READ_IN_PLACE
            entry.in_place = large and 0 < len(entry.uses) <= MAX_USES_TO_READ_IN_PLACE
        # what was loaded last: which leaves were fed, and the last assignment there was to any
        self._fed: Set[Tensor] | None = None
        self.seen = -1

    def _find_uses(self) -> None:
        read_by = {}
        for entry in self._inputs.values():
            if entry.home is None:
                array = entry.leaf._array
                read_by[id(owner(array))] = entry, array
        for number, (_, args) in enumerate(self._calls):
            for operand, a in enumerate(args):
                if not isinstance(a, np.ndarray):
                    continue
                read = read_by.get(id(owner(a)))
                if read is not None:
                    entry, array = read
                    offset = address(a) - address(array)
                    use = Use(number, operand, a.shape, offset, a.strides)
                    entry.uses.append(use)

    def load(self, feeds: Mapping[Tensor, Array], latest: int) -> None:
        """Let the calls read the fed arrays, and the leaves' own where none is fed.

        latest: the last assignment there was to any Tensor.
        """
        if latest != self.seen or feeds.keys() != self._fed:
            self._fed = None
            for leaf, entry in self._inputs.items():
                if leaf not in feeds:
                    self._own(entry)
            self.seen = latest
            self._fed = set(feeds)
        for leaf, array in feeds.items():
            self._feed(self._inputs[leaf], array)

    def _own(self, entry: Input) -> None:
        """Let the calls read the leaf's own array."""
        leaf = entry.leaf
        if entry.uses:
            self._rebind(entry, leaf._array)
        elif entry.home is not None and entry.copied != leaf.assigned:
            # read before the numbers: those may be newer, never older
            version = leaf.assigned
            entry.copied = None
            np.copyto(entry.home, leaf._array)
            entry.copied = version

    def _feed(self, entry: Input, array: Array) -> None:
        """Let the calls read a fed array: where it lies, if it is large, or as a copy."""
        own = entry.leaf._array
        if entry.in_place:
            in_order = np.ascontiguousarray(array, own.dtype)
            self._rebind(entry, in_order)
            return
        if entry.home is None:
            entry.home = np.empty(own.shape, own.dtype)
        if entry.uses:
            self._rebind(entry, entry.home)
        entry.copied = None
        # half the time of np.copyto; the kinds have been compared
        entry.home[...] = array

    def change(self, leaves: Collection[Tensor], calls: Sequence[Call]) -> None:
        """Run calls that write to these leaves, and to where they are read."""
        fed = self._fed
        self._fed = None
        for leaf in leaves:
            self._inputs[leaf].copied = None
        # what was recorded from them is stale from here on
        before, version = mark_assigned(leaves)
        for fn, args in calls:
            fn(*args)
        for leaf in leaves:
            self._inputs[leaf].copied = version
        # where nobody has assigned anything meanwhile there is nothing to be looked at
        if before == self.seen:
            self.seen = version
            self._fed = fed

    def _rebind(self, entry: Input, array: Array) -> None:
        """Let the calls, and those that run in their stead, read this array."""
        if array is entry.current:
            return
        entry.current = None
        for use in entry.uses:
            fn, old = self._calls[use.call]
            args = list(old)
            args[use.operand] = use.view(array)
            call = fn, tuple(args)
            self._calls[use.call] = call
            # a Prebound of its own: the rows of an array that was fed once are not kept
            self.run[use.call] = Prebound().quicker(call)
        entry.current = array


def mark_assigned(leaves: Collection[Tensor]) -> tuple[int, int]:
    """These leaves are about to change: the last assignment to any Tensor before, and this one."""
    before = Tensor.last_assign
    version = next(serials)
    for leaf in leaves:
        leaf.assigned = version
    Tensor.last_assign = version
    return before, version
