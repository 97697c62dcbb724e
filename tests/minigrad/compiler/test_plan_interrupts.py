"""Ctrl-C in the midst of a plan: the call did not happen, nothing goes on, and nothing is lost."""

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler.blas import BlasThreads, blas_libraries
from minigrad.compiler.run import leaf_binding
from minigrad.compiler.run.threads import run_calls
from tests import children
from tests.interrupts import interrupts
from tests.laws import in_shards, is_sharded, same

STEPS, ROWS, H = 4, 32, 16
timers = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")


@pytest.fixture(params=[1, 2, 3])
def plan(request, monkeypatch, no_gc_callbacks):
    """Whole or in shards. It reads its inputs in place, small as they are: each call binds anew."""
    monkeypatch.setattr(leaf_binding, "MIN_BYTES_TO_READ_IN_PLACE", 1 << 10)
    plan = in_shards(recorded(), request.param)
    assert is_sharded(plan) == (request.param > 1)
    return plan


def recorded():
    rng = np.random.default_rng(0)
    W = mg.tensor(rng.normal(size=(H, H)) / H, requires_grad=True, name="W")
    X = mg.tensor(rng.normal(size=(STEPS, ROWS, H)), name="X")
    h = mg.tensor(np.zeros((ROWS, H)), name="h_0")
    loss = 0
    for t in range(STEPS):
        with mg.timestep(t):
            h = np.tanh(X[t] + h @ W)
            loss = loss + np.mean(h * h)
    loss, *grads = tr.differentiate(mg.Tape.of(loss), [W]).outputs
    return mg.Tape.of(loss, h, *grads)


@pytest.fixture
def calls(plan):
    """Eight feeds, from none to all inputs, each with what the plan gives undisturbed."""
    rng = np.random.default_rng(1)
    shapes = {"X": (STEPS, ROWS, H), "h_0": (ROWS, H), "W": (H, H)}
    pairs = []
    for bits in range(8):
        names = [name for i, name in enumerate(shapes) if bits >> i & 1]
        feeds = {name: rng.normal(size=shapes[name]) for name in names}
        pairs.append((feeds, plan(feeds, copy=True, missing="recorded")))
    return pairs


def blas_counts():
    return [library.get_num_threads() for library in blas_libraries()]


@timers
def test_an_interruption_at_any_time_leaves_a_plan_as_it_was(plan, calls):
    counts, count, hits = blas_counts(), threading.active_count(), 0
    started = time.perf_counter()
    plan(calls[-1][0], missing="recorded")
    usual, draw = time.perf_counter() - started, random.Random(0)
    with interrupts():
        for _ in range(150):
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.random() * usual + 1e-6)
                plan(draw.choice(calls)[0], missing="recorded")
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                hits += 1
            feeds, expected = draw.choice(calls)
            same(plan(feeds, missing="recorded"), expected)
    assert hits > 10
    assert blas_counts() == counts
    assert threading.active_count() == count


def interrupted_at(number, action):
    """Raise KeyboardInterrupt where Python looks for signals that number-th time; how many times.

    That is where a function begins and where a call into C has ended.
    """
    count = 0

    def profile(frame, event, _):
        nonlocal count
        if event in ("call", "c_return"):
            count += 1
            if count == number:
                sys.setprofile(None)
                raise KeyboardInterrupt

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


def test_an_interruption_at_any_place_leaves_a_plan_as_it_was(plan, calls):
    counts, draw = blas_counts(), random.Random(0)
    (none, own), (every, other) = calls[0], calls[-1]
    plan(none)
    # but for the calls of setprofile itself
    last = interrupted_at(0, lambda: plan(every)) - 1
    for number in sorted(draw.sample(range(1, last), min(last - 1, 100))):
        plan(none)
        with pytest.raises(KeyboardInterrupt):
            interrupted_at(number, lambda: plan(every))
        assert blas_counts() == counts
        same(plan(none), own)
    same(plan(every), other)


@timers
@pytest.mark.usefixtures("no_gc_callbacks")
def test_an_interruption_leaves_when_all_shards_have_ended():
    """However many more of them follow."""
    ended = []

    def slow():
        time.sleep(0.05)
        ended.append(threading.current_thread().name)

    started = time.perf_counter()
    with interrupts():
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        with pytest.raises(KeyboardInterrupt):
            # nothing before, two shards, nothing after
            run_calls([(slow, ()), (slow, ())], [0, 0, 1, 2])
        took = time.perf_counter() - started
    assert ended == ["minigrad-shard-2"]
    assert took >= 0.05


def test_blas_is_set_back_by_whichever_thread_ends_last():
    pytest.importorskip("threadpoolctl")
    counts, limits = blas_counts(), BlasThreads()
    asked, may_end = threading.Event(), threading.Event()

    def other():
        limits.limit()
        asked.set()
        may_end.wait(10)
        limits.set_back()

    thread = threading.Thread(target=other)
    limits.limit()
    thread.start()
    asked.wait(10)
    limits.set_back()
    assert set(blas_counts()) == {1}
    may_end.set()
    thread.join(10)
    assert blas_counts() == counts


def test_threads_are_made_once():
    plans = [in_shards(recorded(), count) for count in (3, 2, 3)]
    plans[0]()
    count = threading.active_count()
    for plan in plans * 3:
        plan()
    assert threading.active_count() == count


@pytest.mark.parametrize("row", [0, -1])
def test_a_shard_raises_what_it_meets_where_the_caller_asked_for_it(row):
    plan = in_shards(recorded(), 2)
    own = plan()
    X = np.zeros((STEPS, ROWS, H))
    X[-1, row] = np.inf
    X[-2, row] = -np.inf
    W = np.full((H, H), np.inf)
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        plan({"X": X, "W": W, "h_0": np.ones((ROWS, H))})
    same(plan(), own)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_process_makes_threads_of_its_own():
    program = """
import os, signal
from tests.laws import in_shards, same
from tests.minigrad.compiler.test_plan_interrupts import recorded
plan = in_shards(recorded(), 2)
expected = plan()
child = os.fork()
if child == 0:
    signal.alarm(20)
    same(plan(), expected)
    os._exit(0)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
"""
    root = Path(__file__).parents[3]
    children.run([sys.executable, "-c", program], cwd=root, check=True, timeout=60)
