"""Which batches are split into shards, and that a plan in shards gives the same."""

import threading
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import (
    ArgumentError,
)
from minigrad.models.cells import RNNCell
from tests.laws import agrees, close, in_shards, is_sharded, shared_by_shards
from tests.zoo import CELLS, TRANSFORMS, B, H, V, stacked

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "transform", ["forward", "full", "every", "window", "randomized", "clip", "untie", "simplify"]
)
@pytest.mark.parametrize("cell", CELLS)
def test_the_batch_of_a_recurrent_model_is_split(cell, transform):
    tape = TRANSFORMS[transform](mg.Tape.of(stacked(cell, layers=2)[0]))
    assert f"2 shards of the {B} examples" in str(in_shards(tape, 2))
    assert f"3 shards of the {B} examples" in str(in_shards(tape, 8))  # one example each


def states_out(T=4, rows=6):
    rng = np.random.default_rng(0)
    X, W = (
        mg.tensor(rng.normal(size=(T, rows, H)), name="X"),
        mg.tensor(np.eye(H) / 2, requires_grad=True, name="W"),
    )
    h = mg.tensor(rng.normal(size=(rows, H)), name="h_0")
    for t in range(T):
        with mg.timestep(t):
            h = np.tanh(X[t] + h @ W)
    return h, X, W


def test_a_state_that_comes_out_of_the_shards_is_whole():
    h, X, _ = states_out()
    tape = mg.Tape.of(np.sum(h * h), h, h.T)
    agrees(tape, {"X": np.ones(X.shape), "h_0": np.ones(h.shape)}, sharded=True)


@pytest.mark.parametrize(
    "joins",
    [
        lambda h, W: np.sum(h * np.max(np.abs(h))),
        lambda h, W: np.sum(h[::-1] * h),
        lambda h, W: np.sum(h[:3]),
        lambda h, W: np.sum(np.sort(h, axis=0) * 2),
        lambda h, W: np.sum((h - np.mean(h, axis=0)) @ W),
        lambda h, W: np.sum(mg.softmax(h, axis=0)),
        lambda h, W: np.sum(h @ h.T),
    ],
)
def test_what_joins_the_examples_on_the_way_is_not_split(joins):
    h, X, W = states_out()
    tape = tr.differentiate(mg.Tape.of(joins(h, W)))
    agrees(tape, {"X": np.ones(X.shape)}, sharded=False)


def test_an_error_in_a_shard_reaches_the_caller():
    loss, feeds = stacked(RNNCell)
    plan = in_shards(mg.Tape.of(loss), 3)
    for row in range(B):
        labels = feeds["Y"].copy()
        labels[0, row] = V
        with pytest.raises(
            ArgumentError, match=f"got {V}, expected 0..{V - 1}|{V}; expected 0..{V - 1}"
        ):
            plan(feeds | {"Y": labels})
    close(plan(feeds), mg.Tape.of(loss).replay(feeds))


def test_blas_has_its_threads_back_after_a_plan_in_shards():
    from threadpoolctl import threadpool_info

    counts = [lib["num_threads"] for lib in threadpool_info()]
    plan = in_shards(mg.Tape.of(stacked(RNNCell)[0]), 2)
    callers = [threading.Thread(target=lambda: [plan() for _ in range(20)]) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert [lib["num_threads"] for lib in threadpool_info()] == counts


def test_small_or_wide_batches_are_left_to_blas():
    loss, _ = stacked(RNNCell)
    assert f"not split: {B} examples of {V} numbers per step" in str(mg.compile(mg.Tape.of(loss)))


def test_shards_heed_the_errstate_of_the_caller():
    h, _, _ = states_out()
    c = mg.tensor(1.0, name="c")
    plan = in_shards(mg.Tape.of(np.sum(np.exp(np.abs(h) * c))), 2)
    assert is_sharded(plan)
    with warnings.catch_warnings(), np.errstate(over="ignore"):
        warnings.simplefilter("error")
        assert np.isinf(plan({"c": 1e9}, missing="recorded")[0])


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
        *[tr.clip(tr.differentiate(mg.Tape.of(stacked(c, layers=2)[0])), 0.1) for c in CELLS],
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
