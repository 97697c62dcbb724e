"""A small language model on a small text, and gradients of it: for the laws of the training loop."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.models import RNNLM, Vocabulary, parameters
from minigrad.models.cells import CELLS
from minigrad.models.data.text import preprocess
from minigrad.models.train import fit

TEXT = preprocess(
    "It was the best of times, it was the worst of times, it was the age of wisdom, " * 8
)
VOCAB = Vocabulary.of(TEXT)
TOKENS = np.array(VOCAB.encode(TEXT))
V = len(VOCAB.tokens)
KINDS = pytest.mark.parametrize(("kind", "layers"), [*((kind, 1) for kind in CELLS), ("lstm", 2)])


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


def apart(a, b):
    return max(np.abs(x - y).max() for x, y in zip(a, b, strict=True))


def by_hand(m, x, y, strategy=lambda tape: tape):
    """The gradient of the loss over whole rows, by the eager backward pass."""
    tape = strategy(mg.Tape.of(m.loss(x, y)))
    return [g.data for g in mg.transforms.differentiate(tape, parameters(m)).outputs[1:]]
