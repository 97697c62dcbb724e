"""The calls of a plan in order; those of the shards at the same time, each shard on a thread."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import pairwise

from minigrad.compiler.blas import one_blas_thread
from minigrad.compiler.emit.program import Call


def run_calls(calls: Sequence[Call], sections: Sequence[int]) -> None:
    """Run the calls; those between the first and the last section at the same time.

    sections: where the calls before, in each of and after the shards begin; one number if nothing
    was split.
    """
    if len(sections) == 1:
        _run_in_order(calls)
        return
    bounds = pairwise(sections[1:])
    first, *others = [calls[start:stop] for start, stop in bounds]
    _run_in_order(calls[: sections[1]])
    with one_blas_thread(), ThreadPoolExecutor(len(others)) as pool:
        # a copy of the context each: the caller's np.errstate holds in every thread
        waiting = []
        for shard in others:
            context = copy_context()
            waiting.append(pool.submit(context.run, _run_in_order, shard))
        _run_in_order(first)
        for future in waiting:
            future.result()
    _run_in_order(calls[sections[-1] :])


def _run_in_order(calls: Sequence[Call]) -> None:
    for fn, args in calls:
        fn(*args)
