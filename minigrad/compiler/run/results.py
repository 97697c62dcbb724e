"""What a plan gives out: the caller's arrays, in memory used again once nobody holds it."""

from __future__ import annotations

import sys
import sysconfig

import numpy as np

from minigrad.core.array import Array

# up to here an allocator has memory at hand; beyond it asks the system for pages, at every call
MIN_BYTES_TO_KEEP = 1 << 17
# what the caller holds, what they held before that, and what is written next
MAX_KEPT_ARRAYS = 3


def _count_of_unheld() -> int:
    """The reference count of an array that nobody holds but a list; 0 where counts may lie.

    A view keeps the array whose memory it shows, so that counts tell of views too.
    """
    counted = sys.implementation.name == "cpython"
    if not counted or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return 0
    return _counts([np.empty(0)])[0]


def _counts(arrays: list[Array]) -> list[int]:
    # not one by one: how a loop over names counts differs between versions of Python
    return list(map(sys.getrefcount, arrays))


UNHELD = _count_of_unheld()


class Result:
    """One output of a plan.

    >>> import numpy as np
    >>> buffer = np.zeros(3)
    >>> result = Result(buffer)
    >>> before = result.array()
    >>> buffer[:] = 1
    >>> before.tolist(), result.array().tolist()
    ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0])
    """

    def __init__(self, output: Array) -> None:
        """Give out what lies in output after a call."""
        self._output = output
        self._large = output.nbytes >= MIN_BYTES_TO_KEEP
        self._kept: list[Array] = []

    def copy(self) -> Array:
        """The output as an array that the caller may write to."""
        return self._output.copy()

    def array(self) -> Array:
        """The output as a read-only array that no later call changes."""
        if self._large:
            memory = self._unheld()
            np.copyto(memory, self._output)
            # a new view each time: what was done to an old one, as to its shape, was the caller's
            copy = memory.view()
        else:
            copy = self._output.copy()
        copy.setflags(write=False)
        return copy

    def _unheld(self) -> Array:
        """Memory that nobody holds: what was given out before and dropped, or new."""
        counts = _counts(self._kept)
        if UNHELD in counts:
            return self._kept[counts.index(UNHELD)]
        memory = np.empty(self._output.shape, self._output.dtype)
        self._kept.append(memory)
        # what is dropped here belongs to those who hold it
        del self._kept[:-MAX_KEPT_ARRAYS]
        return memory
