"""The law of padding: loss and gradient of a padded batch are those of its sequences one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import models
from minigrad import transforms as tr
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.models.data.stream import Chunk
from minigrad.models.unrolling import as_tuple
from tests.laws import agrees, close, examples
from tests.zoo import SMALL_CELLS

CELLS = {**SMALL_CELLS, "linear": lambda rng: models.LinearRNN(2, 3, 2, rng)}
TRUNCATIONS = {
    "full": lambda tape: tape,
    "every": lambda tape: tr.truncate(tape, every=2),
    "window": lambda tape: tr.truncate(tape, window=1),
    "both": lambda tape: tr.truncate(tape, every=2, window=3),
}
kinds = st.sampled_from(list(CELLS))


def loss_of(cell, xs, reset=None, lengths=None):
    """Of every output and of the last state: an output of zeros adds nothing."""
    outputs, state = models.unroll(cell, xs, reset=reset, lengths=lengths)
    loss = 0
    for o in outputs:
        loss = loss + np.sum(np.sin(o))
    for s in as_tuple(state):
        loss = loss + np.sum(np.square(s - 0.3))
    return loss


def batch(kind, seed, T=5, B=4):
    """A cell, sequences of 1, T and random lengths, and where each starts anew."""
    rng = np.random.default_rng(seed)
    lengths = rng.permutation([1, T, *rng.integers(1, T + 1, B - 2)])
    sequences = [rng.normal(size=(n, 2)) for n in lengths]
    return CELLS[kind](rng), sequences, [rng.random(n) < 0.3 for n in lengths]


def time_first(kind, xs):
    """The examples of the linear network are columns."""
    return np.swapaxes(xs, 1, 2) if kind == "linear" else xs


def differentiated(loss, cell, truncation):
    tape = TRUNCATIONS[truncation](mg.Tape.of(loss))
    return tr.differentiate(tape, models.parameters(cell))


@given(
    kind=kinds,
    truncation=st.sampled_from(list(TRUNCATIONS)),
    seed=st.integers(0, 999),
    resets=st.booleans(),
)
@examples(40)
def test_a_padded_batch_has_the_gradient_of_its_sequences(kind, truncation, seed, resets):
    cell, sequences, starts = batch(kind, seed)
    xs, lengths = models.pad(sequences)
    reset = models.pad(starts, value=True)[0] if resets else None
    loss = loss_of(cell, time_first(kind, xs), reset, lengths)
    found = differentiated(loss, cell, truncation).outputs
    each = []
    for x, start in zip(sequences, starts, strict=True):
        row = start[:, None] if resets else None
        loss = loss_of(cell, time_first(kind, x[:, None]), row)
        each.append([o.data for o in differentiated(loss, cell, truncation).outputs])
    expected = [sum(parts) for parts in zip(*each, strict=True)]
    close([o.data for o in found], expected, 1e-12, 1e-12)


@examples(20)
@given(kind=kinds, seed=st.integers(0, 999), noise=st.floats(-1e6, 1e6))
def test_state_and_outputs_end_with_the_sequence_whatever_the_padding_is(kind, seed, noise):
    cell, sequences, _ = batch(kind, seed)
    xs, lengths = models.pad(sequences, value=noise)
    outputs, state = models.unroll(cell, time_first(kind, xs), lengths=lengths)
    columns = kind == "linear"
    for i, x in enumerate(sequences):
        alone, last = models.unroll(cell, time_first(kind, x[:, None]))
        for t, o in enumerate(outputs):
            row = o.data[:, i] if columns else o.data[i]
            expected = np.zeros_like(row)
            if t < len(x):
                expected = alone[t].data[:, 0] if columns else alone[t].data[0]
            close(row, expected, 1e-13)
        for s, e in zip(as_tuple(state), as_tuple(last), strict=True):
            row, expected = (a.data.T[k] if columns else a.data[k] for a, k in ((s, i), (e, 0)))
            close(row, expected, 1e-13)


@pytest.mark.parametrize(
    ("kind", "truncation"), [*((kind, "full") for kind in CELLS), ("rnn", "both")]
)
def test_one_plan_serves_all_lengths_also_in_shards(kind, truncation):
    cell, sequences, _ = batch(kind, 0)
    xs, lengths = models.pad(sequences)
    X = mg.tensor(time_first(kind, xs), name="X")
    tape = differentiated(loss_of(cell, X, lengths=lengths), cell, truncation)
    rng = np.random.default_rng(1)
    feeds = {"X": rng.normal(size=X.shape), "lengths": np.array([5, 1, 2, 3])}
    agrees(tape, feeds, sharded=None if kind == "linear" else True)


def test_a_plan_refuses_lengths_that_are_none():
    cell, sequences, _ = batch("rnn", 0)
    xs, lengths = models.pad(sequences)
    plan = mg.compile(mg.Tape.of(loss_of(cell, mg.tensor(xs, name="X"), lengths=lengths)))
    for wrong in (0, 6):
        with pytest.raises(ArgumentError, match=rf"lengths: {wrong}; expected 1\.\.5"):
            plan({"X": xs, "lengths": np.array([1, wrong, 2, 3])}, missing="recorded")


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([1, 2, 3], ShapeError, r"unroll: lengths \(3,\); expected one of each sequence, \(4,\)"),
        ([[1, 2, 3, 4]], ShapeError, r"lengths \(1, 4\)"),
        ([0, 1, 2, 3], ArgumentError, r"lengths: 0; expected 1\.\.5"),
        ([6, 1, 2, 3], ArgumentError, r"lengths: 6; expected 1\.\.5"),
        ([1.0, 2.0, 3.0, 4.0], DTypeError, "lengths: float64; expected integers"),
    ],
)
def test_lengths_that_are_none_are_refused(lengths, error, message):
    with pytest.raises(error, match=message):
        models.unroll(CELLS["gru"](0), np.ones((5, 4, 2)), lengths=lengths)


@given(st.lists(st.lists(st.integers(-9, 9), min_size=1, max_size=4), min_size=1, max_size=4))
def test_pad_is_undone_by_the_lengths(sequences):
    xs, lengths = models.pad(sequences, value=99)
    assert [xs[:n, i].tolist() for i, n in enumerate(lengths)] == sequences
    assert (xs == 99).sum() == xs.size - lengths.sum()


@pytest.mark.parametrize(
    ("sequences", "error", "message"),
    [
        ([], ArgumentError, "pad: no sequence"),
        ([[1], []], ArgumentError, "pad: sequence 1 is empty"),
        ([np.ones((2, 3)), np.ones((2, 4))], ShapeError, r"sequence 1 is \(2, 4\) and sequence 0"),
        ([1, 2], ShapeError, r"sequence 0 is \(\)"),
    ],
)
def test_what_cannot_be_padded_is_refused(sequences, error, message):
    with pytest.raises(error, match=message):
        models.pad(sequences)


# --- the language model -----------------------------------------------------------------------------------------------
def texts(seed=0):
    """Windows of three lengths, padded: inputs with 0, targets with what is none."""
    sequences = [np.random.default_rng(seed).integers(1, 6, n + 1) for n in (1, 4, 7)]
    x, lengths = models.pad([s[:-1] for s in sequences])
    y, _ = models.pad([s[1:] for s in sequences], value=-1)
    return sequences, x.T, y.T, lengths


def language_model(kind, layers):
    return models.RNNLM(kind, 5, 6, dtype=np.float64, layers=layers, sigma=0.5)


@pytest.mark.parametrize(("kind", "layers"), [("rnn", 1), ("gru", 2), ("lstm", 1)])
def test_the_loss_of_padded_texts_is_the_mean_over_their_characters(kind, layers):
    lm = language_model(kind, layers)
    sequences, x, y, lengths = texts()
    loss = lm.loss(x, y, lengths)
    found = mg.grad(loss, models.parameters(lm))
    alone = [lm.loss(s[None, :-1], s[None, 1:]) * (len(s) - 1) for s in sequences]
    whole = sum(alone[1:], alone[0]) / lengths.sum()
    close(loss, whole, 1e-12)
    close(found, mg.grad(whole, models.parameters(lm)), 1e-11)


@pytest.mark.parametrize("compiled", [True, False])
def test_training_on_padded_chunks_counts_their_characters(compiled):
    lm, other = language_model("lstm", 2), language_model("lstm", 2)
    _, x, y, lengths = texts()
    chunk = Chunk(x, y, np.ones(3, bool), lengths=lengths)
    assert chunk.tokens == 12
    assert models.train.evaluate(lm, [chunk]) == pytest.approx(lm.loss(x, y, lengths).item())
    optimizer = mg.optim.SGD(models.parameters(lm), lr=1.0)
    models.train.fit(lm, [chunk], None, None, optimizer, compiled=compiled)
    grads = mg.grad(other.loss(x, y, lengths), models.parameters(other))
    for p, q, g in zip(models.parameters(lm), models.parameters(other), grads, strict=True):
        close(p.data, q.data - g.data, 1e-12)
