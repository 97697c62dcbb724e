"""The threads of NumPy's BLAS: one for each shard while several shards run."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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


_lock = threading.Lock()
# for each plan that is running the thread counts from before the first of them
_counts_before: list[list[int]] = []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS with one thread.

    Of several plans that run at the same time, the last one sets the counts back.
    """
    with _lock:
        if _counts_before:
            _counts_before.append(_counts_before[0])
        else:
            counts = [library.get_num_threads() for library in blas_libraries()]
            _counts_before.append(counts)
    try:
        _set_threads([1] * len(blas_libraries()))
        yield
    finally:
        with _lock:
            counts = _counts_before.pop()
            if not _counts_before:
                _set_threads(counts)


def _set_threads(counts: list[int]) -> None:
    for library, count in zip(blas_libraries(), counts, strict=True):
        library.set_num_threads(count)
