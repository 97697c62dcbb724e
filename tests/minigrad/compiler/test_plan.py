"""A plan at work: what it is fed, what it gives out, threads that call it, what it says of itself."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import (
    ArgumentError,
    DTypeError,
    ShapeError,
    StaleTapeError,
    UnsupportedError,
)
from minigrad.models.cells import RNNCell
from tests.laws import close
from tests.zoo import stacked

RNG = np.random.default_rng(0)


@pytest.fixture
def small():
    w, x = mg.tensor([[2.0, 1.0]], requires_grad=True, name="w"), mg.tensor([[1.0, 3.0]], name="x")
    tape = tr.differentiate(mg.Tape.of(np.sum(w * x * 3)))
    return w, x, mg.compile(tape)


def test_leaves_by_tensor_and_by_name(small):
    w, x, plan = small
    assert plan.inputs == ("w", "x")
    assert plan()[0] == 15
    assert plan({x: [[1.0, 1.0]]})[0] == 9
    assert plan({"x": mg.tensor([[0.0, 1.0]]), w: np.array([[1, 1]])})[0] == 3
    assert plan()[0] == 15


def test_assigned_parameters_are_seen(small):
    w, _, plan = small
    plan()
    w.assign([[0.0, 1.0]])
    assert plan()[0] == 9
    mg.optim.SGD(w, lr=1.0).step(plan()[1:])
    assert plan()[0] == 9 - 3 * (3 + 27)


@pytest.mark.parametrize(
    ("feeds", "error", "text"),
    [
        ({"z": 1}, ArgumentError, r"plan: 'z' is no input; its inputs are w, x\. Name a leaf"),
        ({"x": np.ones(3)}, ShapeError, r"plan: 'x' is \(3,\); expected \(1, 2\)"),
        ({"x": np.ones((1, 2), complex)}, DTypeError, r"plan: 'x' is complex128; expected float64"),
        ({3: np.ones(3)}, ArgumentError, r"plan: '3' is no input"),
    ],
)
def test_feeds_are_checked(small, feeds, error, text):
    with pytest.raises(error, match=text):
        small[2](feeds)


def test_unnamed_leaves_are_constants():
    k, x = mg.tensor([2.0, 3.0]), mg.tensor([1.0, 1.0], name="x")
    plan = mg.compile(mg.Tape.of(np.sum(k * x)))
    with pytest.raises(ArgumentError, match="Name a leaf to make it an input"):
        plan({k: np.ones(2)})
    k.assign([0.0, 0.0])
    with pytest.raises(StaleTapeError, match="Give it a name"):
        plan()


def test_large_inputs_are_read_where_they_lie():
    rng = np.random.default_rng(0)
    X = mg.tensor(rng.normal(size=(40, 20, 30)), name="X")
    w = mg.tensor(rng.normal(size=(30, 30)), requires_grad=True, name="w")
    h = mg.tensor(np.zeros((20, 30)))
    for t in range(40):
        with mg.timestep(t):
            h = np.tanh(X[t] @ w + h)
    tape = tr.differentiate(mg.Tape.of(np.sum(h)))
    plan = mg.compile(tape)
    other = rng.normal(size=(20, 30, 40))
    for value in (
        other.T.copy(),
        other.transpose(2, 0, 1),
        X.data,
        other.transpose(2, 0, 1).astype(np.float32),
    ):
        fed = value if value.shape == X.shape else np.swapaxes(value, 1, 2)
        close(plan({X: fed}), tape.replay({X: fed}))
        read = [a for _, args in plan._inputs._calls for a in args if isinstance(a, np.ndarray)]
        where_it_lies = fed.flags.c_contiguous and fed.dtype == X.dtype
        assert any(np.shares_memory(a, fed) for a in read) == where_it_lies
    close(plan(), tape.replay())


def test_parameters_are_read_where_they_live():
    loss, _ = stacked(RNNCell)
    tape = tr.differentiate(mg.Tape.of(loss))
    plan = mg.compile(tape)
    optimizer = mg.optim.SGD(tape.wrt, lr=0.1)
    read = [a for _, args in plan._inputs._calls for a in args if isinstance(a, np.ndarray)]
    assert all(any(np.shares_memory(a, w.data) for a in read) for w in tape.wrt)
    for _ in range(3):
        found = plan()
        close(found, tape.replay())
        optimizer.step(found[1:])
    close(
        plan({tape.wrt[0]: np.zeros(tape.wrt[0].shape)}),
        tape.replay({tape.wrt[0]: np.zeros(tape.wrt[0].shape)}),
    )
    close(plan(), tape.replay())  # what is given once leaves the parameter alone


@pytest.mark.parametrize("rows", [2, 1000])
def test_the_last_state_may_be_the_next_first_one(rows):
    rng = np.random.default_rng(0)
    X, W = (
        mg.tensor(rng.normal(size=(4, rows, 9)), name="X"),
        mg.tensor(rng.normal(size=(9, 9)) / 3, name="W"),
    )
    first = h = mg.tensor(np.zeros((rows, 9)), name="h_0")
    loss = 0
    for t in range(4):
        with mg.timestep(t):
            h = np.tanh(X[t] + h @ W)
            loss = loss + np.sum(h)
    tape = mg.Tape.of(loss + np.sum(first), h)
    plan, state, expected = mg.compile(tape), first.data, first.data
    for _ in range(3):
        found, state = plan({first: state}, missing="recorded")
        loss, expected = tape.replay({first: expected}, missing="recorded")
        close((found, state), (loss, expected))


def test_labels_that_are_none_are_refused():
    x, y = mg.tensor(np.ones((2, 3)), name="x"), mg.tensor([0, 1], name="y", dtype=int)
    plan = mg.compile(mg.Tape.of(mg.cross_entropy(x, y)))
    with pytest.raises(ArgumentError, match=r"cross_entropy: targets: 3; expected 0\.\.2"):
        plan({x: x.data, y: np.array([0, 3])})


def test_plans_are_not_pickled_or_copied(small):
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(UnsupportedError, match="record and compile again"):
            way(small[2])


def test_a_plan_is_freed_with_its_last_reference():
    loss, _ = stacked(RNNCell)
    plan = mg.compile(tr.differentiate(mg.Tape.of(loss)))
    plan()
    seen = weakref.ref(plan)
    gc.disable()
    try:
        del plan
        assert seen() is None
    finally:
        gc.enable()


def test_threads_take_turns():
    loss, feeds = stacked(RNNCell)
    plan, right = mg.compile(tr.differentiate(mg.Tape.of(loss))), []
    feeds = [feeds | {"X": feeds["X"] * k} for k in range(4)]
    expected = [plan(f, copy=True) for f in feeds]

    def work(k):
        right.extend(
            all(
                np.array_equal(a, b)
                for a, b in zip(plan(feeds[k], copy=True), expected[k], strict=True)
            )
            for _ in range(50)
        )

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert right == [True] * 200


def test_only_tapes_compile():
    with pytest.raises(ArgumentError, match="expected a Tape"):
        mg.compile(mg.tensor(1.0))


# --- feeds that were once taken wrong -------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1,), (2,), (100, 100)])
def test_outputs_fed_back_do_not_destroy_one_another(shape):
    s, r = mg.tensor(np.ones(shape), name="s"), mg.tensor(np.full(shape, 2.0), name="r")
    tape = mg.Tape.of(0.5 * s + 0.25 * r, s, r)
    plan, found, expected = mg.compile(tape), mg.compile(tape)(), tape.replay()
    found = plan()
    for order in ((0, 1), (2, 1), (1, 0)):
        i, j = order
        found, expected = (
            plan({"s": found[i], "r": found[j]}),
            tape.replay({"s": expected[i], "r": expected[j]}),
        )
        close(found, expected)


def test_a_narrow_negative_label_is_none():
    x, y = mg.tensor(np.zeros((2, 300)), name="x"), mg.tensor([0, 1], name="y", dtype=np.int8)
    plan = mg.compile(mg.Tape.of(mg.cross_entropy(x * 2, y)))
    with pytest.raises(ArgumentError, match=r"-1; expected 0\.\.299"):
        plan({"x": x.data, "y": np.array([0, -1], np.int8)})


@pytest.mark.parametrize(
    ("feeds", "text"),
    [
        ([1, 2], "plan: a list; expected {leaf or name: array, ...}"),
        (5, "plan: a int; expected {leaf"),
        (np.ones(2), "plan: a ndarray; expected"),
        ({"x": [[1], [1, 2]]}, "'x' is no array; expected (2,)"),
    ],
)
def test_feeds_of_other_kinds(feeds, text):
    plan = mg.compile(mg.Tape.of(mg.tensor([1.0, 2.0], name="x") * 2))
    with pytest.raises((ArgumentError, ShapeError)) as caught:
        plan(feeds)
    assert text in str(caught.value)


def test_values_that_the_program_cannot_take_are_one_line():
    E, i = (
        mg.tensor(np.ones((3, 2)), requires_grad=True, name="E"),
        mg.tensor([0, 1], name="i", dtype=int),
    )
    A = mg.tensor(np.eye(2), name="A")
    with pytest.raises(ArgumentError, match="plan: index 9 is out of bounds"):
        mg.compile(mg.Tape.of(E[i] * 1))({"i": np.array([0, 9])})
    with pytest.raises(ArgumentError, match="plan: Singular matrix"):
        mg.compile(mg.Tape.of(np.linalg.inv(A)))({"A": np.zeros((2, 2))})


# --- what it makes of the loop --------------------------------------------------------------------


def test_the_tanh_rnn_has_three_calls_per_step_each_way():
    """Everything else is as many calls for 14 steps as for 9."""
    counts = [
        len(mg.compile(tr.differentiate(mg.Tape.of(stacked(RNNCell, T)[0])))._inputs.run)
        for T in (9, 14)
    ]
    assert counts[1] - counts[0] == 5 * (3 + 3)


def test_the_listing_names_each_family_once():
    text = str(mg.compile(tr.differentiate(mg.Tape.of(stacked(RNNCell)[0]))))
    assert text.count("for t in 1..5:") == text.count("for t in 5..1:") == 1
    assert text.count("tanh = ") == 1
    assert "matmul = matmul(X[t], W_xh)    # float64[3, 5] x 5" in text
    assert "5 steps at once" in text
    assert "sum over t of matmul(transpose(tanh[t-1])" in text
