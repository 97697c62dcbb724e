"""The curve of a training run shows the numbers it is given."""

import numpy as np
import pytest

from minigrad.errors import ArgumentError
from minigrad.viz.plots import perplexities

HISTORY = [(10, 20.0, 21.0), (20, 9.0, 11.5), (30, 7.0, 12.25)]


def test_both_curves_are_the_history():
    (axes,) = perplexities.training(HISTORY).axes
    for line, column, label in zip(axes.lines, (1, 2), ("train", "validation"), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), [[row[0], row[column]] for row in HISTORY])
        assert line.get_label() == label
    assert axes.get_title(loc="left") == "perplexity; validation best 11.50, last 12.25"


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_a_short_history_is_drawn_too(rows, suffix, tmp_path):
    assert perplexities.save(HISTORY[:rows], tmp_path / f"c.{suffix}").stat().st_size > 1000


def test_another_format_is_refused_before_the_training():
    with pytest.raises(
        ArgumentError, match=r"cannot write 'c.gif': .* expected one that ends in .svg, .png, .pdf"
    ):
        perplexities.refuse_unknown("c.gif")
