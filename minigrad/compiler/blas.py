"""The threads of NumPy's BLAS: one for each shard while several shards run."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Sequence
from typing import Any


@functools.cache
def blas_libraries() -> list[Any]:
    """What sets the number of threads of NumPy's BLAS; empty without threadpoolctl."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    libraries = ThreadpoolController().lib_controllers
    return [library for library in libraries if library.user_api == "blas"]


class BlasThreads:
    """BLAS with one thread while a thread of Python asks for that; the last one sets it back.

    Both may be interrupted anywhere and called again: what was before is entered before it changes
    and forgotten after it is back.
    """

    def __init__(self) -> None:
        self._before: list[int] = []
        self.forget_askers()

    def forget_askers(self) -> None:
        """Begin anew and set it back: a child process has none of its parent's other threads."""
        self._lock = threading.Lock()
        self._askers: set[int] = set()
        self.set_back()

    def limit(self) -> None:
        """One thread, from now until this thread sets it back."""
        with self._lock:
            if not self._before:
                self._before = [library.get_num_threads() for library in blas_libraries()]
            self._askers.add(threading.get_ident())
            _set_threads([1] * len(self._before))

    def set_back(self) -> None:
        """As many as before, where no other thread asks for one."""
        with self._lock:
            self._askers.discard(threading.get_ident())
            if self._before and not self._askers:
                _set_threads(self._before)
                self._before = []


def _set_threads(counts: Sequence[int]) -> None:
    for library, count in zip(blas_libraries(), counts, strict=True):
        library.set_num_threads(count)
        # threadpoolctl 3.8 lets nobody but the thread that began to set OpenBLAS's threads go on
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread()


blas_threads = BlasThreads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=blas_threads.forget_askers)
