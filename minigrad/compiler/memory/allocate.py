"""Where every result lies: one slot per step in one buffer per family, shared as soon as nobody reads any more."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.schedule import Schedule
from minigrad.compiler.schedule.sections import AFTER, BEFORE, outlives
from minigrad.core.array import Array

from .class_axis import class_axis_outermost
from .liveness import Liveness, liveness_of
from .packing import Packing, pack
from .stores import Store, assign_stores, slots_needed

# a buffer that is used again may be so many times larger than what is needed, and a page
MAX_EXCESS_FACTOR = 2
MAX_EXCESS_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Memory:
    """Where everything lies.

    array_of: of every result, and as soon as they are placed of every leaf. store_of: the store of every family that
    writes something. nbytes: of all buffers together.
    """

    array_of: dict[Node, Array]
    store_of: dict[Family, Store]
    nbytes: int


@dataclass(eq=False, slots=True)
class Buffer:
    """A piece of memory: its name in the listing, and the section of the store that it was lent to last."""

    block: Array
    name: str
    section: int


def allocate_memory(schedule: Schedule) -> Memory:
    """Lay every result into a buffer; a buffer is used again after its last reader.

    A shard uses memory of its own again; what comes after all shards uses any.
    """
    liveness = liveness_of(schedule)
    packing = pack(schedule)
    outermost = class_axis_outermost(schedule, packing)
    store_of = assign_stores(schedule, liveness, packing, outermost)
    buffers = _Buffers()
    placing = _Placing(schedule, liveness, packing, outermost)
    buffer_of: dict[Store, Buffer] = {}
    ending = _by_last_unit(store_of.values())
    for i, unit in enumerate(schedule.units):
        buffers.enter(unit.section)
        for family in unit.families:
            if family not in store_of:
                continue
            store = store_of[family].parent or store_of[family]
            if store not in buffer_of:
                buffer_of[store] = placing.place(store, buffers)
        # a store that lies in another has no buffer of its own
        ended = [buffer_of[store] for store in ending[i] if store in buffer_of]
        buffers.give_back(ended)
    return Memory(placing.array_of, store_of, buffers.nbytes)


def _by_last_unit(stores: Iterable[Store]) -> defaultdict[int, list[Store]]:
    ending = defaultdict[int, list[Store]](list)
    for store in dict.fromkeys(stores):
        ending[store.last].append(store)
    return ending


@dataclass(slots=True)
class _Buffers:
    """The buffers that nobody uses now, by the section in which they may be used again."""

    free: defaultdict[int, list[Buffer]] = field(default_factory=lambda: defaultdict(list))
    section: int = BEFORE
    count: int = 0
    nbytes: int = 0

    def enter(self, section: int) -> None:
        """Go on in this section; after all shards everything is free to use."""
        if section != self.section and section == AFTER:
            self.free[AFTER] = [buffer for pool in self.free.values() for buffer in pool]
        self.section = section

    def take(self, need: int, section: int) -> Buffer:
        """The smallest free buffer of so many bytes that is not far too large, or a new one.

        need: in bytes. section: of the store; what several shards write is nobody's to use again.
        """
        pool = self.free[self.section] if section == self.section else []
        largest = MAX_EXCESS_FACTOR * need + MAX_EXCESS_BYTES
        fitting = [buffer for buffer in pool if need <= buffer.block.size <= largest]
        if fitting:
            best = min(fitting, key=lambda buffer: buffer.block.size)
            pool.remove(best)
            best.section = section
            return best
        self.count += 1
        self.nbytes += need
        return Buffer(np.empty(need, np.uint8), f"b{self.count}", section)

    def give_back(self, buffers: list[Buffer]) -> None:
        """Let what the running section, or all that comes, writes next lie there."""
        pool = self.free[self.section]
        pool += [buffer for buffer in buffers if outlives(buffer.section, self.section)]


@dataclass(slots=True)
class _Placing:
    """Arrays for the members of the families, in the buffers of their stores."""

    schedule: Schedule
    liveness: Liveness
    packing: Packing
    outermost: set[Family]
    array_of: dict[Node, Array] = field(default_factory=dict)

    def place(self, store: Store, buffers: _Buffers) -> Buffer:
        """Find a buffer for a store, and lay everything into it that lies there."""
        first = store.owner.first
        slots = slots_needed(store, self.schedule.units, self.liveness)
        need = slots * math.prod(first.shape) * first.dtype.itemsize
        buffer = buffers.take(need, first.section)
        store.name = buffer.name
        block = self._block(store.owner, slots, buffer.block[:need])
        views = [block[i % slots, ...] for i in range(store.slots)]
        for family in store.families:
            self.array_of.update(zip(family.members, views, strict=True))
        for child in store.children:
            child.name = buffer.name
            self._place_inside(child, store.owner)
        return buffer

    def _block(self, family: Family, slots: int, memory: Array) -> Array:
        """The memory as (T, *shape); (V, T, ...), seen as (T, ..., V), where the class axis goes outermost."""
        first = family.first
        numbers = memory.view(first.dtype)
        if family not in self.outermost:
            return numbers.reshape(slots, *first.shape)
        *rows, classes = first.shape
        return np.moveaxis(numbers.reshape(classes, slots, *rows), 0, -1)

    def _place_inside(self, child: Store, joined: Family) -> None:
        """Lay a store where the concatenation wants its members."""
        source = next(f for f in child.families if self.packing.into.get(f) is joined)
        views = []
        for member in source.members:
            whole = self.array_of[self.packing.slot[member].joined]
            views.append(self.packing.part(member, whole))
        for family in child.families:
            self.array_of.update(zip(family.members, views, strict=True))
