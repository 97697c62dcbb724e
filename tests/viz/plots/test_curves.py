"""The curves of a training show the numbers that they are given, whatever gave them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import minigrad as mg
from minigrad import models
from minigrad.cli import main
from minigrad.errors import ArgumentError, DataError
from minigrad.viz import plots

HISTORY = [(10, 20.0, 21.0), (20, 9.0, 11.5), (30, 7.0, 12.25)]


def drawn(figure):
    """Label to points, a mapping per plot."""
    return [{line.get_label(): line.get_xydata() for line in axes.lines} for axes in figure.axes]


def fitted(clip):
    lm = models.RNNLM("rnn", hidden=4, vocab=3)
    text = models.stream.Rows(np.arange(61) % 3, batch=2, steps=10)
    optimizer = mg.optim.SGD(models.parameters(lm), lr=1.0)
    return models.train.fit(lm, models.stream.epochs(text, 2), None, clip, optimizer)


@pytest.mark.parametrize("given", [HISTORY, np.array(HISTORY), SimpleNamespace(history=HISTORY)])
def test_rows_of_epochs(given):
    figure = plots.curves(given)
    (lines,) = drawn(figure)
    for label, column in (("train", 1), ("validation", 2)):
        np.testing.assert_array_equal(lines[label], [[row[0], row[column]] for row in HISTORY])
    title = figure.axes[0].get_title(loc="left")
    assert title == "perplexity; validation best 11.50, last 12.25"


def test_what_fit_returns_holds_every_update():
    run = fitted(clip=0.05)
    assert len(run.losses) == len(run.norms) == len(run.clipped_norms) == run.updates
    assert run.loss == pytest.approx(np.mean(run.losses))
    assert run.clipped == np.mean(np.array(run.norms) > 0.05)
    assert max(run.clipped_norms) <= 0.05 * (1 + 1e-9)
    perplexities, norms = drawn(plots.curves(run))
    np.testing.assert_allclose(np.log(perplexities["train"][:, 1]), run.losses)
    np.testing.assert_array_equal(norms["before clipping"][:, 1], run.norms)
    np.testing.assert_array_equal(norms["after clipping"][:, 1], run.clipped_norms)


def test_the_log_of_a_training_and_its_run_agree(tmp_path):
    text, log, curve = (tmp_path / name for name in ("text.txt", "log.jsonl", "curve.svg"))
    text.write_text("It was the best of times, it was the worst of times. " * 9)
    options = ["--text", str(text), "--steps", "8", "--epochs", "3", "--hidden", "4", "--quiet"]
    assert main(["train", *options, "--log", str(log), "--curve", str(curve)]) == 0
    events = [json.loads(line) for line in log.read_text().splitlines()]
    perplexities, norms = drawn(plots.curves(log))
    updates = [e for e in events if e["event"] == "update"]
    epochs = [e for e in events if e["event"] == "epoch"]
    seen = [[e["step"], e["perplexity"]] for e in updates]
    np.testing.assert_allclose(perplexities["train"], seen)
    seen = [[e["step"], e["validation"]] for e in epochs]
    np.testing.assert_array_equal(perplexities["validation"], seen)
    assert [y for _, y in next(iter(norms.values()))] == [e["norm"] for e in updates]
    assert f"best {min(e['validation'] for e in epochs):.2f}" in curve.read_text()


def test_several_runs_are_told_apart_by_name_and_colour():
    figure = plots.curves({"clipped": fitted(0.05), "free": fitted(None), "epochs": HISTORY})
    perplexities, norms = drawn(figure)
    assert list(perplexities) == [
        "clipped, train",
        "free, train",
        "epochs, train",
        "epochs, validation",
    ]
    assert set(norms) >= {"clipped, before clipping", "clipped, after clipping", "free"}
    colours = [line.get_color() for line in figure.axes[0].lines]
    assert len(set(colours)) == 3


@pytest.mark.parametrize("rows", [0, 1])
def test_a_short_history_is_drawn_too(rows):
    (lines,) = drawn(plots.curves(HISTORY[:rows]))
    assert len(lines["train"]) == rows


@pytest.mark.parametrize("nothing", [3, None, [(1, 2)], "tape"])
def test_what_is_no_run_is_refused_in_one_line(nothing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ArgumentError, DataError), match=r"curves: a |cannot read 'tape'"):
        plots.curves(nothing)


@pytest.mark.parametrize("text", ["no json\n", "[1]\n", '{"event": "update"}\n', "\xff"])
def test_a_file_that_is_no_log_is_refused(text, tmp_path):
    file = tmp_path / "log.jsonl"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"log.jsonl'.* no log of a training"):
        plots.curves(file)
