"""The loop: its update is the textbook's, its mean that of all tokens, and what others got wrong cannot be written."""

from functools import partial
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minigrad.models import RNNLM, Vocabulary, Windows, parameters
from minigrad.models.data.stream import Chunk, Rows, Shuffled, epochs
from minigrad.models.data.text import preprocess
from minigrad.models.train import entering, evaluate, fit, perplexity, updates

import minigrad as mg
from minigrad.errors import ArgumentError, DataError
from minigrad.transforms import cut, truncate, truncate_randomly

TEXT = preprocess(
    "It was the best of times, it was the worst of times, it was the age of wisdom, " * 8
)
VOCAB = Vocabulary.of(TEXT)
TOKENS = np.array(VOCAB.encode(TEXT))
V = len(VOCAB.tokens)
KINDS = pytest.mark.parametrize(
    ("kind", "layers"), [("rnn", 1), ("gru", 1), ("lstm", 1), ("lstm", 2)]
)


def model(kind="rnn", layers=1, seed=0, **options):
    return RNNLM(kind, 8, V, seed, np.float64, layers, sigma=options.pop("sigma", 0.5), **options)


def values(m):
    return [p.numpy() for p in parameters(m)]


def sgd(m, lr=1.0):
    return mg.optim.SGD(parameters(m), lr)


def gradient(m, stream, strategy=None, **options):
    """What one update of SGD at rate 1 takes off the parameters: the gradient."""
    before = values(m)
    assert fit(m, stream, strategy, None, sgd(m), **options).updates == 1
    found = [b - a for a, b in zip(values(m), before, strict=True)]
    for p, b in zip(parameters(m), before, strict=True):
        p.assign(b)
    return found


def assert_close(a, b, rtol=1e-9):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-13)


def apart(a, b):
    return max(np.abs(x - y).max() for x, y in zip(a, b, strict=True))


def by_hand(m, x, y, strategy=lambda tape: tape):
    """The gradient of the loss over whole rows, by the eager backward pass."""
    tape = strategy(mg.Tape.of(m.loss(x, y)))
    return [g.data for g in mg.transforms.differentiate(tape, parameters(m)).outputs[1:]]


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
    assert_close(values(m), values(hand), rtol=1e-12)


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
    assert_close(*runs, rtol=1e-7)


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
    assert_close(gradient(m, pieces, accumulate=2), right)
    parts = [gradient(m, [pieces[0]])]
    (first,) = updates(m, pieces[:1], None, None, sgd(m, 1e-300))
    parts.append(gradient(m, pieces[1:], state=first.state))
    assert apart([(a + b) / 2 for a, b in zip(*parts, strict=True)], right) > 1e-3  # the mistake
    assert_close([0.8 * a + 0.2 * b for a, b in zip(*parts, strict=True)], right)


def test_no_gradient_is_lost_or_kept_between_updates():
    """Neither zero_grad() without step(), nor step() without zero_grad(): no gradient lies on a parameter at all."""
    m = model()
    for p in parameters(m):
        p.grad = np.full(p.shape, 1e9)
    chunk = Chunk(TOKENS[None, :5], TOKENS[None, 1:6], np.ones(1, bool))
    once = gradient(m, [chunk])
    assert_close(once, by_hand(m, chunk.x, chunk.y))
    assert_close(gradient(m, [chunk, chunk], accumulate=2), once)


@given(batch=st.integers(1, 60))
def test_perplexity_does_not_depend_on_how_the_windows_are_batched(batch):
    m, rows = model(), Windows.of(TOKENS, 8).validation[:50]
    whole = m.loss(rows[:, :-1], rows[:, 1:]).item()
    assert evaluate(m, Shuffled(rows, batch).chunks(1)) == pytest.approx(whole, rel=1e-12)


# --- the state ------------------------------------------------------------------------------------------------------
@KINDS
def test_a_carried_state_is_the_whole_sequence_cut_at_the_chunks(kind, layers):
    """Forward the state goes through, backward nothing does: h and c, of all layers, exactly at the boundaries."""
    m, k = model(kind, layers), 4
    x, y = TOKENS[:44].reshape(2, 22), TOKENS[1:45].reshape(2, 22)
    chunks = [
        Chunk(x[:, i : i + k], y[:, i : i + k]) for i in range(0, 22, k)
    ]  # the last one has 2 steps
    found = gradient(m, chunks, accumulate=len(chunks))
    assert_close(found, by_hand(m, x, y, partial(truncate, every=k)))
    for early in (k - 1, k + 1):
        assert apart(found, by_hand(m, x, y, partial(truncate, every=early))) > 1e-4
    if kind == "lstm":

        def only_h(tape):
            edges = tape.recurrent_edges()
            return cut(
                tape,
                [
                    e
                    for e in edges
                    if tape.times[e.target] % k == 1 and e.source.label.startswith("h")
                ],
            )

        assert apart(found, by_hand(m, x, y, only_h)) > 1e-6


@KINDS
def test_a_reset_row_starts_anew_and_the_other_is_untouched_bit_for_bit(kind, layers):
    m, T = model(kind, layers), 9
    x, y = TOKENS[:18].reshape(2, T), TOKENS[1:19].reshape(2, T)
    start = [np.random.default_rng(i).normal(size=s.shape) for i, s in enumerate(m.zero_state(2))]
    reset = np.zeros((T, 2), bool)
    reset[4, 0] = True

    def run(reset):
        leaves = tuple(mg.tensor(s, requires_grad=True, name=f"s{i}") for i, s in enumerate(start))
        X, Y = mg.tensor(x.T, name="X"), mg.tensor(y.T, name="Y")
        outputs, last = m.logits(X, leaves, reset)
        late = sum(mg.cross_entropy(outputs[t], Y[t]) for t in range(4, T))
        return (
            [o.data for o in outputs],
            last if isinstance(last, tuple) else (last,),
            mg.grad(late, leaves),
        )

    outputs, last, grads = run(mg.tensor(reset, dtype=bool))
    plain_outputs, plain_last, plain_grads = run(mg.tensor(np.zeros_like(reset), dtype=bool))
    bare_outputs, _, bare_grads = run(None)
    np.testing.assert_array_equal(plain_outputs, bare_outputs)
    assert_close([g.data for g in plain_grads], [g.data for g in bare_grads])
    fresh, fresh_last = m.logits(mg.tensor(x[:1, 4:].T))
    fresh_last = fresh_last if isinstance(fresh_last, tuple) else (fresh_last,)
    for a, b, c in zip(last, plain_last, fresh_last, strict=True):
        np.testing.assert_array_equal(a.data[1], b.data[1])
        np.testing.assert_allclose(a.data[0], c.data[0], rtol=1e-13)
    for a, b in zip(outputs, plain_outputs, strict=True):
        np.testing.assert_array_equal(a[1], b[1])
    np.testing.assert_allclose(outputs[-1][0], fresh[-1].data[0], rtol=1e-12)
    for a, b in zip(grads, plain_grads, strict=True):
        np.testing.assert_array_equal(a.data[1], b.data[1])
        np.testing.assert_array_equal(a.data[0], 0)
        assert np.abs(b.data[0]).max() > 0


@pytest.mark.parametrize("inside", [False, True])
def test_rows_reset_at_a_chunk_s_start_begin_at_zero(inside):
    m = model("lstm", 2)
    state = tuple(np.ones_like(s) for s in m.zero_state(3))
    reset = np.array([True, False, True])
    chunk = Chunk(
        TOKENS[:6].reshape(3, 2),
        TOKENS[1:7].reshape(3, 2),
        np.stack([reset, reset], 1) if inside else reset,
    )
    for s in entering(m, state, chunk):
        np.testing.assert_array_equal(s[:, 0], [0, 1, 0])


def test_rows_that_a_smaller_batch_leaves_out_wait():
    m = model()
    x = TOKENS[:18].reshape(3, 6)
    sizes = [(3, 0, 2), (1, 2, 4), (3, 4, 6)]
    *_, last = updates(
        m, [Chunk(x[:n, a:b], x[:n, a:b]) for n, a, b in sizes], None, None, sgd(m, 1e-300)
    )
    _, one = m.logits(mg.tensor(x[:1].T))
    _, rest = m.logits(mg.tensor(np.delete(x, [2, 3], axis=1).T))
    np.testing.assert_allclose(last.state[0], [one.data[0], *rest.data[1:]], rtol=1e-12)


def test_a_row_from_nowhere_is_refused():
    m, x = model(), TOKENS[:6].reshape(3, 2)
    with pytest.raises(ArgumentError) as error:
        fit(m, [Chunk(x[:2], x[:2]), Chunk(x, x)], None, 1.0, sgd(m))
    assert error.value.text == (
        "chunk: 3 rows after a chunk of 2; a row that goes on needs a state. "
        "Reset the new rows, or leave out the smaller batch."
    )
    new = np.array([False, False, True])
    assert fit(m, [Chunk(x[:2], x[:2]), Chunk(x, x, new)], None, 1.0, sgd(m)).updates == 2


def test_validation_has_its_own_state():
    runs = []
    for validating in (False, True):
        m, seen = model("lstm", 2, dropout=0.5), []
        for u in updates(m, epochs(Rows(TOKENS, 4, 9), 1), None, 1.0, sgd(m)):
            if validating:
                before = [s.copy() for s in u.state]
                evaluate(m, Rows(TOKENS, 3, 5).chunks(1))
                np.testing.assert_array_equal(before, u.state)
            seen.append(u.state)
        runs.append([*values(m), *(s for state in seen for s in state)])
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


# --- clipping -------------------------------------------------------------------------------------------------------
@given(bound=st.floats(1e-3, 1e3))
def test_the_norm_is_that_of_all_parameters_together_and_the_direction_stays(bound):
    m, chunk = model("gru"), Chunk(TOKENS[None, :9], TOKENS[None, 1:10])
    whole = gradient(m, [chunk])
    norm = np.sqrt(sum(np.sum(np.square(g)) for g in whole))
    before = values(m)
    (one,) = updates(m, [chunk], None, bound, sgd(m))
    assert one.norm == pytest.approx(norm, rel=1e-9)
    assert one.clipped_norm == pytest.approx(min(norm, bound), rel=1e-9)
    assert one.clipped == (norm > bound)
    factor = min(1, bound / norm)
    assert_close(
        [b - a for a, b in zip(values(m), before, strict=True)],
        [g * factor for g in whole],
        rtol=1e-6,
    )


class Steep:
    """A model whose gradient is ``slopes``, one per parameter, in float32; the loss is finite."""

    def __init__(self, *slopes, start=0.0):
        self.ws = [
            mg.tensor(start, requires_grad=True, name=f"w_{i}", dtype=np.float32)
            for i in range(len(slopes))
        ]
        self.slopes = slopes

    def zero_state(self, batch):
        return (np.zeros((batch, 1), np.float32),)

    def masks(self, batch, rng):
        return ()

    def record(self, X, Y, state, reset, masks):
        with np.errstate(all="ignore"):
            loss = sum(w * np.float32(s) for w, s in zip(self.ws, self.slopes, strict=True))
        return loss.named("L"), tuple(np.positive(s) for s in state)


STEP = Chunk(np.zeros((1, 1)), np.zeros((1, 1)))


def test_a_float32_gradient_of_1e30_is_clipped_not_lost():
    m = Steep(3e30, -4e30)
    (one,) = updates(m, [STEP], None, 1.0, sgd(m))
    assert one.norm == pytest.approx(5e30)
    np.testing.assert_allclose([w.item() for w in m.ws], [-0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("bad", [-1.0, 0.0, float("nan")])
def test_a_bound_that_would_turn_the_gradient_is_refused(bad):
    with pytest.raises(ArgumentError, match=r"clip: .* expected a number above 0"):
        fit(model(), [], None, bad, sgd(model()))


# --- what is not finite ---------------------------------------------------------------------------------------------
def test_an_infinite_gradient_stops_before_any_parameter_changes():
    m = Steep(np.inf, 1.0, 1.0)
    seen = list(updates(m, [STEP, STEP], None, 1.0, sgd(m)))
    assert len(seen) == 1
    assert not np.isfinite(seen[0].norm)
    assert [w.item() for w in m.ws] == [0, 0, 0]


def test_divergence_names_the_update_the_first_bad_value_and_what_to_do():
    m = model(sigma=0.01)
    stream = epochs(Rows(TOKENS, 4, 9), 5)
    optimizer = mg.optim.SGD(parameters(m), 1e308)
    with pytest.raises(DataError) as error:
        fit(m, stream, None, None, optimizer)
    assert error.value.text.startswith("training diverged at update 2: ")
    assert "'" in error.value.text.split(": ", 1)[1]  # a name on the tape
    assert error.value.text.endswith(
        "Try a smaller learning rate (--lr) or gradient norm (--clip)."
    )
    assert all(np.isfinite(v).all() for v in values(m))


# --- strategies -----------------------------------------------------------------------------------------------------
def test_truncation_longer_than_the_chunk_changes_nothing_and_shorter_does():
    m, chunk = model("gru"), Chunk(TOKENS[None, :8], TOKENS[None, 1:9])
    full = gradient(m, [chunk])
    assert_close(gradient(m, [chunk], partial(truncate, every=8)), full)
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


# --- writing --------------------------------------------------------------------------------------------------------
def test_continuation_is_the_argmax_of_a_run_over_the_whole_prefix():
    m = model()
    fit(m, epochs(Rows(TOKENS, 4, 9), 2), None, 1.0, sgd(m))
    text = m.continue_text("it was", 10, VOCAB)
    assert text.startswith("it was")
    assert len(text) == 16
    for i in range(6, 16):
        outputs, _ = m.logits(mg.tensor(np.array([VOCAB.encode(text[:i])]).T))
        assert VOCAB.tokens[1 + int(np.argmax(outputs[-1].data[:, 1:]))] == text[i]


def test_a_model_continues_without_recording():
    m, seen = model(), []
    inner = m.logits
    m.logits = lambda *args: seen.append(inner(*args)) or seen[-1]
    m.continue_text("it", 5, VOCAB)
    assert len(seen) == 5
    assert all(o.fn is None for outputs, _ in seen for o in outputs)


def test_characters_are_drawn_with_the_probabilities_of_softmax():
    m, tau = model(sigma=1.0), 0.7
    outputs, _ = m.logits(mg.tensor(np.array([VOCAB.encode("it")]).T))
    p = mg.softmax(outputs[-1].data[0, 1:] / tau)  # never <unk>
    drawn = [VOCAB.encode(m.continue_text("it", 1, VOCAB, tau, seed))[-1] for seed in range(2000)]
    found = np.bincount(drawn, minlength=V)[1:] / 2000
    assert np.abs(found - p).max() < 4 * np.sqrt(0.25 / 2000)
    assert m.continue_text("it", 5, VOCAB, tau, 1) == m.continue_text("it", 5, VOCAB, tau, 1)


def test_an_empty_stream_is_no_perplexity():
    with pytest.raises(ArgumentError, match="evaluate: no chunk"):
        evaluate(RNNLM("rnn", 4, 5), [])
