"""Where every result lies: one slot per step in one buffer per family.

A buffer is used again as soon as nobody reads any more what lies there.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.schedule import Schedule, Unit
from minigrad.core.array import Array

from .buffers import Buffer, Buffers
from .class_axis import class_axis_outermost
from .concatenations import pack, part_of
from .liveness import liveness_of
from .sharing import Layout, Store, assign_stores, slots_needed


@dataclass(frozen=True, slots=True)
class Memory:
    """Where everything lies.

    array_of: of every result, and as soon as they are placed of every leaf. store_of: the store of
    every family that writes something. nbytes: of all buffers together.
    """

    array_of: dict[Node, Array]
    store_of: dict[Family, Store]
    nbytes: int


def allocate_memory(schedule: Schedule) -> Memory:
    """Lay every result into a buffer, unit by unit."""
    packing = pack(schedule)
    outermost = class_axis_outermost(schedule, packing)
    layout = Layout(schedule, liveness_of(schedule), packing, outermost)
    placing = _Placing(layout)
    for number, unit in enumerate(schedule.units):
        placing.place_unit(unit)
        placing.end_unit(number)
    return Memory(placing.array_of, placing.store_of, placing.buffers.nbytes)


class _Placing:
    """Arrays for the members of the families, in the buffers of their stores."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.store_of = assign_stores(layout)
        self.array_of: dict[Node, Array] = {}
        self.buffers = Buffers()
        self._buffer_of: dict[Store, Buffer] = {}
        # the stores that are read last in each unit
        self._ending = defaultdict[int, list[Store]](list)
        stores = dict.fromkeys(self.store_of.values())
        for store in stores:
            self._ending[store.last].append(store)

    def place_unit(self, unit: Unit) -> None:
        """Find a place for what a unit writes, where it has none in another store."""
        self.buffers.enter(unit.section)
        for family in unit.families:
            store = self.store_of.get(family)
            # what a total absorbs is written nowhere
            if store is None:
                continue
            outer = store.parent or store
            if outer not in self._buffer_of:
                self._place(outer)

    def end_unit(self, number: int) -> None:
        """Give back the buffers that nobody reads after a unit."""
        for store in self._ending[number]:
            # a store that lies in another has no buffer of its own
            if store in self._buffer_of:
                self.buffers.give_back(self._buffer_of[store])

    def _place(self, store: Store) -> None:
        """Find a buffer for a store, and lay everything into it that lies there."""
        first = store.owner.first
        slots = slots_needed(store, self._layout)
        size = math.prod(first.shape)
        need = slots * size * first.dtype.itemsize
        buffer = self.buffers.take(need, first.section)
        self._buffer_of[store] = buffer
        store.name = buffer.name
        memory = buffer.block[:need]
        steps = self._in_steps(memory.view(first.dtype), store.owner, slots)
        views = []
        for i in range(store.slots):
            views.append(steps[i % slots, ...])
        self._enter(store, views)
        for child in store.children:
            child.name = buffer.name
            self._place_inside(child, store.owner)

    def _in_steps(self, memory: Array, family: Family, slots: int) -> Array:
        """Memory in shape (T, ..., V), where V is outermost if the class axis is to be so."""
        shape = family.first.shape
        if family not in self._layout.outermost:
            return memory.reshape(slots, *shape)
        *rows, classes = shape
        classes_first = memory.reshape(classes, slots, *rows)
        return np.moveaxis(classes_first, 0, -1)

    def _place_inside(self, child: Store, joined: Family) -> None:
        """Lay a store where the concatenation wants its members."""
        packing = self._layout.packing
        sources = packing.sources[joined]
        packed = [family for family in child.families if family in sources]
        views = []
        for member in packed[0].members:
            slot = packing.slots[member]
            whole = self.array_of[slot.joined]
            views.append(part_of(whole, slot))
        self._enter(child, views)

    def _enter(self, store: Store, views: list[Array]) -> None:
        """Let all families of a store lie in these arrays, one for each member."""
        for family in store.families:
            places = zip(family.members, views, strict=True)
            self.array_of.update(places)
