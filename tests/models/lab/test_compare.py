"""Strategies compared: their names, and the numbers of compare() recomputed by hand."""

import csv
import io
import json

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError, DataError
from minigrad.models import RNNLM, compare, parameters
from minigrad.models.lab.compare import work
from minigrad.models.lab.result import as_csv, as_json, interval, table
from minigrad.models.lab.strategy import KINDS, Strategy
from minigrad.transforms import truncate
from tests.zoo import small_net

T = 6
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


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_strategy_rewrites_a_tape(kind):
    tape, _ = small_net("rnn", T)
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


@pytest.mark.parametrize("number", ["2.5", "inf", "nan"])
@pytest.mark.parametrize("kind", ["every", "window"])
def test_a_number_of_steps_is_whole(kind, number):
    tape, _ = small_net("rnn", T)
    with pytest.raises(ArgumentError, match=f"strategy {kind}: {number}; expected a whole number"):
        Strategy.of(f"{kind}={number}").rewrite(tape, rng)
