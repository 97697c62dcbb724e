"""The book's exercises, the long-memory tasks and clipping, on small sizes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.cli import main
from minigrad.errors import ArgumentError
from minigrad.models import Windows, anatomy, parameters
from minigrad.models.book import clipping, exercises
from minigrad.models.book import long_memory as memory
from minigrad.models.data.tasks import ADDING_BASELINE, adding, copy_baseline, copy_memory, recall
from minigrad.transforms import truncate

seeds = st.integers(0, 999)


# --- powers of a matrix and eigenvalues -----------------------------------------------------------------------------
@given(st.floats(0.5, 3), st.floats(0.1, 0.9), st.booleans(), seeds)
def test_with_two_eigenvalues_the_tangent_shrinks_at_exactly_their_ratio(
    largest, ratio, negative, seed
):
    M, v = exercises.symmetric((largest, -ratio * largest if negative else ratio * largest), seed)
    tan = exercises.tangents(M, v[:, 0], v @ np.array([1.0, 0.5]), 8)
    np.testing.assert_allclose(tan, 0.5 * ratio ** np.arange(9), rtol=1e-6)


def test_without_a_gap_or_without_a_trace_of_v1_there_is_no_alignment():
    M, v = exercises.symmetric((1.0, -1.0, 0.5))
    np.testing.assert_allclose(
        exercises.tangents(M, v[:, 0], v @ np.ones(3), 30)[10:], 1, rtol=1e-5
    )
    diagonal = np.diag([1.1, 0.8, 0.3])  # exactly orthogonal: no rounding can leak into v_1
    tan = exercises.tangents(diagonal, np.array([1.0, 0, 0]), np.array([0.0, 1, 1]), 30)
    assert tan.min() > 1e200


@pytest.mark.parametrize("radius", [0.5, 0.9, 1.1, 1.5])
def test_the_linear_rnn_s_gradient_grows_by_the_spectral_radius_per_step(radius):
    g = exercises.growth(radius, 60)
    assert (g[0] / g[30]) ** (1 / 30) == pytest.approx(radius, rel=0.02)


def test_every_remedy_tames_what_explodes():
    found = {r.name: np.median(r.ratios) for r in exercises.remedies(T=30, seeds=3)}
    exploding = found.pop("as it is")
    assert exploding > 1000
    assert all(ratio < exploding / 30 for ratio in found.values())
    assert len(exercises.remedy_table(exercises.remedies(T=5, seeds=1)).splitlines()) == 7


# --- tasks ----------------------------------------------------------------------------------------------------------
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


# --- clipping -------------------------------------------------------------------------------------------------------
def test_clipped_steps_are_counted_and_bounded():
    windows = Windows.of(np.random.default_rng(0).integers(0, 5, 300).tolist(), 8)
    free, clipped = clipping.clipping(
        windows, 5, max_norm=0.05, lr=0.5, updates=10, hidden=4, batch=16
    )
    assert free.after == free.before
    assert free.clipped == 0
    assert max(clipped.after) <= 0.05 * (1 + 1e-6)
    assert clipped.clipped == np.mean([b > 0.05 for b in clipped.before])
    assert clipped.losses[0] == free.losses[0]


def test_a_spike_is_counted_where_it_rises():
    assert clipping.Run("x", [3.0, 2.0, 2.4, 2.6, 9.0, 2.1, 2.7], [1.0] * 7, [1.0] * 7).spikes == 2


@pytest.mark.parametrize("experiment", ["memory", "clipping"])
def test_experiments_write_their_plots_and_numbers(experiment, tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("a gradient that vanishes and one that explodes " * 10)
    files = [str(tmp_path / f"e.{s}") for s in ("svg", "csv", "json")]
    outputs = [a for f in files for a in ("-o", f)]
    assert (
        main(
            [
                "compare",
                experiment,
                "--text",
                str(text),
                "--updates",
                "1",
                "--hidden",
                "4",
                *outputs,
            ]
        )
        == 0
    )
    assert len(re.findall("^wrote ", capsys.readouterr().out, re.M)) == 3
    assert json.loads(Path(files[2]).read_text())["command"].startswith("minigrad")


def test_the_exercises_are_tables(monkeypatch, capsys):
    few = exercises.remedies
    monkeypatch.setattr(exercises, "remedies", lambda: few(T=5, seeds=1))
    assert main(["compare", "exercises"]) == 0
    assert "fails: eigenvalues 1, -1" in capsys.readouterr().out
    assert main(["compare", "exercises", "-o", "x.svg"]) == 1


def test_a_plot_of_an_unknown_format_is_refused():
    from minigrad.viz.plots import axes as plot_style

    with pytest.raises(ArgumentError, match="expected one of svg"):
        plot_style.image(plot_style.figure(2, 2), "gif")
