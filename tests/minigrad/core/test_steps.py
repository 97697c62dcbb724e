"""Steps: the one backward pass, a node at a time, and what it keeps."""

import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.transforms import differentiate
from tests.zoo import param, plain_rnn


# --- backward --------------------------------------------------------------------------------------------------------
@given(st.integers(1, 6), st.integers(0, 99))
def test_steps_drained_are_backward_bit_for_bit(T, seed):
    loss, W, _ = plain_rnn(T, seed)
    tape = mg.Tape.of(loss)
    steps = list(tape.steps())
    assert W.grad is None
    assert all(n.grad is None for n in tape.leaves)
    tape.backward()
    (last,) = [s for s in steps if s.tensor is W]
    np.testing.assert_array_equal(last.grad, W.grad)
    np.testing.assert_array_equal(mg.grad(loss, [W])[0].data, W.grad)
    again, V, _ = plain_rnn(T, seed)
    again.backward()
    np.testing.assert_array_equal(V.grad, W.grad)
    assert [n for n in tape.leaves if n.grad is not None] == [W]


def test_steps_go_last_to_first_and_add_up():
    loss, *_ = plain_rnn()
    tape = mg.Tape.of(loss)
    order = {n: i for i, n in enumerate(tape.nodes)}
    steps = list(tape.steps())
    places = [order[s.tensor] for s in steps]
    assert places == sorted(places, reverse=True)
    arrived = {loss: 1.0}
    for node, g, contributions in steps:
        np.testing.assert_allclose(g, arrived[node], rtol=1e-14)
        for x, c in zip(node.inputs, contributions, strict=True):
            if c is not None:
                arrived[x] = arrived.get(x, 0) + c
    assert [s.time for s in steps if s.tensor.name] == [3, 3, 2, 1, None]
    assert all(s.origin == s.tensor.origin for s in steps)


def test_each_node_once_and_each_edge_once():
    for tape in (mg.Tape.of(plain_rnn(5)[0]), mg.Tape.of(doublings(15)[1])):
        steps = list(tape.steps())
        assert len({s.tensor for s in steps}) == len(steps)
        calls = sum(c is not None for s in steps for c in s.contributions)
        assert calls == sum(e.carries_gradient for e in tape.edges())


def rows_read_one_by_one(steps=400, width=50):
    """A loop over the rows of one tensor that needs a gradient: basic, integer-array and dense uses of X, mixed."""
    X = mg.tensor(
        np.linspace(0, 1, steps * width).reshape(steps, width), requires_grad=True, name="X"
    )
    loss = np.sum(X * X)
    for t in range(steps):
        loss = loss + np.sum(X[t] * X[t]) + np.sum(X[[t, t]]) + np.sum(X[np.arange(steps) == t])
    return X, loss


def test_reading_rows_one_by_one_is_right():
    X, loss = rows_read_one_by_one(7, 3)
    expected = 4 * X.data + 3
    loss.backward()
    np.testing.assert_allclose(X.grad, expected, rtol=1e-13)
    np.testing.assert_allclose(mg.grad(loss, X, create_graph=True)[0].data, expected, rtol=1e-13)
    total = {X: 0}
    for node, _, contributions in mg.Tape.of(loss).steps():
        for x, c in zip(node.inputs, contributions, strict=True):
            assert c is None or c.shape == x.shape
            if x is X:
                total[X] = total[X] + c
    np.testing.assert_allclose(total[X], expected, rtol=1e-13)


def test_reading_rows_one_by_one_costs_no_array_per_row():
    X, loss = rows_read_one_by_one()
    mg.grad(loss, X)
    tracemalloc.start()
    for _ in mg.Tape.of(loss).steps():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * X.data.nbytes  # of 2,000 uses
    gradient = differentiate(mg.Tape.of(loss))
    assert sum(n.size >= X.size for n in gradient.nodes) < 20


def test_a_step_keeps_what_it_sent():
    """Adjoints are summed in place, but never in an array that a step has shown."""
    w = param([1.0, 2.0])
    loss = np.sum(w * 2 + w * 3 + np.exp(w) + w)
    shown = []
    for step in mg.Tape.of(loss).steps():
        shown += [(c, c.copy()) for c in [step.grad, *step.contributions] if c is not None]
    for array, then in shown:
        np.testing.assert_array_equal(array, then)
        assert not array.flags.writeable


def doublings(n):
    x = y = param(1.0)
    for _ in range(n):
        y = y + y
    return x, y
