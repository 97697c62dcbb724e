"""Clipping measured: the share of the updates, the bound, the spikes; what the experiments write."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from minigrad.cli import main
from minigrad.models import Windows
from minigrad.models.book import clipping


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
