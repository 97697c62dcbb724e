"""The language model writes: by argmax, or with the probabilities of softmax."""

import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.models import RNNLM, parameters, sampler
from minigrad.models.cells import CELLS
from minigrad.models.data.stream import Rows, epochs
from minigrad.models.train import fit
from minigrad.models.unrolling import as_tuple
from tests.models.train.language import (
    TOKENS,
    VOCAB,
    V,
    model,
    sgd,
)


def test_continuation_is_the_argmax_of_a_run_over_the_whole_prefix():
    m = model()
    fit(m, epochs(Rows(TOKENS, 4, 9), 2), None, 1.0, sgd(m))
    text = m.continue_text("it was", 10, VOCAB)
    assert text.startswith("it was")
    assert len(text) == 16
    for i in range(6, 16):
        outputs, _ = m.logits(mg.tensor(np.array([VOCAB.encode(text[:i])]).T))
        assert VOCAB.tokens[1 + int(np.argmax(outputs[-1].data[:, 1:]))] == text[i]


def test_a_model_continues_by_one_plan_and_is_left_as_it_was():
    m, seen = model(), []
    inner = m.logits
    m.logits = lambda *args: seen.append(args) or inner(*args)
    m.continue_text("it", 5, VOCAB)
    assert len(seen) == 1
    assert all(p.requires_grad and p.grad is None for p in parameters(m))


def test_nothing_to_go_on_from_is_one_line():
    with pytest.raises(ArgumentError) as error:
        model().continue_text("", 5, VOCAB)
    expected = "continue_text: prefix: ''; expected a character or more to go on from."
    assert error.value.text == expected


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", CELLS)
def test_a_sampler_carries_the_state_of_a_run_over_the_whole_text(kind, layers):
    m = RNNLM(kind, 6, V, layers=layers, sigma=0.5)
    tokens = np.random.default_rng(0).integers(0, V, 8)
    outputs, after = m.logits(mg.tensor(tokens[:, None]))
    sample = sampler(m)
    for _ in range(2):
        sample.reset()
        for token, output in zip(tokens, outputs, strict=True):
            np.testing.assert_allclose(sample(token), output.data[0], rtol=2e-5, atol=1e-6)
    for found, expected in zip(sample.state, as_tuple(after), strict=True):
        np.testing.assert_allclose(found, expected.data, rtol=2e-5, atol=1e-6)


def test_a_sampler_goes_on_from_a_state_and_keeps_its_weights():
    m = RNNLM("lstm", 6, V, sigma=0.5)
    sample = sampler(m)
    sample(1)
    kept, logits = sample.state, sample(2)
    m.W_hq.assign(m.W_hq.data * 2)
    sample.state = kept
    np.testing.assert_array_equal(sample(2), logits)
    with pytest.raises(ArgumentError, match=f"embedding: indices: {V}; expected"):
        sample(V)
    np.testing.assert_allclose(
        sampler(m)(1), 2 * sampler(RNNLM("lstm", 6, V, sigma=0.5))(1), rtol=1e-5
    )


def test_a_large_vocabulary_is_looked_up_and_not_written_out():
    """50,257 one-hot rows for 40 tokens would take as much memory as the logits."""
    classes, tokens = 50_257, np.arange(40).reshape(2, 20)
    m = RNNLM("rnn", 2, classes)
    tracemalloc.start()
    try:
        outputs, _ = m.logits(mg.tensor(tokens.T))
        before, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    logits = sum(o.data.nbytes for o in outputs)
    # a product and a sum are kept of each output
    assert before < 2.2 * logits


def test_characters_are_drawn_with_the_probabilities_of_softmax():
    m, tau = model(sigma=1.0), 0.7
    outputs, _ = m.logits(mg.tensor(np.array([VOCAB.encode("it")]).T))
    p = mg.softmax(outputs[-1].data[0, 1:] / tau)  # never <unk>
    drawn = [VOCAB.encode(m.continue_text("it", 1, VOCAB, tau, seed))[-1] for seed in range(2000)]
    found = np.bincount(drawn, minlength=V)[1:] / 2000
    assert np.abs(found - p).max() < 4 * np.sqrt(0.25 / 2000)
    assert m.continue_text("it", 5, VOCAB, tau, 1) == m.continue_text("it", 5, VOCAB, tau, 1)


def test_a_kind_that_there_is_not_is_one_line():
    with pytest.raises(ArgumentError) as error:
        RNNLM("gpt", 4, 5)
    assert error.value.text == f"RNNLM: kind='gpt'; expected one of {', '.join(CELLS)}."
