"""The loop: its update is the textbook's, its mean that of all tokens, its strategy what rewrites every tape."""

from functools import partial
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.models import RNNLM, Windows, parameters
from minigrad.models.data.stream import Chunk, Rows, Shuffled, epochs
from minigrad.models.train import evaluate, fit, perplexity, updates
from minigrad.transforms import truncate, truncate_randomly
from tests.laws import close
from tests.models.train.language import (
    KINDS,
    TOKENS,
    V,
    apart,
    by_hand,
    gradient,
    model,
    sgd,
    values,
)


# --- learning -------------------------------------------------------------------------------------------------------
@KINDS
def test_learning_lowers_the_perplexity_from_that_of_guessing(kind, layers):
    windows = Windows.of(TOKENS, 8)
    m = model(kind, layers, sigma=0.01)
    assert perplexity(m, windows.validation) == pytest.approx(V, rel=0.01)
    optimizer = mg.optim.Adam(parameters(m), 0.02)
    first, *_, last = updates(m, epochs(Shuffled(windows.train, 1024, 0), 60), None, 1.0, optimizer)
    assert last.loss < first.loss
    assert perplexity(m, windows.validation) < 0.6 * V


def test_one_update_is_backward_clip_and_step_by_hand():
    m, hand = model(), model()
    rows = Windows.of(TOKENS, 8).train[:50]
    assert (
        fit(m, Shuffled(rows, 50).chunks(1), partial(truncate, every=3), 0.01, sgd(m)).clipped == 1
    )
    state, nats = hand.cell.zero_state((50, V)), []
    for t in range(8):
        state = state.detach() if t in (3, 6) else state
        _, state = hand.cell(mg.tensor(np.eye(V)[rows[:, t]]), state)
        nats.append(mg.cross_entropy(state @ hand.W_hq + hand.b_q, rows[:, t + 1]))
    (sum(nats) / 8).backward()
    ps = parameters(hand)
    assert mg.optim.clip_grad_norm(ps, 0.01) > 0.01
    mg.optim.SGD(ps, lr=1.0).step()
    close(values(m), values(hand), rtol=1e-12, atol=1e-13)


@KINDS
def test_plans_and_tapes_recorded_anew_train_alike(kind, layers):
    runs = []
    for compiled in (True, False):
        m = model(kind, layers, dropout=0.3)
        stream = epochs(Rows(TOKENS, 5, 7, "document", separator=1), 1)
        fit(
            m,
            stream,
            partial(truncate, every=3),
            0.5,
            mg.optim.AdamW(parameters(m), 0.01),
            rng=3,
            compiled=compiled,
        )
        runs.append(values(m))
    close(*runs, rtol=1e-7, atol=1e-13)


def test_going_on_from_an_update_is_going_on():
    whole, halves = model("lstm", 2, dropout=0.2), model("lstm", 2, dropout=0.2)
    rows, options = Rows(TOKENS, 4, 9), (None, 1.0)
    *_, last = updates(
        whole, epochs(rows, 2), *options, mg.optim.Adam(parameters(whole)), rng=(1, 2)
    )
    rng, optimizer = np.random.default_rng((1, 2)), mg.optim.Adam(parameters(halves))
    *_, half = islice(updates(halves, epochs(rows, 2), *options, optimizer, rng=rng), 13)
    again = mg.optim.Adam(parameters(halves))
    again.restore(optimizer.state())
    rest = epochs(rows, 2, (half.place[0], half.place[1] + 1))
    *_, end = updates(halves, rest, *options, again, rng=rng, state=half.state, step=half.step)
    assert end.step == last.step == 2 * len(rows)
    for a, b in zip(values(whole), values(halves), strict=True):
        np.testing.assert_array_equal(a, b)


# --- the mean is that of all tokens ---------------------------------------------------------------------------------
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_chunks_weigh_by_their_tokens(lengths):
    m, places = model(), np.cumsum([0, *lengths])
    x, y = TOKENS[None, : places[-1]], TOKENS[None, 1 : places[-1] + 1]
    pieces = [Chunk(x[:, a:b], y[:, a:b], np.ones(1, bool)) for a, b in pairwise(places)]
    (one,) = updates(m, pieces, None, None, sgd(m, 1e-9), accumulate=len(pieces))
    losses = [m.loss(c.x, c.y).item() for c in pieces]
    assert one.tokens == places[-1]
    assert one.loss == pytest.approx(np.average(losses, weights=lengths), rel=1e-6)


def test_mean_of_chunk_means_is_another_gradient():
    m, x, y = model(), TOKENS[None, :10], TOKENS[None, 1:11]
    pieces = [Chunk(x[:, :8], y[:, :8]), Chunk(x[:, 8:], y[:, 8:])]
    right = by_hand(m, x, y, partial(truncate, every=8))
    close(gradient(m, pieces, accumulate=2), right, atol=1e-13)
    parts = [gradient(m, [pieces[0]])]
    (first,) = updates(m, pieces[:1], None, None, sgd(m, 1e-300))
    parts.append(gradient(m, pieces[1:], state=first.state))
    assert apart([(a + b) / 2 for a, b in zip(*parts, strict=True)], right) > 1e-3  # the mistake
    close([0.8 * a + 0.2 * b for a, b in zip(*parts, strict=True)], right, atol=1e-13)


def test_no_gradient_is_lost_or_kept_between_updates():
    """Neither zero_grad() without step(), nor step() without zero_grad(): no gradient lies on a parameter at all."""
    m = model()
    for p in parameters(m):
        p.grad = np.full(p.shape, 1e9)
    chunk = Chunk(TOKENS[None, :5], TOKENS[None, 1:6], np.ones(1, bool))
    once = gradient(m, [chunk])
    close(once, by_hand(m, chunk.x, chunk.y), atol=1e-13)
    close(gradient(m, [chunk, chunk], accumulate=2), once, atol=1e-13)


@given(batch=st.integers(1, 60))
def test_perplexity_does_not_depend_on_how_the_windows_are_batched(batch):
    m, rows = model(), Windows.of(TOKENS, 8).validation[:50]
    whole = m.loss(rows[:, :-1], rows[:, 1:]).item()
    assert evaluate(m, Shuffled(rows, batch).chunks(1)) == pytest.approx(whole, rel=1e-12)


def test_an_empty_stream_is_no_perplexity():
    with pytest.raises(ArgumentError, match="evaluate: no chunk"):
        evaluate(RNNLM("rnn", 4, 5), [])


# --- strategies -----------------------------------------------------------------------------------------------------
def test_truncation_longer_than_the_chunk_changes_nothing_and_shorter_does():
    m, chunk = model("gru"), Chunk(TOKENS[None, :8], TOKENS[None, 1:9])
    full = gradient(m, [chunk])
    close(gradient(m, [chunk], partial(truncate, every=8)), full, atol=1e-13)
    assert apart(gradient(m, [chunk], partial(truncate, every=2)), full) > 1e-4


@pytest.mark.parametrize("reweight", [True, False])
def test_a_strategy_that_draws_is_refused_in_a_plan_and_drawn_anew_without(reweight):
    m, rng, draws = model(), np.random.default_rng(0), []

    def strategy(tape):
        draws.append(truncate_randomly(tape, 0.5, rng, reweight))
        return draws[-1]

    chunk = Chunk(TOKENS[None, :16], TOKENS[None, 1:17], np.ones(1, bool))
    with pytest.raises(
        ArgumentError, match=r"strategy: another tape at every call.* Pass compiled=False"
    ):
        fit(m, [chunk], strategy, 1.0, sgd(m))
    draws.clear()
    fit(m, [chunk] * 5, strategy, 1.0, sgd(m), compiled=False)
    assert len(draws) == 5
    said = {
        str(tape) + str([n.data for n in tape.leaves if n.label.startswith("xi")]) for tape in draws
    }
    assert len(said) == 5


def test_the_schedule_is_asked_for_every_update():
    m, optimizer = model(), sgd(model())
    optimizer = sgd(m)
    seen = list(
        updates(
            m,
            epochs(Rows(TOKENS, 4, 30), 1),
            None,
            1.0,
            optimizer,
            schedule=lambda k: 0.1 * (k + 1),
        )
    )
    assert [u.lr for u in seen] == pytest.approx([0.1 * (k + 1) for k in range(len(seen))])
    assert optimizer.lr == seen[-1].lr
