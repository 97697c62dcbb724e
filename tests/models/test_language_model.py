"""The language model writes: by argmax, or with the probabilities of softmax."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.models import RNNLM
from minigrad.models.cells import CELLS
from minigrad.models.data.stream import Rows, epochs
from minigrad.models.train import fit
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


def test_a_kind_that_there_is_not_is_one_line():
    with pytest.raises(ArgumentError) as error:
        RNNLM("gpt", 4, 5)
    assert error.value.text == f"RNNLM: kind='gpt'; expected one of {', '.join(CELLS)}."
