"""ARTBP's schedule and its gradient: unbiased, by enumeration of all patterns of cuts."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.models import anatomy
from minigrad.models.lab.artbp import artbp, cut_chance, draw, reweighted
from minigrad.transforms import reweight
from tests.zoo import SMALL_CELLS, small_net

T = 6
seeds = st.integers(0, 99)


def gradient(tape, W):
    return mg.grad(tape.outputs[0], W)[0].data


def recurrent_weight(params):
    return next(p for p in params if p.name in ("W_hh", "W_hc"))


def segments_of(cuts):
    """The lengths between cuts, for a cut or not in front of each of the steps 2..T; the last one is left open."""
    ends = [k + 1 for k, cut in enumerate(cuts) if cut]
    return [*np.diff([0, *ends]).tolist(), T - max(ends, default=0) + 1]


def chance(cuts, length, alpha):
    """The probability of such a pattern by the schedule."""
    since, p = 0, 1.0
    for cut in cuts:
        since += 1
        c = cut_chance(since, length, alpha)
        p *= c if cut else 1 - c
        since = 0 if cut else since
    return p


PATTERNS = list(itertools.product([False, True], repeat=T - 1))


@pytest.mark.parametrize("kind", list(SMALL_CELLS))
@pytest.mark.parametrize(("length", "alpha"), [(1.5, 6.0), (3.0, 2.0), (16.0, 6.0)])
def test_artbp_is_unbiased_over_all_patterns(kind, length, alpha):
    tape, params = small_net(kind, T, batch=1)
    W = recurrent_weight(params)
    chances = [chance(cuts, length, alpha) for cuts in PATTERNS]
    assert sum(chances) == pytest.approx(1, rel=1e-12)
    mean = sum(
        p * gradient(reweighted(tape, segments_of(cuts), length, alpha), W)
        for p, cuts in zip(chances, PATTERNS, strict=True)
    )
    np.testing.assert_allclose(mean, gradient(tape, W), rtol=1e-12, atol=1e-12 * np.abs(mean).max())


@given(seeds, st.floats(1.2, 8))
def test_artbp_applies_what_it_draws(seed, length):
    tape, params = small_net("rnn", T, batch=1)
    rng, segments = np.random.default_rng(seed), []
    while sum(segments) < T:
        segments.append(draw(length, 6.0, rng))
    W = params[1]
    np.testing.assert_array_equal(
        gradient(artbp(tape, length, seed), W), gradient(reweighted(tape, segments, length), W)
    )


@pytest.mark.parametrize("keep", [0.3, 0.8])
def test_with_weights_randomized_truncation_is_right_on_average_and_without_it_is_short_by_a_known_amount(
    keep,
):
    tape, params = small_net("rnn", T, batch=1)
    W = params[1]
    weighted = plain = 0
    for cuts in PATTERNS:
        p = np.prod([1 - keep if c else keep for c in cuts])
        weighted += p * gradient(
            reweight(tape, {t: 0 if c else 1 / keep for t, c in enumerate(cuts, 2)}), W
        )
        plain += p * gradient(reweight(tape, {t: 0 if c else 1 for t, c in enumerate(cuts, 2)}), W)
    a = anatomy(tape, W)
    np.testing.assert_allclose(weighted, a.total, rtol=1e-12)
    t, i = np.indices(a.norms.shape)
    np.testing.assert_allclose(
        plain, np.tensordot(keep ** np.maximum(t - i, 0), a.G, 2), rtol=1e-12
    )
    assert np.linalg.norm(plain - a.total) > 0.01 * np.linalg.norm(a.total)


@given(st.floats(1, 50), st.floats(1.5, 10))
def test_a_chance_to_cut_is_a_probability_and_falls_with_time(length, alpha):
    chances = [cut_chance(k, length, alpha) for k in range(1, 100)]
    assert all(0 < b < a <= 1 + 1e-12 for a, b in itertools.pairwise(chances))


def test_the_mean_segment_is_exactly_as_long_as_asked():
    """E = sum over k of the chance to reach beyond k steps; the tail behind k = 10^6 falls as k^-5."""
    survived = np.cumprod(1 - np.array([cut_chance(k, 16, 6.0) for k in range(1, 1_000_000)]))
    assert 1 + survived.sum() == pytest.approx(16, rel=1e-12)


@pytest.mark.parametrize(("length", "alpha"), [(0.5, 6), (16, 1), (np.inf, 6)])
def test_a_schedule_that_is_none_is_refused(length, alpha):
    with pytest.raises(ArgumentError, match="mean length from 1"):
        cut_chance(1, length, alpha)
