"""A step of training as a tape: n calls of its plan are n steps of the optimizer, and leave it as those do."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import ArgumentError, GradientError, StaleTapeError
from minigrad.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from tests.laws import in_shards, is_sharded
from tests.minigrad.compiler.native_code import cache, needs_compiler, own_cache, quickly  # noqa: F401

STEPS = 6
OPTIMIZERS = {
    "SGD": lambda p: SGD(p, 0.5),
    "momentum": lambda p: SGD(p, 0.1, momentum=0.9),
    "Nesterov": lambda p: SGD(p, 0.1, momentum=0.8, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: Adam(p, 0.1, weight_decay=0.01),
    "AdamW": lambda p: AdamW(p, 0.1),
    "RMSprop": lambda p: RMSprop(p, 0.01),
    "RMSprop with momentum": lambda p: RMSprop(p, 0.01, momentum=0.5),
    "Adagrad": lambda p: Adagrad(p, 0.1, weight_decay=0.1),
    "groups": lambda p: Adam(
        [{"params": p[0], "lr": 0.02}, {"params": p[1:], "betas": (0.5, 0.6)}]
    ),
}
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
CUTS = {
    "plain": lambda tape: tape,
    "truncated": lambda tape: tr.truncate(tape, every=2),
}


def network(dtype=np.float64, rows=2, H=4, cut=lambda tape: tape):
    """Parameters, and a tape of (loss, *gradients), clipped."""
    rng = np.random.default_rng(0)
    shapes = {"U": (3, H), "W": (H, H), "b": (H,)}
    p = {k: dtype(rng.normal(size=s)) / 2 for k, s in shapes.items()}
    p = {k: mg.tensor(a, requires_grad=True, name=k) for k, a in p.items()}
    X = mg.tensor(dtype(rng.normal(size=(5, rows, 3))), name="X")
    h = mg.tensor(np.zeros((rows, H), dtype))
    for t in range(5):
        with mg.timestep(t):
            h = np.tanh(X[t] @ p["U"] + h @ p["W"] + p["b"]).named(f"h_{t}")
    tape = cut(mg.Tape.of(np.mean(np.square(h - 1))))
    return list(p.values()), tr.clip(tr.differentiate(tape, p.values()), 0.5)


def batches(dtype, rows=2):
    rng = np.random.default_rng(1)
    return [dtype(rng.normal(size=(5, rows, 3))) for _ in range(STEPS)]


def trained_alike(make, dtype, tolerance, compiled=mg.compile, cut=CUTS["plain"], rows=2):
    """By a plan of the whole step, and by a plan of the gradients and the optimizer."""
    mine, tape = network(dtype, rows, cut=cut)
    theirs, other = network(dtype, rows, cut=cut)
    a, b = make(mine), make(theirs)
    step, gradients = compiled(tr.update(tape, a)), compiled(other)
    for k, X in enumerate(batches(dtype, rows)):
        if k == 2:
            a.lr = b.lr = 0.03
        (loss,) = step({"X": X})
        expected, *grads = gradients({"X": X})
        b.step(grads)
        np.testing.assert_allclose(loss, expected, rtol=tolerance)
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=tolerance, atol=tolerance)
    assert_states_alike(a.state(), b.state(), tolerance)
    return step


def assert_states_alike(state, other, tolerance=0.0):
    assert state.keys() == other.keys()
    for name, array in state.items():
        assert array.dtype == other[name].dtype
        np.testing.assert_allclose(array, other[name], rtol=tolerance, atol=tolerance)


def tolerance_of(dtype):
    # a plan multiplies several numbers in another order, native code rounds products and sums once
    return {np.float32: 3e-4, np.float64: 1e-11}[dtype]


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@every_dtype
@every_optimizer
def test_calls_are_steps(make, dtype, cut):
    trained_alike(make, dtype, tolerance_of(dtype) / 100, cut=cut)


@every_dtype
@every_optimizer
def test_replaying_is_a_step_to_the_last_bit(make, dtype):
    mine, tape = network(dtype)
    theirs, other = network(dtype)
    a, b = make(mine), make(theirs)
    tape = tr.update(tape, a)
    for X in batches(dtype):
        loss, *after = tape.replay({"X": X})
        expected, *grads = other.replay({"X": X})
        b.step(grads)
        for (leaf, _), value in zip(tape.carried, after, strict=True):
            leaf.assign(value)
        assert loss == expected
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert_states_alike(a.state(), b.state())


@needs_compiler
@every_optimizer
@pytest.mark.usefixtures("quickly")
def test_calls_of_native_code_are_steps(make):
    def compiled(tape):
        return mg.compile(tape, backend="native")

    step = trained_alike(make, np.float32, tolerance_of(np.float32), compiled)
    # all of it, in one piece
    assert "plan: 1 calls" in str(step)


@pytest.mark.parametrize("native", [False, pytest.param(True, marks=needs_compiler)])
@pytest.mark.usefixtures("quickly")
def test_calls_in_shards_are_steps(native):
    def compiled(tape):
        return in_shards(tape, 2, native=native)

    step = trained_alike(OPTIMIZERS["Adam"], np.float64, 1e-9, compiled, rows=32)
    assert is_sharded(step)


# --- the optimizer and the plan share what is remembered --------------------------------------------------------------
@every_optimizer
def test_steps_by_hand_and_by_a_plan_take_turns(make):
    mine, tape = network()
    theirs, other = network()
    a, b = make(mine), make(theirs)
    step, gradients, of_mine = mg.compile(tr.update(tape, a)), mg.compile(other), mg.compile(tape)
    saved = None
    for k, X in enumerate(batches(np.float64) * 2):
        _, *grads = gradients({"X": X})
        b.step(grads)
        if k % 3:
            step({"X": X})
        else:
            _, *grads = of_mine({"X": X})
            a.step(grads)
        if k == 4:
            saved = a.state(), [p.numpy() for p in mine]
            assert_states_alike(saved[0], b.state(), 1e-12)
            kept = copy.deepcopy(saved[0])
    assert_states_alike(a.state(), b.state(), 1e-12)
    # a state is a copy, and what is restored the plan goes on from
    assert_states_alike(saved[0], kept)
    a.restore(saved[0])
    for p, array in zip(mine, saved[1], strict=True):
        p.assign(array)
    for X in (batches(np.float64) * 2)[5:]:
        step({"X": X})
    assert_states_alike(a.state(), b.state(), 1e-12)
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-11)


def test_two_tapes_of_one_optimizer():
    (p,), tapes = [mg.tensor(4.0, requires_grad=True, name="p")], []
    optimizer = Adam(p, 0.5)
    for loss in (p * p, abs(p)):
        tapes.append(tr.update(tr.differentiate(mg.Tape.of(loss)), optimizer))
    for plan in map(mg.compile, tapes * 2):
        plan()
    assert optimizer.state()["Adam.0.step"] == 4


def test_an_optimizer_on_a_tape_is_pickled():
    params, tape = network()
    optimizer = Adam(params, 0.1)
    mg.compile(tr.update(tape, optimizer))()
    again = pickle.loads(pickle.dumps(optimizer))
    assert_states_alike(again.state(), optimizer.state())


def test_the_rate_may_be_fed():
    w = mg.tensor(1.0, requires_grad=True, name="w")
    step = mg.compile(tr.update(tr.differentiate(mg.Tape.of(w * w)), SGD(w, 0.1)))
    step({"lr": 0.25})
    assert w.item() == 0.5
    step()
    assert w.item() == pytest.approx(0.4)


def test_the_update_of_the_update_has_a_gradient():
    """One step of learning how large the first weights are to be."""
    w = mg.tensor(2.0, requires_grad=True, name="w")
    tape = tr.update(tr.differentiate(mg.Tape.of(w * w / 2)), SGD(w, 0.25))
    (gradient,) = mg.grad(tape.outputs[1] ** 2, [w])
    assert gradient.item() == 2 * 0.75 * 0.75 * 2


# --- what is refused --------------------------------------------------------------------------------------------------
def refused(error, words, call, *args):
    with pytest.raises(error) as caught:
        call(*args)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_no_step_is_refused():
    params, tape = network()
    refused(GradientError, "without gradients", tr.update, mg.Tape.of(params[0]), SGD(params, 1.0))
    refused(ArgumentError, "expected one of minigrad.optim", tr.update, tape, 0.1)
    refused(ArgumentError, "the optimizer has 'U'", tr.update, tape, SGD(params[:1], 1.0))
    updated = tr.update(tape, SGD(params, 1.0))
    refused(GradientError, "Clip first, update last", tr.clip, updated, 1.0)
    refused(GradientError, "Truncate", tr.truncate, updated, 2)


def test_an_option_that_is_on_the_tape_may_not_change():
    params, tape = network()
    optimizer = SGD(params, 0.1, momentum=0.9)
    tape = tr.update(tape, optimizer)
    step = mg.compile(tape)
    step()
    optimizer.groups[0]["momentum"] = 0.5
    refused(StaleTapeError, "momentum became 0.5", step)
    refused(StaleTapeError, "momentum became 0.5", tape.replay)
    optimizer.groups[0] |= {"momentum": 0.9, "lr": -1}
    refused(ArgumentError, "lr: -1", step)
    optimizer.lr = 0.2
    step()


def test_parameters_that_are_updated_apart():
    params, tape = network()
    optimizer = Adam(params, 0.1)
    step = mg.compile(tr.update(tape, optimizer))
    step()
    optimizer.step([np.ones_like(params[0].data), None, None])
    refused(StaleTapeError, "updates", step)
    mg.compile(tr.update(tape, optimizer))()
    counts = [optimizer.state()[f"Adam.{i}.step"] for i in range(3)]
    assert counts == [3, 2, 2]
