"""The calls of a plan in order; those of the shards at the same time, each shard on a thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextvars import copy_context
from functools import partial
from itertools import pairwise
from queue import SimpleQueue
from typing import Any

from minigrad.compiler.blas import blas_threads
from minigrad.compiler.emit.program import Call

Tasks = SimpleQueue[Any]
"""What one thread is to call, one after the other."""
Errors = dict[int, BaseException]
"""What shards raised, by their numbers."""


def run_calls(calls: Sequence[Call], sections: Sequence[int]) -> None:
    """Run the calls; those between the first and the last section at the same time.

    sections: where the calls before, in each of and after the shards begin; one number if nothing
    was split. Whatever interrupts it is raised when all shards have ended.
    """
    if len(sections) == 1:
        _run_in_order(calls)
        return
    bounds = pairwise(sections[1:])
    first, *others = [calls[start:stop] for start, stop in bounds]
    _run_in_order(calls[: sections[1]])
    _run_at_once(first, others)
    _run_in_order(calls[sections[-1] :])


def _run_in_order(calls: Sequence[Call]) -> None:
    for fn, args in calls:
        fn(*args)


def _run_at_once(first: Sequence[Call], others: Sequence[Sequence[Call]]) -> None:
    """Run one shard here and the others on threads of ours, with one thread of BLAS each."""
    workers = _workers.first(len(others))
    errors: Errors = {}
    try:
        blas_threads.limit()
        # a shard always on the same thread: behind what an interrupted call may have left there
        for number, tasks in enumerate(workers):
            # a copy of the context each: the caller's np.errstate holds in every thread
            run = copy_context().run
            tasks.put(partial(run, _run_shard, others[number], number, errors))
        _run_in_order(first)
        _end(workers)
    except BaseException:
        # also after what came at the door of the first
        _end(workers)
        raise
    if errors:
        raise errors[min(errors)]


def _run_shard(calls: Sequence[Call], number: int, errors: Errors) -> None:
    try:
        _run_in_order(calls)
    except BaseException as error:
        errors[number] = error


def _end(workers: Sequence[Tasks]) -> None:
    """Wait for the workers and set BLAS back, however often that is interrupted."""
    interruption = None
    ended = False
    while not ended:
        try:
            _wait_for(workers)
            blas_threads.set_back()
            ended = True
        except BaseException as error:
            interruption = error
    if interruption is not None:
        raise interruption


def _wait_for(workers: Sequence[Tasks]) -> None:
    """Wait until the workers have done all that they were given until now."""
    reports: Tasks = SimpleQueue()
    for tasks in workers:
        tasks.put(partial(reports.put, None))
    for _ in workers:
        reports.get()


class Workers:
    """The threads of a process that run shards. They are made once, and end with the process.

    Signals do not reach them, so that Ctrl-C stops none of them halfway.
    """

    def __init__(self) -> None:
        self.forget_all()

    def forget_all(self) -> None:
        """Begin anew, as a child process does, which has none of its parent's."""
        self._lock = threading.Lock()
        self._tasks: list[Tasks] = []

    def first(self, count: int) -> list[Tasks]:
        """The tasks of so many threads, the same ones each time."""
        with self._lock:
            while len(self._tasks) < count:
                ready = threading.Event()
                name = f"minigrad-shard-{len(self._tasks) + 2}"
                thread = threading.Thread(target=self._work, args=(ready,), name=name, daemon=True)
                thread.start()
                ready.wait()
        return self._tasks[:count]

    def _work(self, ready: threading.Event) -> None:
        # the thread enters its tasks by itself: no interruption comes between its start and that
        tasks: Tasks = SimpleQueue()
        self._tasks.append(tasks)
        ready.set()
        while True:
            # not by a name, which would keep a plan's memory until the next one runs
            tasks.get()()


_workers = Workers()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_workers.forget_all)
