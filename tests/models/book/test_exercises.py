"""The book's exercises, on small sizes: exact rates, and remedies that work."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.cli import main
from minigrad.models.book import exercises

seeds = st.integers(0, 999)


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


def test_the_exercises_are_tables(monkeypatch, capsys):
    few = exercises.remedies
    monkeypatch.setattr(exercises, "remedies", lambda: few(T=5, seeds=1))
    assert main(["compare", "exercises"]) == 0
    assert "fails: eigenvalues 1, -1" in capsys.readouterr().out
    assert main(["compare", "exercises", "-o", "x.svg"]) == 1
