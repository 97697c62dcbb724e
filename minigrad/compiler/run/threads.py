"""Shards on threads. NumPy lets go of the interpreter while it computes."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import pairwise
from typing import Any

from minigrad.compiler.emit.kernels import Call


def run(calls: Sequence[Call], sections: Sequence[int]) -> None:
    """The calls in order; those between the first and the last section at the same time."""
    bounds = [*sections, len(calls)]
    if len(sections) == 1:
        _run(calls)
        return
    _run(calls[: bounds[1]])
    first, *others = pairwise(bounds[1:-1])
    with _one_blas_thread(), ThreadPoolExecutor(len(others)) as pool:
        waiting = [
            pool.submit(copy_context().run, _run, calls[start:stop]) for start, stop in others
        ]
        _run(calls[slice(*first)])
        for future in waiting:
            future.result()
    _run(calls[bounds[-2] :])


def _run(calls: Sequence[Call]) -> None:
    for fn, args in calls:
        fn(*args)


@functools.cache
def blas_libraries() -> list[Any]:
    """What sets the number of threads of NumPy's BLAS; nothing without threadpoolctl."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    return [lib for lib in ThreadpoolController().lib_controllers if lib.user_api == "blas"]


_lock = threading.Lock()
_inside: list[list[int]] = []  # a list of thread counts for each plan that is running


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """BLAS with one thread; the last one out, of several plans at a time, sets back what the first one found."""
    with _lock:
        _inside.append(
            _inside[0] if _inside else [lib.get_num_threads() for lib in blas_libraries()]
        )
    try:
        for lib in blas_libraries():
            lib.set_num_threads(1)
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside:
                for lib, count in zip(blas_libraries(), before, strict=True):
                    lib.set_num_threads(count)
