"""Pieces of memory that are used again and again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from minigrad.compiler.schedule.shard_sections import AFTER, BEFORE, outlives
from minigrad.core.array import Array

# a buffer that is used again may be so many times larger than what is needed, and a page
MAX_EXCESS_FACTOR = 2
MAX_EXCESS_BYTES = 4096


@dataclass(eq=False, slots=True)
class Buffer:
    """A piece of memory.

    block: its bytes. name: in the listing. section: of the store that it was lent to last.
    """

    block: Array
    name: str
    section: int


class Buffers:
    """All buffers. A shard uses its own again; what comes after all shards uses any.

    nbytes: of all together.
    """

    def __init__(self) -> None:
        self.nbytes = 0
        self._count = 0
        self._section = BEFORE
        self._free = defaultdict[int, list[Buffer]](list)

    def enter(self, section: int) -> None:
        """Go on in this section; after all shards everything is free to use."""
        if section == self._section:
            return
        self._section = section
        if section == AFTER:
            pools = list(self._free.values())
            self._free[AFTER] = [buffer for pool in pools for buffer in pool]

    def take(self, need: int, section: int) -> Buffer:
        """The smallest free buffer of so many bytes that is not far too large, or a new one.

        need: in bytes. section: of the store.
        """
        # what several shards write is nobody's to use again
        pool = self._free[section] if section == self._section else []
        largest = MAX_EXCESS_FACTOR * need + MAX_EXCESS_BYTES
        fitting = [b for b in pool if need <= b.block.size <= largest]
        if not fitting:
            return self._new(need, section)
        buffer = min(fitting, key=lambda b: b.block.size)
        pool.remove(buffer)
        buffer.section = section
        return buffer

    def _new(self, need: int, section: int) -> Buffer:
        self._count += 1
        self.nbytes += need
        block = np.empty(need, np.uint8)
        return Buffer(block, f"b{self._count}", section)

    def give_back(self, buffer: Buffer) -> None:
        """Let what the running section, or all that comes, writes next lie there."""
        if outlives(buffer.section, self._section):
            self._free[self._section].append(buffer)
