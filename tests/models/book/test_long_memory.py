"""Tasks of long memory: what they ask for, what knowing nothing costs, what truncation forbids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.models import anatomy, parameters
from minigrad.models.book import long_memory as memory
from minigrad.models.data.tasks import ADDING_BASELINE, adding, copy_baseline, copy_memory, recall
from minigrad.transforms import truncate

seeds = st.integers(0, 999)


@given(st.integers(1, 5), st.integers(1, 12), st.integers(1, 6), st.integers(2, 8), seeds)
def test_copy_memory_asks_for_what_was_shown_and_knowing_nothing_costs_the_baseline(
    batch, lag, length, symbols, seed
):
    x, y = copy_memory(batch, lag, np.random.default_rng(seed), length, symbols)
    assert x.shape == y.shape == (lag + 2 * length, batch)
    np.testing.assert_array_equal(x[:length], y[-length:])
    assert ((x == 1).sum(axis=0) == 1).all()
    assert not y[:-length].any()
    logits = np.full((*x.shape, symbols + 2), -1e9)
    logits[:-length, :, 0] = 0
    logits[-length:, :, 2:] = 0
    assert mg.cross_entropy(logits, y) == pytest.approx(
        copy_baseline(lag, length, symbols), rel=1e-9
    )
    assert copy_baseline(100) == pytest.approx(10 * np.log(8) / 120)


@given(st.integers(2, 30), seeds)
def test_adding_marks_one_number_in_either_half(steps, seed):
    x, y = adding(50, steps, np.random.default_rng(seed))
    assert x.shape == (steps, 50, 2)
    assert (x[: steps // 2, :, 1].sum(axis=0) == 1).all()
    assert (x[steps // 2 :, :, 1].sum(axis=0) == 1).all()
    np.testing.assert_allclose((x[..., 0] * x[..., 1]).sum(axis=0), y[:, 0])


def test_answering_one_costs_the_adding_baseline():
    _, y = adding(200_000, 4, np.random.default_rng(0))
    assert np.mean((y - 1) ** 2) == pytest.approx(ADDING_BASELINE, rel=0.02)


@pytest.mark.parametrize(
    ("strategy", "reaches"), [({"every": 3}, False), ({"window": 4}, False), ({"window": 5}, True)]
)
def test_recall_gets_a_gradient_only_from_a_window_as_long_as_its_lag(strategy, reaches):
    task = memory.recall_task(6)
    model = task.make("lstm", 0)
    x, y = task.batch(np.random.default_rng(0))
    tape = truncate(mg.Tape.of(model.loss(x, y)), **strategy)
    a = anatomy(tape, model.cell.W_xc)
    assert a.norms[5, 0] > 0 if reaches else a.norms[5, 0] == 0
    assert a.total[2:].any() == reaches


def test_short_truncation_stays_at_the_baseline_by_proof_and_a_window_of_the_lag_solves_recall():
    task = memory.recall_task(6)
    short, long = (memory.trial(task, "lstm", f"window={w}", 120, 0) for w in (4, 5))
    assert long.solved
    model = task.make("lstm", 0)
    ps, optimizer = parameters(model), mg.optim.Adam(parameters(model), 0.01)
    for k in range(5):
        loss = truncate(mg.Tape.of(model.loss(*task.batch(np.random.default_rng(k)))), window=4)
        optimizer.step(mg.grad(loss.outputs[0], ps))
    x = np.zeros((6, 4), np.int64)
    x[0] = [2, 3, 4, 5]
    answers = model.outputs(x).data
    assert (answers == answers[0]).all()  # whatever the symbol was
    assert mg.cross_entropy(answers, np.arange(4)) >= task.baseline - 1e-12
    assert short.losses[-1] > 0.95 * task.baseline
    assert memory.table([short, long]).count("solved") == 1
    assert recall(3, 6, np.random.default_rng(0))[0].shape == (6, 3)
