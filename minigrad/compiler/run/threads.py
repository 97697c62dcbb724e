"""Shards on threads: whether it pays, and how they run. NumPy lets go of the interpreter while it computes."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.compiler.emit.kernels import Call
from minigrad.compiler.graph import Graph
from minigrad.compiler.rewrite.batch import batch_of, product_of_examples
from minigrad.compiler.rewrite.shard import sharded

_WIDE = 128  # from so many columns on BLAS's own threads have enough to do
_MUCH = 1 << 14  # numbers per step and shard that are worth a thread


def in_shards(graph: Graph) -> tuple[Graph, str]:
    """The graph, the batch split where threads pay, and what was chosen.

    A narrow state and many examples (32 columns, 1024 rows) keep elementwise functions busy, which have no threads of
    their own: there two shards halve the time. Where products dominate, BLAS's threads are better, and for few numbers
    none at all.
    """
    seed, cores = product_of_examples(graph), os.cpu_count()
    if seed is None:
        return graph, "not split: no product of examples and a parameter in its steps"
    rows, width = (
        seed.shape[0],
        max(n.shape[-1] for n in graph.nodes if n.fn is np.matmul and n.time is not None),
    )
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    count = min(cores or 1, rows, rows * width // _MUCH)
    what = f"not split: {rows} examples of {width} numbers per step"
    if width >= _WIDE or count < 2:
        return graph, what
    if not _blas():
        return graph, f"{what}, {count} threads would pay; pip install threadpoolctl"
    batch = batch_of(graph, seed)
    if batch is None:
        return graph, "not split: the examples do not go through it one by one"
    found = sharded(graph, batch, count)
    if found is graph:
        return graph, "not split: something joins the examples on the way"
    return (
        found,
        f"{count} shards of the {batch.size} examples, each on a thread of its own with one BLAS thread",
    )


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
def _blas() -> list[Any]:
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
        _inside.append(_inside[0] if _inside else [lib.get_num_threads() for lib in _blas()])
    try:
        for lib in _blas():
            lib.set_num_threads(1)
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside:
                for lib, count in zip(_blas(), before, strict=True):
                    lib.set_num_threads(count)
