"""Programs and feeds that were once compiled wrong, each as small as it could be made."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import ArgumentError, GradientError, ShapeError
from tests.programs import CELLS, agrees, close, in_shards, is_sharded, shared_by_shards, unrolled

RNG = np.random.default_rng(0)


# --- shards ---------------------------------------------------------------------------------------------------------
def outputs_of_a_loop(rows=5, last=lambda h: h * 2):
    W, V = (
        mg.tensor(RNG.normal(size=(4, n)) / 2, requires_grad=True, name=k)
        for k, n in (("W", 4), ("V", 3))
    )
    X, h, outs = (
        mg.tensor(RNG.normal(size=(4, rows, 4)), name="X"),
        mg.tensor(np.zeros((rows, 4)), name="h0"),
        [],
    )
    for t in range(4):
        with mg.timestep(t):
            h = np.tanh(X[t] + h @ W)
            outs.append(h @ V)
    return mg.Tape.of(np.mean(np.stack(outs) ** 2), last(h))


@pytest.mark.parametrize("count", [2, 3])
def test_no_two_shards_write_one_piece_of_memory(count):
    tapes = [outputs_of_a_loop(), outputs_of_a_loop(last=lambda h: h.T + 1)]
    for tape in [
        *tapes,
        *[tr.clip(tr.differentiate(mg.Tape.of(unrolled(c, layers=2)[0])), 0.1) for c in CELLS],
    ]:
        plan = in_shards(tape, count)
        assert is_sharded(plan)
        assert not shared_by_shards(plan)
        close(plan(), tape.replay())


def test_an_input_that_is_also_an_output_is_read_in_shards():
    h0, W = (
        mg.tensor(np.ones((6, 4)), name="h0"),
        mg.tensor(np.eye(4), requires_grad=True, name="W"),
    )
    with mg.timestep(1):
        h = np.tanh(h0 @ W)
    agrees(mg.Tape.of(np.sum(h), h0), {"h0": np.zeros((6, 4))}, sharded=True)


@pytest.mark.parametrize(
    "of_a_sum",
    [
        lambda s: s.astype(int),
        lambda s: s.astype(int) * 1.5,
        lambda s: s.astype(bool),
        lambda s: s.T + s,
        lambda s: s.astype(np.float32) * 2,
        lambda s: np.sum(s) + np.sum(s > 2),
        lambda s: np.multiply(s, s),
    ],
)
def test_what_is_made_of_a_sum_over_the_examples_is_made_of_the_whole_one(of_a_sum):
    W, X = (
        mg.tensor(np.eye(4) / 3, requires_grad=True, name="W"),
        mg.tensor(RNG.normal(size=(3, 5, 4)), name="X"),
    )
    h = mg.tensor(np.zeros((5, 4)))
    for t in range(3):
        with mg.timestep(t):
            h = np.tanh(X[t] + h @ W) + 1
    for s in (np.sum(h), h.T @ h, (h > 1).T @ (h > 1)):
        tape = mg.Tape.of(of_a_sum(s))
        agrees(tape, dtype=tape.outputs[0].dtype, sharded=True)


# --- feeds ----------------------------------------------------------------------------------------------------------
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


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint64])
@pytest.mark.parametrize("rows", [40, 1000])
def test_labels_of_any_whole_dtype(dtype, rows):
    x = mg.tensor(RNG.normal(size=(rows, 5)), requires_grad=True, name="x")
    y = mg.tensor(RNG.integers(0, 5, rows), name="y", dtype=dtype)
    agrees(tr.differentiate(mg.Tape.of(mg.cross_entropy(x * 2, y))))


def test_a_narrow_negative_label_is_none():
    x, y = mg.tensor(np.zeros((2, 300)), name="x"), mg.tensor([0, 1], name="y", dtype=np.int8)
    plan = mg.compile(mg.Tape.of(mg.cross_entropy(x * 2, y)))
    with pytest.raises(ArgumentError, match=r"-1; expected 0\.\.299"):
        plan({"y": np.array([0, -1], np.int8)})


def test_joined_in_one_row():
    a = mg.tensor(np.arange(4.0).reshape(2, 2), name="a")
    for joined in (np.concatenate([a, a.T], axis=None), np.append(a, a.T)):
        agrees(mg.Tape.of(joined), {"a": np.zeros((2, 2))})


def test_a_mask_that_chooses_another_number_is_refused():
    x, m = (
        mg.tensor(np.arange(4.0), name="x"),
        mg.tensor([True, False, True, True], name="m", dtype=bool),
    )
    with pytest.raises((GradientError, ShapeError), match=r"Record|was read"):
        mg.compile(mg.Tape.of(x[m]))({"m": np.array([False, True, False, False])})


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


# --- programs -------------------------------------------------------------------------------------------------------
def test_products_of_vectors_in_a_step():
    a = mg.tensor([1.0, 2.0], name="a", requires_grad=True)
    with mg.timestep(1):
        d = a @ a + (a * 2) @ a
    agrees(tr.differentiate(mg.Tape.of(d)), {"a": np.array([3.0, 1.0])})


@pytest.mark.parametrize("times", [2, 3, 5])
def test_one_term_added_again_and_again(times):
    w = mg.tensor(RNG.normal(size=(3, 3)), name="w")
    agrees(mg.Tape.of(np.sum(w * sum([w] * times))), {"w": np.ones((3, 3))})


@pytest.mark.parametrize("sign", [1, -1])
def test_a_loop_whose_stamps_run_backwards(sign):
    b, c, h = mg.tensor(0.1, name="b"), mg.tensor(0.2, name="c"), mg.tensor(np.ones(3), name="h0")
    for t in range(3):
        with mg.timestep(sign * t):
            h = np.tanh(b + h + np.sin(h) + c) * 1 + b * c
    agrees(mg.Tape.of(h), {"b": np.array(0.3), "h0": np.zeros(3)})


@pytest.mark.parametrize(("rows", "width"), [(2, 0), (0, 3)])
def test_nothing_at_all(rows, width):
    W, h = (
        mg.tensor(np.zeros((width, width)), requires_grad=True, name="W"),
        mg.tensor(np.zeros((rows, width))),
    )
    X = mg.tensor(np.zeros((3, rows, width)), name="X")
    for t in range(3):
        with mg.timestep(t):
            h = np.tanh(X[t] @ W + h)
    agrees(tr.differentiate(mg.Tape.of(np.sum(h))))


@pytest.mark.parametrize("dtype", [int, bool, np.float32, np.uint8])
def test_casts_of_every_kind(dtype):
    x = mg.tensor([0.5, 2.5, 200.0], name="x")
    agrees(mg.Tape.of(x.astype(dtype) * 2), {"x": np.array([1.5, 0.0, 3.0])}, dtype=np.float64)


# --- looks ----------------------------------------------------------------------------------------------------------
def test_clipping_by_hand_is_a_look_at_a_gradient():
    loss, g = tr.differentiate(mg.Tape.of(unrolled(CELLS[0])[0])).outputs[:2]
    n = np.sqrt(np.sum(g * g))
    if n > 0.001:
        g = g / n
    for outputs in ((loss, g), (g, loss)):
        with pytest.raises(GradientError, match="was read while"):
            mg.compile(mg.Tape.of(*outputs))


def test_a_look_for_another_tape_is_fine():
    w, x = mg.tensor(3.0, requires_grad=True, name="w"), mg.tensor(2.0, name="x")
    assert float(w * x) == 6
    agrees(tr.differentiate(mg.Tape.of(w * x * w)), {"x": 5.0})


# --- random cuts ----------------------------------------------------------------------------------------------------
def test_truncations_within_truncations_are_drawn_each_by_itself():
    w, h = mg.tensor(0.9, requires_grad=True, name="w"), mg.tensor(1.0, name="x0")
    for t in range(4):
        with mg.timestep(t):
            h = w * h
    tape = mg.Tape.of(h)
    plan = mg.compile(
        tr.differentiate(tr.truncate_randomly(tr.truncate_randomly(tape, 0.5, 3), 0.7, 4))
    )
    rng, n, total = np.random.default_rng(0), 4000, np.zeros(2)
    for _ in range(n):
        plan.resample(rng)
        g = float(plan()[1])
        total += g, g * g
    mean, spread = total[0] / n, np.sqrt(total[1] / n / n)
    assert abs(mean - 4 * 0.9**3) < 4 * spread
