"""Scopes: they hold inside their with statement, and are closed whatever happens."""

import asyncio
import contextlib
import gc
import random
import signal

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.scope import records, watch
from minigrad.scoping import all_holding, holding
from minigrad.source import stamp
from minigrad.transforms import truncate
from tests.interrupts import interrupts

pytestmark = pytest.mark.usefixtures("no_gc_callbacks")

SCOPES = {
    "timestep": (lambda: mg.timestep(7), lambda: holding(stamp)),
    "no_grad": (mg.no_grad, lambda: not records()),
    "detect_anomaly": (mg.detect_anomaly, lambda: all_holding(watch)),
    "on_backward": (lambda: mg.on_backward("h", print), lambda: all_holding(watch)),
}
# an interrupt that is lost ends no loop
MAX_ROUNDS = 100_000
every_scope = pytest.mark.parametrize(("make", "held"), SCOPES.values(), ids=SCOPES.keys())


def weight():
    return mg.tensor(np.eye(3), requires_grad=True, name="W")


# a Watch is on before its with statement begins, until it is removed
@pytest.mark.parametrize("name", ["timestep", "no_grad", "detect_anomaly"])
def test_an_interrupt_at_any_instruction_leaves_no_scope_open(name):
    make, held = SCOPES[name]
    rng = random.Random(0)
    interrupted = 0
    with interrupts():
        for _ in range(400):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-5 + rng.random() * 1e-4)
                for _ in range(MAX_ROUNDS):
                    with make():
                        pass
            except KeyboardInterrupt:
                interrupted += 1
            assert not held()
    assert interrupted == 400


def test_an_interrupt_leaves_the_search_for_garbage_on():
    rng = random.Random(0)
    W = weight()
    with interrupts():
        for _ in range(200):
            with contextlib.suppress(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 1e-5 + rng.random() * 1e-4)
                # not for ever: what interrupts a finalizer is swallowed
                for _ in range(1000):
                    mg.grad(np.sum(W), [W])
            assert gc.isenabled()


@every_scope
def test_scopes_nest_and_end_in_any_order(make, held):
    first, second, third = make(), make(), make()
    for scope in (first, second, third):
        scope.__enter__()
    for scope in (second, third, first):
        assert held()
        scope.__exit__(None, None, None)
    assert not held()


@every_scope
def test_an_exit_stack_closes_them(make, held):
    with contextlib.ExitStack() as stack:
        stack.enter_context(make())
        assert held()
    assert not held()


def batches():
    with mg.no_grad(), mg.timestep(9):
        for k in range(3):
            yield mg.tensor(np.ones((2, 3)) * (k + 1)) * 2


def test_a_scope_open_in_a_generator_holds_in_the_generator_alone():
    W = weight()
    losses = []
    for x in batches():
        assert [x.fn, x.time] == [None, 9]
        y = np.tanh(x.data / 2 @ W)
        assert y.time is None
        losses.append(np.mean(y**2))
    sum(losses).backward()
    (expected,) = mg.grad(sum(np.mean(np.tanh(np.ones((2, 3)) * k @ W) ** 2) for k in (1, 2, 3)), W)
    np.testing.assert_array_equal(W.grad, expected.data)


def test_two_interleaved_generators_keep_their_steps():
    def cell(t):
        h = mg.tensor(1.0)
        with mg.timestep(t):
            while True:
                h = h * 2
                yield h.time

    a, b = cell(1), cell(2)
    assert [next(g) for g in (a, b, a, b, b, a)] == [1, 2, 1, 2, 2, 1]
    a.close()
    assert [next(b), (mg.tensor(1.0) * 2).time] == [2, None]


def test_a_context_manager_of_the_users_own_holds_in_its_with_statement():
    @contextlib.contextmanager
    def evaluation(t):
        with mg.no_grad(), mg.timestep(t):
            yield

    with evaluation(4):
        y = weight() * 2
    assert [y.requires_grad, y.time, (weight() * 2).requires_grad] == [False, 4, True]


def test_no_grad_over_functions_generators_and_coroutines():
    W = weight()

    @mg.no_grad()
    def double(k):
        return W * k

    @mg.no_grad()
    def doubles(k):
        sent = yield W * k
        yield W * sent

    @mg.no_grad()
    async def later(k):
        await asyncio.sleep(0)
        return W * k

    @mg.no_grad()
    async def many(k):
        yield W * k

    async def first():
        async for y in many(2):
            return y, W * 2
        return None

    generator = doubles(2)
    off = [double(2), double(2), next(generator), generator.send(3), asyncio.run(later(2))]
    off_tape, on_tape = asyncio.run(first())
    assert [y.requires_grad for y in (*off, off_tape)] == [False] * 6
    assert [on_tape.requires_grad, (W * 2).requires_grad, double.__name__] == [True, True, "double"]


def test_tasks_have_their_own_steps():
    async def run(t):
        with mg.timestep(t):
            await asyncio.sleep(0)
            return (mg.tensor(1.0) * 2).time

    async def both():
        return await asyncio.gather(run(1), run(2))

    assert asyncio.run(both()) == [1, 2]


def test_truncation_after_an_interrupt_is_that_of_a_fresh_process():
    A = mg.tensor(np.eye(3) * 0.5, requires_grad=True, name="A")

    def slope():
        h = np.tanh(np.ones((1, 3)) @ A)
        loss = 0
        for t in range(1, 9):
            with mg.timestep(t):
                h = np.tanh(h @ A)
            loss = loss + np.sum(h)
        return mg.grad(truncate(mg.Tape.of(loss), every=4).outputs[0], [A])[0].data

    before = slope()
    with contextlib.suppress(KeyboardInterrupt), mg.timestep(6):
        raise KeyboardInterrupt
    np.testing.assert_array_equal(slope(), before)
