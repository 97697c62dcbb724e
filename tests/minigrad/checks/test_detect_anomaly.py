"""Where a search and detect_anomaly hold: long networks, rewritten tapes, threads and tasks."""

import asyncio
import threading
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import GradientError, NonFiniteError, ShapeError, StaleTapeError
from minigrad.transforms import clip, differentiate, truncate, untie
from tests.minigrad.checks.findings import caught, find, line
from tests.zoo import param

pytestmark = pytest.mark.usefixtures("silent_numpy")


def exploding(T=30):
    W, h = param(np.eye(4) * 40, "W", np.float32), mg.tensor(np.ones((1, 4)), dtype=np.float32)
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = (h @ W).named(f"h_{t}")
    return h


def test_an_exploding_network_names_its_first_step():
    h = exploding()
    tape = mg.Tape.of(np.sum(h))
    first = next(n for n in tape.nodes if not np.isfinite(n.data).all())
    for seen in (
        tape,
        truncate(tape, every=5),
        untie(tape, tape["W"]),
        mg.Tape.of(np.mean(h), np.sum(h)),
    ):
        found = mg.find_nonfinite(seen)
        assert found.node.name == first.name == "h_25"
        assert found.node.time == 25
        assert "Overflow: float32 ends at 3.403e+38" in str(found)
        assert np.count_nonzero(np.isinf(found.value)) == found.infs == 4


def test_an_exploding_gradient_names_the_step_it_overflows_at():
    w = param(np.full(3, 1e-3), "w", np.float32)
    h = w * np.float32(1e-30)
    for t in range(1, 31):
        with mg.timestep(t):
            h = h * np.float32(20) if t > 1 else h * np.float32(1e-9)
    loss = np.sum(h * np.float32(1e3))
    found = find(loss)
    adjoints = {30 - n: np.float32(1e3) * np.float32(20) ** np.float32(n + 1) for n in range(30)}
    t = max(t for t, g in adjoints.items() if np.isinf(g))
    assert (found.kind, found.node.time) == ("adjoint", t)
    with pytest.raises(NonFiniteError, match=f"t={t}, "), mg.detect_anomaly():
        loss.backward()
    assert w.grad is None


def test_differentiated_and_clipped_tapes():
    x = param([0.0, 4.0], "x")
    y, at = np.sqrt(x), line()
    tape = differentiate(mg.Tape.of(np.sum(np.where(x > 0, y, 0))))
    assert str(mg.find_nonfinite(tape)) == (
        "divide in the gradients: 'dL/dx' has NaN in 1 of 2; it reads 'where#2' (2,) from 0 to 1 and 'multiply' (2,) "
        f"from 0 to 4, first divide(0, 0) at [0]. [{at}]"
    )
    clipped = mg.find_nonfinite(clip(tape, 1.0))
    assert clipped.node is mg.find_nonfinite(tape).node
    good = differentiate(mg.Tape.of(np.sum(np.sqrt(x + 1))))
    assert mg.find_nonfinite(clip(good, 1.0)) is None


def test_second_derivatives():
    x = param([0.0, 4.0], "x")
    (slope,) = mg.grad(np.sum(np.power(x, 1.5)), x, create_graph=True)
    np.testing.assert_array_equal(slope.data, [0, 3])
    with pytest.raises(NonFiniteError, match="backward through power: 'power"), mg.detect_anomaly():
        mg.grad(np.sum(slope), x)


def test_a_gradient_given_by_the_user():
    x = param([1.0, 2.0], "x")
    y, at = (x * 2).named("y"), line()
    message = f"backward: the gradient given for 'y' has inf in 1 of 2. [{at}]"
    assert str(mg.find_nonfinite(mg.Tape.of(y), [1, np.inf])) == message
    assert mg.find_nonfinite(mg.Tape.of(y)) is None
    for ask in (
        y.backward,
        lambda g: mg.grad(y, x, g),
        lambda g: mg.grad(y, x, g, create_graph=True),
    ):
        with pytest.raises(NonFiniteError) as error, mg.detect_anomaly():
            ask([1, np.inf])
        assert str(error.value) == message
    with pytest.raises(ShapeError):
        mg.find_nonfinite(mg.Tape.of(y), [1, 2, 3])


def test_only_the_gradients_that_are_asked_for_count():
    x, y = param([0.0, 4.0], "x"), param([1.0, 1.0], "y")
    loss = np.sum(np.where(x > 0, np.sqrt(x), 0) * y)
    with mg.detect_anomaly():
        assert np.isfinite(mg.grad(loss, y)[0].data).all()
    with pytest.raises(NonFiniteError), mg.detect_anomaly():
        mg.grad(loss, x)


def test_no_gradient_no_sweep():
    assert find(mg.tensor([1.0, np.inf], name="c") * 0).node.name == "c"
    assert find(np.sum(mg.tensor([1.0, 2.0]))) is None
    assert find(np.sum(np.log(mg.tensor([1, 2])))) is None
    assert find(np.mean(mg.tensor(np.ones((0, 2)), name="e") * 2, axis=1)) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        empty = np.mean(mg.tensor(np.ones((0, 2)), name="e"), axis=0)
    assert str(find(empty)).startswith(
        "mean: 'mean' has NaN in 2 of 2; it reads 'e' (0, 2), first at [0]. ["
    )


def test_a_value_that_was_overwritten_is_not_blamed():
    w = param([1.0, 0.0], "w")
    loss = np.sum(np.log(w))
    w.assign([np.nan, np.nan])
    with pytest.raises(StaleTapeError, match="'w' was assigned a new value after 'log' read it"):
        find(loss)


def test_off_again_after_an_error_and_nested():
    loss = np.log(param(0.0, "x"))
    with pytest.raises(ZeroDivisionError), mg.detect_anomaly():
        1 / 0
    loss.backward(retain_graph=True)
    with mg.detect_anomaly():
        with mg.detect_anomaly():
            pass
        with pytest.raises(NonFiniteError):
            loss.backward(retain_graph=True)
    loss.backward(retain_graph=True)
    assert issubclass(NonFiniteError, GradientError)


def test_threads_do_not_see_each_other():
    loss, seen = np.log(param(0.0, "x")), {}

    def worker(name, on, barrier):
        def ask():
            barrier.wait(timeout=30)  # both inside, one of them watched
            seen[name] = caught(loss)

        with np.errstate(all="ignore"):
            if on:
                with mg.detect_anomaly():
                    ask()
            else:
                ask()

    barrier = threading.Barrier(2)
    threads = [
        threading.Thread(target=worker, args=(name, name == "on", barrier))
        for name in ("on", "off")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"on": True, "off": False}


def test_tasks_do_not_see_each_other():
    loss = np.log(param(0.0, "x"))

    async def task(on):
        if not on:
            await asyncio.sleep(0)
            return caught(loss)
        with mg.detect_anomaly():
            await asyncio.sleep(0)
            return caught(loss)

    async def both():
        return await asyncio.gather(task(True), task(False))

    assert asyncio.run(both()) == [True, False]


def test_the_search_is_silent():
    x = param(np.float32([0, 4]), "x")
    loss = np.sum(np.where(x > 0, np.sqrt(x), 0))
    with np.errstate(all="raise"):
        assert find(loss).node.op == "sqrt"


def test_long_chains():
    h = param([1.0], "x")
    for _ in range(20_000):
        h = h + 0.001
    assert find(np.sum(h)) is None
    bad = np.log(h * 0)
    h = bad
    for _ in range(20_000):
        h = h + 0.001
    assert find(np.sum(h)).node is bad
