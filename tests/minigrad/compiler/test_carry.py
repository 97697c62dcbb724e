"""What a plan carries: n calls are n calls of the plan that carries nothing, fed by hand, in every backend."""

import random
import signal
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import ArgumentError, DTypeError, ShapeError, StaleTapeError
from tests.interrupts import interrupts
from tests.laws import examples, in_shards, is_sharded
from tests.minigrad.compiler.native_code import cache, needs_compiler, own_cache, quickly  # noqa: F401
from tests.minigrad.compiler.test_compile_programs import OPS, PROGRAMS
from tests.minigrad.compiler.test_plan_interrupts import interrupted_at, timers

CALLS = 4


def cell(program, dtype):
    """(what is given out, the next h, the next c) of a drawn step, which reads x, h, c and w."""
    rng = np.random.default_rng(0)
    w = mg.tensor(dtype(rng.normal(size=(3, 3)) / 2), requires_grad=True, name="w")
    leaves = [mg.tensor(dtype(rng.normal(size=(3, 3))), name=name) for name in "xhc"]
    values = [w, *leaves]
    for op, i, j in program:
        values.append(OPS[op](values[i % len(values)], values[j % len(values)]))
    x, h, c = leaves
    out = np.sum((x - h * c) * values[-1])
    # one is computed, one another leaf as it is, or a part of what is computed turned around
    return leaves, mg.Tape.of(out, np.tanh(values[-1]), values[len(values) // 2][::-1])


def carries_as_by_hand(program, dtype, compiled):
    (x, h, c), tape = cell(program, dtype)
    fed, plan = compiled(tape), compiled(tape, carry={h: tape.outputs[1], "c": tape.outputs[2]})
    rng, state = np.random.default_rng(1), (h.numpy(), c.numpy())
    for k in range(CALLS):
        given_x = dtype(rng.normal(size=(3, 3)))
        if k == 2:
            state = state[0], dtype(np.ones((3, 3)))
            plan.state = {"c": state[1]}
        first, *state = fed({x: given_x, h: state[0], c: state[1]})
        (out,) = plan({x: given_x} if k != 1 else {x: given_x, "h": h.numpy()})
        np.testing.assert_array_equal(out, first)
        np.testing.assert_array_equal(h.data, state[0])
        np.testing.assert_array_equal(plan.state["c"], state[1])


@examples(40)
@given(PROGRAMS, st.sampled_from([np.float32, np.float64]))
def test_calls_of_a_drawn_step(program, dtype):
    carries_as_by_hand(program, dtype, mg.compile)


@needs_compiler
@examples(6)
@given(PROGRAMS, st.sampled_from([np.float32, np.float64]))
@pytest.mark.usefixtures("quickly")
def test_calls_of_a_drawn_step_in_native_code(program, dtype):
    carries_as_by_hand(program, dtype, lambda tape, **o: mg.compile(tape, backend="native", **o))


def unrolled(rows=32, H=16, steps=3):
    rng = np.random.default_rng(0)
    W = mg.tensor(rng.normal(size=(H, H)) / H, requires_grad=True, name="W")
    X = mg.tensor(rng.normal(size=(steps, rows, H)), name="X")
    h = first = mg.tensor(np.zeros((rows, H)), name="h")
    loss = 0
    for t in range(steps):
        with mg.timestep(t):
            h = np.tanh(X[t] + h @ W)
            loss = loss + np.mean(h * h)
    loss, dW = tr.differentiate(mg.Tape.of(loss), [W]).outputs
    return mg.Tape.of(loss, h, W - 0.5 * dW), {first: h, W: "subtract"}


@pytest.mark.parametrize("native", [False, pytest.param(True, marks=needs_compiler)])
@pytest.mark.usefixtures("quickly")
def test_truncated_training_in_shards(native):
    """State and weights of a batch that is split over threads."""
    made, by_hand = unrolled(), unrolled()
    plan = in_shards(made[0], 2, native=native, carry=made[1])
    fed = in_shards(by_hand[0], 2, native=native)
    assert is_sharded(plan)
    leaves = {leaf.name: leaf for leaf in by_hand[0].leaves if leaf.name}
    rng = np.random.default_rng(3)
    for _ in range(CALLS):
        X = rng.normal(size=(3, 32, 16))
        loss, h, W = fed({"X": X, "h": leaves["h"].numpy()})
        leaves["h"].assign(h)
        leaves["W"].assign(W)
        np.testing.assert_array_equal(plan({"X": X})[0], loss)
        for name, array in plan.state.items():
            np.testing.assert_array_equal(array, leaves[name].data)


def test_leaves_may_change_places():
    a, b, v = mg.tensor(1.0, name="a"), mg.tensor(2.0, name="b"), mg.tensor([1, 2, 3], name="v")
    plan = mg.compile(mg.Tape.of(a + b, a, b, v[::-1]), carry={a: b, b: a, v: "getitem"})
    for _ in range(3):
        (total,) = plan()
    assert total == 3
    assert {k: s.tolist() for k, s in plan.state.items()} == {"a": 2, "b": 1, "v": [3, 2, 1]}


def test_two_plans_carry_one_leaf():
    h = mg.tensor(1.0, name="h")
    add, double = (mg.compile(mg.Tape.of(y), carry={h: y}) for y in (h + 1, h * 2))
    add(), double(), add(), double()
    assert h.item() == 10


def test_what_was_recorded_from_a_carried_parameter_is_stale():
    w = mg.tensor(2.0, requires_grad=True, name="w")
    y = w * w
    plan = mg.compile(mg.Tape.of(y), carry={w: y})
    plan()
    with pytest.raises(StaleTapeError):
        y.backward()
    assert plan({"w": 3.0}) == ()
    assert w.item() == 9


def test_a_constant_that_was_assigned_is_refused_as_ever():
    h, c = mg.tensor(1.0, name="h"), mg.tensor(2.0)
    y = h * c
    plan = mg.compile(mg.Tape.of(y), carry={h: y})
    plan()
    c.assign(3.0)
    with pytest.raises(StaleTapeError):
        plan()
    assert h.item() == 2


def test_measuring_carries_nothing():
    h = mg.tensor(1.0, name="h")
    plan = mg.compile(mg.Tape.of(h + 1), carry={h: "add"}, backend="auto")
    plan.report()
    assert h.item() == 1
    plan()
    assert h.item() == 2


def test_it_is_printed():
    h = mg.tensor(1.0, name="h")
    plan = mg.compile(mg.Tape.of(h + 1, h * h), carry={h: "add"})
    assert str(plan).splitlines()[-2:] == ["carry h = total", "return product"]


def test_a_rewritten_tape_carries_what_it_carried():
    w = mg.tensor(2.0, requires_grad=True, name="w")
    tape = tr.differentiate(mg.Tape.of(w * w * 1))
    tape = tr.simplify(tr.update(tape, mg.optim.SGD(w, lr=0.25)))
    mg.compile(tape)()
    assert w.item() == 1


@pytest.mark.parametrize(
    ("carry", "error"),
    [
        ({"hh": "add"}, ArgumentError),
        ({"h": "ad"}, ArgumentError),
        ({"h": "multiply"}, ArgumentError),
        ({"h": 1}, ArgumentError),
        (["h"], ArgumentError),
        ({"h": "add#2"}, ShapeError),
        ({"i": "add"}, DTypeError),
    ],
)
def test_what_cannot_be_carried_is_refused_in_a_line(carry, error):
    h, i = mg.tensor(1.0, name="h"), mg.tensor(1, name="i")
    tape = mg.Tape.of(h * h + 1, h + np.ones(2), i + 1)
    with pytest.raises(error) as caught:
        mg.compile(tape, carry=carry)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("state", "error"), [({"x": 1.0}, ArgumentError), ({"h": [1.0]}, ShapeError)]
)
def test_a_state_that_is_none_is_refused(state, error):
    x, h = mg.tensor(1.0, name="x"), mg.tensor(1.0, name="h")
    plan = mg.compile(mg.Tape.of(x * h), carry={h: "multiply"})
    with pytest.raises(error):
        plan.state = state
    assert plan.state == {"h": 1.0}


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------
@timers
@pytest.mark.parametrize("native", [False, pytest.param(True, marks=needs_compiler)])
@pytest.mark.usefixtures("quickly", "no_gc_callbacks")
def test_an_interrupted_call_happened_or_did_not(native):
    tape, carry = unrolled()
    plan = in_shards(tape, 2, native=native, carry=carry)
    X = np.random.default_rng(1).normal(size=(3, 32, 16))
    before = plan.state
    plan({"X": X})
    plan.state = before
    started = time.perf_counter()
    plan({"X": X})
    usual, after, draw, hits = time.perf_counter() - started, plan.state, random.Random(0), 0
    with interrupts():
        for _ in range(100):
            plan.state = before
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.random() * usual + 1e-6)
                plan({"X": X})
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                hits += 1
            state = plan.state
            assert any(all(np.array_equal(state[k], s[k]) for k in s) for s in (before, after))
    assert hits


def test_an_interruption_at_any_place():
    tape, carry = unrolled(rows=4, H=2)
    plan = mg.compile(tape, carry=carry)
    X = np.random.default_rng(1).normal(size=(3, 4, 2))
    before = plan.state
    plan({"X": X})
    after = plan.state
    last = interrupted_at(0, lambda: plan({"X": X})) - 1
    seen = set()
    for number in range(1, last):
        plan.state = before
        with pytest.raises(KeyboardInterrupt):
            interrupted_at(number, lambda: plan({"X": X}))
        state = plan.state
        seen.add(np.array_equal(state["W"], after["W"]))
        expected = after if np.array_equal(state["W"], after["W"]) else before
        for name, array in expected.items():
            np.testing.assert_array_equal(state[name], array)
    assert seen == {True, False}
    plan.state = before
    plan({"X": X})
    np.testing.assert_array_equal(plan.state["W"], after["W"])
