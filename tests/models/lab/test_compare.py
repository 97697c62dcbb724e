"""Strategies compared: bias by enumeration of all cut patterns, and the numbers of compare() recomputed by hand."""

import csv
import io
import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minigrad.models import RNNLM, anatomy, compare, parameters
from minigrad.models.book import balancing
from minigrad.models.lab.artbp import artbp, cut_chance, draw, reweighted, with_xi
from minigrad.models.lab.compare import work
from minigrad.models.lab.result import as_csv, as_json, interval, table
from minigrad.models.lab.strategy import KINDS as STRATEGIES
from minigrad.models.lab.strategy import Strategy

import minigrad as mg
from minigrad.errors import ArgumentError, DataError
from minigrad.transforms import truncate
from tests.nets import KINDS, net

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


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(("length", "alpha"), [(1.5, 6.0), (3.0, 2.0), (16.0, 6.0)])
def test_artbp_is_unbiased_over_all_patterns(kind, length, alpha):
    tape, params = net(kind, T, batch=1)
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
    tape, params = net("rnn", T, batch=1)
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
    tape, params = net("rnn", T, batch=1)
    W = params[1]
    weighted = plain = 0
    for cuts in PATTERNS:
        p = np.prod([1 - keep if c else keep for c in cuts])
        weighted += p * gradient(
            with_xi(tape, {t: 0 if c else 1 / keep for t, c in enumerate(cuts, 2)}), W
        )
        plain += p * gradient(with_xi(tape, {t: 0 if c else 1 for t, c in enumerate(cuts, 2)}), W)
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


# --- compare --------------------------------------------------------------------------------------------------------
rng = np.random.default_rng(0)
DATA = [tuple(rng.integers(0, 5, (2, 3, T))) for _ in range(2)]


def model(seed):
    made = RNNLM("rnn", 4, 5, seed, np.float64)
    for p in parameters(made):
        p.assign(np.random.default_rng(seed).normal(0, 0.5, p.shape))
    return made


def test_the_gradient_s_numbers_are_those_of_the_transforms():
    full, every, random = compare(
        model, DATA, ["full", "every=2", "random=0.7"], updates=1, lr=1e-300, draws=5
    )
    assert (full.bias, full.spread, full.bias_error) == (0, 0, 0)
    assert full.cosine == pytest.approx(1, rel=1e-12)
    m = model(0)
    tape, ps = mg.Tape.of(m.loss(*DATA[0])), parameters(m)

    def flat(tape):
        return np.concatenate([g.data.ravel() for g in mg.grad(tape.outputs[0], ps)])

    exact, cut, draw_rng = flat(tape), flat(truncate(tape, every=2)), np.random.default_rng(9)
    length = np.linalg.norm(exact)
    assert every.bias == pytest.approx(np.linalg.norm(cut - exact) / length, rel=1e-10)
    assert every.cosine == pytest.approx(cut @ exact / np.linalg.norm(cut) / length, rel=1e-10)
    drawn = np.array([flat(Strategy.of("random=0.7").rewrite(tape, draw_rng)) for _ in range(5)])
    assert random.bias == pytest.approx(np.linalg.norm(drawn.mean(0) - exact) / length, rel=1e-10)
    assert random.spread == pytest.approx(np.sqrt(drawn.var(0, ddof=1).sum()) / length, rel=1e-10)
    assert random.bias_error == pytest.approx(random.spread / np.sqrt(5), rel=1e-10)
    cosines = [g @ exact / np.linalg.norm(g) / length for g in drawn]
    assert (random.cosine, random.cosine_half) == pytest.approx(interval(cosines), rel=1e-10)


def test_all_strategies_start_alike_and_a_truncation_beyond_the_end_trains_like_none():
    full, long, short = compare(
        model, DATA, ["full", "every=6", "every=1"], updates=6, seeds=(0, 1), checkpoints=3
    )
    assert full.updates == [0, 2, 4, 6]
    assert np.shape(full.curves) == (2, 4)
    assert full.curves == long.curves != short.curves
    assert [c[0] for c in full.curves] == [c[0] for c in short.curves]
    assert full.curves[0] != full.curves[1]


def test_clipping_is_counted():
    never, always = compare(
        model, DATA, ["full,clip=1000", "full,clip=0.001"], updates=3, seeds=(0,)
    )
    assert (never.clipped, always.clipped) == (0, 1)


def test_the_same_seeds_give_the_same_curves_and_progress_is_counted():
    calls, kinds = [], ["artbp=3", "random=0.5"]
    runs = [
        compare(model, DATA, kinds, updates=3, seeds=(0, 1), on_update=lambda: calls.append(0))
        for _ in range(2)
    ]
    assert [r.curves for r in runs[0]] == [r.curves for r in runs[1]]
    assert len(calls) == 2 * work(kinds, 3, (0, 1))


def test_the_table_csv_and_json_hold_the_numbers():
    results = compare(model, DATA, ["full", "segments=0.5"], updates=2, seeds=(0, 1), draws=3)
    text = table(results).splitlines()
    assert [line.split()[0] for line in text] == ["strategy", "full", "segments=0.5"]
    assert len({len(line) for line in text}) == 1
    rows = list(csv.DictReader(io.StringIO(as_csv(results).decode())))
    assert [float(r["bias"]) for r in rows] == [r.bias for r in results]
    read = json.loads(as_json(results, seed=1))
    assert read["seed"] == 1
    assert read["results"][1]["curves"] == results[1].curves


def test_an_interval_is_student_s():
    assert interval([1.0, 3.0]) == pytest.approx((2.0, 12.71))
    assert np.isnan(interval([1.0])[1])


@pytest.mark.parametrize(
    "text",
    ["fly", "every=x", "every", "full=3x,clip=0", "full,clip=-1", "random=0.5,clip=1,clip=2"],
)
def test_a_strategy_that_is_none_is_refused(text):
    with pytest.raises(ArgumentError, match="expected one of full, every=K"):
        Strategy.of(text)


@pytest.mark.parametrize("kind", list(STRATEGIES))
def test_every_kind_of_strategy_rewrites_a_tape(kind):
    tape, _ = net("rnn", T)
    rewritten = Strategy.of(f"{kind}={0.4 if kind in ('random', 'segments') else 2}").rewrite(
        tape, rng
    )
    assert rewritten.outputs[0].item() == tape.outputs[0].item()
    with pytest.raises(ArgumentError):
        compare(model, DATA, [])


def test_what_explodes_is_said_so():
    with np.errstate(all="ignore"), pytest.raises(DataError, match="no longer finite"):
        compare(lambda s: Explosive(), [()], ["full"], updates=30, lr=1e3, seeds=(0,))


class Explosive:
    def __init__(self):
        self.w = mg.tensor(2.0, requires_grad=True)

    def loss(self):
        with mg.timestep(1):
            return self.w**4


# --- influence balancing --------------------------------------------------------------------------------------------
def test_the_long_influences_outweigh_the_short_ones():
    """The sign of the summed gradient at the start, from the state after a long run: wrong below length 110."""
    signs = {}
    s = np.ones(23)
    for _ in range(30):
        s = balancing.block(100).replay({"s": s})[2]
    for k in (10, 50, 100, 110, 120, 200):
        signs[k] = np.sign(balancing.block(k).replay({"s": s})[1])
    assert signs == {10: -1, 50: -1, 100: -1, 110: signs[110], 120: 1, 200: 1}


def test_theta_s_optimum_is_a_fixed_point():
    s, t = np.ones(23), balancing.OPTIMUM
    for _ in range(30):
        s = balancing.block(100).replay({"s": s, "theta": np.array(t)})[2]
    assert s[0] == pytest.approx(1, abs=1e-9)


def test_a_block_is_the_closed_form():
    loss, g, last = (x.data for x in balancing.block(3).outputs)
    A, v = (np.eye(23) + np.eye(23, k=1)) / 2, np.r_[np.ones(10), -np.ones(13)]
    s, ds, expected = np.ones(23), np.zeros(23), 0.0
    for _ in range(3):
        s, ds = A @ s + 0.5 * v, A @ ds + v
        expected += (s[0] - 1) * ds[0]
    np.testing.assert_allclose(last, s)
    assert g == pytest.approx(expected)
    assert loss.shape == ()


def test_short_truncation_goes_the_wrong_way_and_artbp_does_not():
    runs = balancing.balancing((10, 400), (16,), (0, 1), steps=4000)
    wrong, right, *random = (abs(r.theta[-1] - balancing.OPTIMUM) for r in runs)
    assert wrong > 2 / 3 > max(right, *random)
    assert [line.split()[0] for line in balancing.table(runs).splitlines()[1:]] == [
        "truncation"
    ] * 2 + ["ARTBP"] * 2
