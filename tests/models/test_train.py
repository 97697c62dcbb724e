"""Training: the trainer's update is the textbook's, its perplexity counts every window once, its runs repeat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from models import RNNLM, Vocabulary, Windows, parameters
from models import train as training
from models.text import preprocess

TEXT = preprocess("It was the best of times, it was the worst of times, it was the age of wisdom, " * 8)
VOCAB = Vocabulary.of(TEXT)


def windows(steps=8):
    return Windows.of(VOCAB.encode(TEXT), steps)


def model(kind="rnn", seed=0, dtype=np.float64):
    return RNNLM(kind, 8, len(VOCAB.tokens), seed, dtype)


def trained(kind="rnn", epochs=1, lr=1.0, every=None, max_norm=1.0, seed=0):
    m = model(kind, seed)
    epochs = list(training.train(m, windows(), epochs, lr, every, max_norm, seed))
    return m, epochs


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_learning_lowers_the_perplexity_from_that_of_guessing(kind):
    _, epochs = trained(kind, epochs=40, lr=4.0)
    assert training.perplexity(model(kind), windows().validation) == pytest.approx(len(VOCAB.tokens), rel=0.01)
    assert epochs[-1].validation < 0.75 * len(VOCAB.tokens)
    assert epochs[-1].train < epochs[0].train


def test_one_update_is_backward_clip_and_step_by_hand():
    after, _ = trained(every=3, max_norm=0.01)
    by_hand = model()
    rows = windows().train[np.random.default_rng((0, 1)).permutation(len(windows().train))]
    state, nats = by_hand.cell.zero_state((len(rows), len(VOCAB.tokens))), []
    for t in range(8):
        state = state.detach() if t in (3, 6) else state
        _, state = by_hand.cell(mg.tensor(np.eye(len(VOCAB.tokens))[rows[:, t]]), state)
        nats.append(mg.cross_entropy(state @ by_hand.W_hq + by_hand.b_q, rows[:, t + 1]))
    (sum(nats) / 8).backward()
    ps = parameters(by_hand)
    assert mg.optim.clip_grad_norm(ps, 0.01) > 0.01
    mg.optim.SGD(ps, lr=1.0).step()
    for a, b in zip(parameters(after), ps, strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12, atol=1e-15)


@given(batch=st.integers(1, 500))
def test_perplexity_does_not_depend_on_how_the_windows_are_batched(batch):
    m, rows = model(), windows().validation[:50]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "BATCH", batch)
        whole = np.exp(m.loss(rows[:, :-1], rows[:, 1:]).item())
        assert training.perplexity(m, rows) == pytest.approx(whole, rel=1e-12)


def test_truncation_longer_than_the_window_changes_nothing_and_shorter_does():
    runs = [np.concatenate([p.data.ravel() for p in parameters(trained(every=k)[0])]) for k in (None, 8, 2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_a_seed_repeats_a_run():
    runs = [[(e.train, e.validation) for e in trained(epochs=2, seed=s)[1]] for s in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]


def test_continuation_is_the_argmax_of_a_run_over_the_whole_prefix():
    m, _ = trained(epochs=5)
    text = m.continue_text("it was", 10, VOCAB)
    assert text.startswith("it was")
    assert len(text) == 16
    for i in range(6, 16):
        outputs, _ = m.logits(mg.tensor(np.array([VOCAB.encode(text[:i])]).T))
        assert VOCAB.tokens[int(np.argmax(outputs[-1].data))] == text[i]


def test_an_untrained_model_continues_without_recording():
    m, seen = model(), []
    inner = m.logits
    m.logits = lambda *args: seen.append(inner(*args)) or seen[-1]
    m.continue_text("it", 5, VOCAB)
    assert len(seen) == 6
    assert all(o.fn is None for outputs, _ in seen for o in outputs)
