"""The state between chunks: carried forward, cut backward, new where a row starts anew, kept where it waits."""

from functools import partial

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.models import parameters
from minigrad.models.data.stream import Chunk, Rows, epochs
from minigrad.models.train import entering, evaluate, fit, updates
from minigrad.transforms import cut, truncate
from tests.laws import close
from tests.models.train.language import (
    KINDS,
    TOKENS,
    apart,
    by_hand,
    gradient,
    model,
    sgd,
    values,
)


@KINDS
def test_a_carried_state_is_the_whole_sequence_cut_at_the_chunks(kind, layers):
    """Forward the state goes through, backward nothing does: h and c, of all layers, exactly at the boundaries."""
    m, k = model(kind, layers), 4
    x, y = TOKENS[:44].reshape(2, 22), TOKENS[1:45].reshape(2, 22)
    chunks = [
        Chunk(x[:, i : i + k], y[:, i : i + k]) for i in range(0, 22, k)
    ]  # the last one has 2 steps
    found = gradient(m, chunks, accumulate=len(chunks))
    close(found, by_hand(m, x, y, partial(truncate, every=k)), atol=1e-13)
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
    close([g.data for g in plain_grads], [g.data for g in bare_grads], atol=1e-13)
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


class Line:
    """A model without a state: the mean squared error of w x + b."""

    def __init__(self):
        self.w = mg.tensor(0.5, requires_grad=True, name="w")
        self.b = mg.tensor(0.0, requires_grad=True, name="b")

    def zero_state(self, batch):
        return ()

    def masks(self, batch, rng):
        return ()

    def record(self, X, Y, state, reset, masks):
        assert state == ()
        return mg.mse(self.w * X + self.b, Y).named("L"), ()


@pytest.mark.parametrize("compiled", [True, False])
def test_a_model_without_a_state_is_trained_alike(compiled):
    line, rng = Line(), np.random.default_rng(0)
    x = rng.normal(size=(8, 1))
    chunks = [Chunk(x, 2 * x - 1)] * 200
    optimizer = mg.optim.SGD(parameters(line), 0.2)
    *_, last = updates(line, chunks, None, None, optimizer, compiled=compiled)
    assert last.state == ()
    assert (line.w.item(), line.b.item()) == pytest.approx((2, -1))
    assert evaluate(line, chunks[:1]) == pytest.approx(0, abs=1e-9)
