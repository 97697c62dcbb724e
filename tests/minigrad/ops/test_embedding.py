"""Look-ups in a table: beside products with one-hot rows, np.add.at, and complex steps."""

import contextlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.ops.rows import row_sums
from tests.laws import examples

INTEGERS = st.sampled_from([np.int64, np.int32, np.uint8, np.uint64, np.int8])


@st.composite
def look_ups(draw):
    """Indices of any shape, also of no axes and no elements, and a table that has them."""
    rows, width = draw(st.integers(1, 5)), draw(st.integers(0, 4))
    shape = draw(st.just(()) | array_shapes(max_dims=3, min_side=0, max_side=4))
    indices = draw(arrays(draw(INTEGERS), shape, elements=st.integers(0, rows - 1)))
    seed = draw(st.integers(0, 99))
    return indices, np.random.default_rng(seed).normal(size=(rows, width))


def of_table(indices, weight, g):
    """The gradient that numpy.add.at and a product with one-hot rows make of g."""
    added = np.zeros_like(weight)
    np.add.at(added, indices, g)
    hot = (indices.reshape(-1, 1) == np.arange(len(weight))).astype(weight.dtype)
    np.testing.assert_allclose(hot.T @ g.reshape(indices.size, weight.shape[1]), added, atol=1e-12)
    return added


def factors(x):
    return np.cos(np.arange(x.size)).reshape(x.shape)


@examples(60)
@given(look_ups())
def test_a_look_up_is_a_product_with_one_hot_rows(drawn):
    indices, table = drawn
    W = mg.tensor(table, requires_grad=True)
    rows = mg.embedding(indices, W)
    np.testing.assert_array_equal(rows.data, table[indices])
    np.testing.assert_array_equal(mg.embedding(indices, table), table[indices])
    np.testing.assert_array_equal(rows.data, mg.one_hot(indices, len(table)) @ table)

    g = factors(rows)
    (found,) = mg.grad(np.sum(rows * g), [W])
    np.testing.assert_allclose(found.data, of_table(indices, table, g), atol=1e-12)


@examples(30)
@given(look_ups())
def test_differentiated_twice_it_is_a_look_up_in_the_direction(drawn):
    """Of sum(W[i]^3) / 3 along V: the Hessian applied to V adds 2 W[i] V[i] up at i."""
    indices, table = drawn
    direction = factors(table)
    W = mg.tensor(table, requires_grad=True)
    rows = mg.embedding(indices, W)
    (first,) = mg.grad(np.sum(rows * rows * rows) / 3, [W], create_graph=True)
    (second,) = mg.grad(np.sum(first * direction), [W])
    expected = of_table(indices, table, 2 * table[indices] * direction[indices])
    np.testing.assert_allclose(second.data, expected, atol=1e-12)


@examples(30)
@given(look_ups())
def test_a_complex_step_passes_through(drawn):
    indices, table = drawn
    direction = factors(table)
    step = mg.embedding(indices, table + 1e-30j * direction)
    np.testing.assert_allclose(step.imag / 1e-30, direction[indices], rtol=1e-15, atol=0)


WAYS = {
    "row by row": (np.inf, 0),
    "number by number": (np.inf, np.inf),
    "sorted": (0, np.inf),
}


@pytest.mark.parametrize("way", WAYS)
@examples(40)
@given(drawn=look_ups(), negative=st.booleans(), integers=st.booleans())
def test_every_way_to_add_rows_up_is_add_at(way, drawn, negative, integers):
    indices, table = drawn
    if negative and indices.dtype.kind == "i":
        indices = indices - len(table)
    g = factors(np.empty((*indices.shape, table.shape[1])))
    if integers:
        table, g = (table * 9).astype(int), (g * 9).astype(int)
    expected = table.copy()
    np.add.at(expected, indices, g)
    with pytest.MonkeyPatch.context() as patch:
        numbers, width = WAYS[way]
        patch.setattr(row_sums, "MIN_NUMBERS_TO_SORT", numbers)
        patch.setattr(row_sums, "MIN_WIDTH_FOR_CALLS", width)
        row_sums.add_rows(table, indices, g)
    np.testing.assert_allclose(table, expected, atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_finite_stays_in_its_row(way, monkeypatch):
    numbers, width = WAYS[way]
    monkeypatch.setattr(row_sums, "MIN_NUMBERS_TO_SORT", numbers)
    monkeypatch.setattr(row_sums, "MIN_WIDTH_FOR_CALLS", width)
    W = mg.tensor(np.ones((3, 2)), requires_grad=True)
    rows = mg.embedding([0, 2], W)
    (found,) = mg.grad(np.sum(rows * [[np.inf], [1.0]]), [W])
    assert found.data.tolist() == [[np.inf] * 2, [0.0] * 2, [1.0] * 2]


def test_many_uses_of_a_large_table_make_one_gradient():
    """Forty look-ups in 50,257 rows: a table for each would be forty times as large."""
    W = mg.tensor(np.zeros((50_257, 4)), requires_grad=True)
    tracemalloc.start()
    try:
        loss = sum(np.sum(mg.embedding([t, 50_256], W)) for t in range(40))
        loss.backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert W.grad[50_256].tolist() == [40.0] * 4
    assert peak < 3 * W.data.nbytes


# --- plans ----------------------------------------------------------------------------------------
def record(tokens, W, U, look_up):
    """The loss of a small recurrent network that reads tokens (T, B)."""
    X = mg.tensor(tokens, name="X")
    h = mg.tensor(np.zeros((tokens.shape[1], len(U))))
    for t in range(len(tokens)):
        with mg.timestep(t + 1):
            h = np.tanh(look_up(X, t, W) + h @ U)
    return np.sum(h * factors(h))


def one_hot_of_all(X, t, W):
    return mg.one_hot(X, len(W))[t] @ W


def one_hot_of_each(X, t, W):
    return mg.one_hot(X[t], len(W)) @ W


def flattened(X, t, W):
    hot = mg.one_hot(X, len(W))
    return hot.reshape(-1, len(W))[t * X.shape[1] : (t + 1) * X.shape[1]] @ W


LOOK_UPS = {
    "embedding": lambda X, t, W: mg.embedding(X[t], W),
    "one_hot of all": one_hot_of_all,
    "one_hot of each": one_hot_of_each,
    "flattened": flattened,
    "tied": lambda X, t, W: mg.embedding(X[t], W) + np.tanh(one_hot_of_each(X, t, W)),
}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("look_up", LOOK_UPS)
def test_a_plan_looks_up_and_gives_what_a_replay_gives(look_up, batch):
    rng = np.random.default_rng(0)
    W = mg.tensor(rng.normal(size=(7, 4)), requires_grad=True, name="W")
    U = mg.tensor(rng.normal(size=(4, 4)), requires_grad=True, name="U")
    tokens = rng.integers(0, 7, (5, batch))
    tape = mg.Tape.of(record(tokens, W, U, LOOK_UPS[look_up]))
    (g,) = mg.grad(tape.outputs[0], [W], create_graph=True)
    slope = mg.Tape.of(np.sum(g * factors(g)))
    cut = tr.truncate(tape, every=2)
    for program in (*(tr.differentiate(t, [W, U]) for t in (tape, cut, slope)), tape):
        plan = mg.compile(program)
        assert "one_hot(" not in str(plan)
        for feed in (tokens, rng.integers(0, 7, tokens.shape)):
            replayed = program.replay({"X": feed})
            for found, expected in zip(plan({"X": feed}), replayed, strict=True):
                np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("stamped", [True, False])
def test_a_plan_makes_one_table_of_all_uses(stamped):
    """Of a large vocabulary, whether its uses lie in time steps or not."""
    W = mg.tensor(np.ones((50_257, 2)), requires_grad=True, name="W")
    X = mg.tensor(np.arange(60).reshape(20, 3), name="X")
    loss = mg.tensor(0.0)
    for t in range(20):
        with mg.timestep(t + 1) if stamped else contextlib.nullcontext():
            rows = mg.embedding(X[t], W)
            loss = loss + np.sum(rows * rows)
    plan = mg.compile(tr.differentiate(mg.Tape.of(loss), [W]))
    assert plan.nbytes < 2 * W.data.nbytes
    np.testing.assert_array_equal(plan()[1][:61].sum(axis=1), [4.0] * 60 + [0.0])


def test_the_forward_of_a_recognized_product_is_equal_in_all_bits():
    rng = np.random.default_rng(0)
    W = mg.tensor(rng.normal(size=(9, 5)).astype(np.float32), requires_grad=True, name="W")
    X = mg.tensor(rng.integers(0, 9, (4, 3)), name="X")
    tape = mg.Tape.of(mg.one_hot(X, 9, np.float32) @ W)
    np.testing.assert_array_equal(mg.compile(tape)()[0], tape.replay()[0])


def test_one_hot_rows_of_the_users_own_stay_a_product():
    """They are an input like any other: a plan may be fed rows that are not one-hot."""
    rng = np.random.default_rng(0)
    W = mg.tensor(rng.normal(size=(5, 2)), requires_grad=True, name="W")
    tape = mg.Tape.of(mg.tensor(np.eye(5)[[1, 4]], name="x") @ W)
    plan, x = mg.compile(tape), rng.normal(size=(2, 5))
    np.testing.assert_allclose(plan({"x": x})[0], x @ W.data)


def test_a_plan_refuses_what_is_no_row():
    W = mg.tensor(np.ones((5, 2)), requires_grad=True, name="W")
    X = mg.tensor(np.array([0, 1]), name="X")
    rows = mg.embedding(X, W)
    for tape in (mg.Tape.of(rows), tr.differentiate(mg.Tape.of(np.sum(rows)), [W])):
        for wrong in (-1, 5):
            message = f"embedding: indices: {wrong}; expected 0..4"
            with pytest.raises(ArgumentError, match=message):
                mg.compile(tape)({"X": [1, wrong]})


MISUSES = [
    ([0, 3], np.ones((3, 2)), ArgumentError, "embedding: indices: 3; expected 0..2."),
    ([[-1]], np.ones((3, 2)), ArgumentError, "embedding: indices: -1; expected 0..2."),
    ([0.0], np.ones((3, 2)), DTypeError, "embedding: indices: float64; expected integers."),
    ([True], np.ones((3, 2)), DTypeError, "embedding: indices: bool; expected integers."),
    ([0], np.ones(3), ShapeError, r"embedding: weight: \(3,\); expected \(V, d\)."),
]


@pytest.mark.parametrize(("indices", "weight", "error", "message"), MISUSES)
def test_misuse_is_named(indices, weight, error, message):
    for table in (weight, mg.tensor(weight, requires_grad=True)):
        with pytest.raises(error, match=message):
            mg.embedding(indices, table)
