"""Regular and windowed truncation: the same as hand-written forward passes."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from tests.laws import close, same
from tests.minigrad.transforms.gradients import grads, steps, total, values
from tests.zoo import nets


@given(nets, steps)
def test_every_k_is_a_detach_placed_by_hand(net, k):
    tape, params = net.tape()
    by_hand = net.grads(lambda t, h: mg.detach(h) if (t - 1) % k == 0 else h)
    same(grads(tf.truncate(tape, every=k), params), by_hand)


@given(nets, steps)
def test_truncating_twice_is_truncating_once(net, k):
    tape, _ = net.tape()
    for once in (partial(tf.truncate, every=k), partial(tf.truncate, window=k - 1)):
        first = once(tape)
        assert once(first) is first


@given(nets, st.integers(0, 7))
def test_a_window_is_the_sum_over_the_terms_of_a_hand_written_forward(net, w):
    tape, params = net.tape()
    terms = [
        net.grads(lambda s, h, t=t: mg.detach(h) if s == t - w else h, terms=[t]) for t in net.terms
    ]
    close(grads(tf.truncate(tape, window=w), params), total(terms), atol=1e-12)


@given(nets, steps, st.integers(0, 7))
def test_every_and_window_are_truncated_bptt_of_two_lengths(net, k1, w):
    """TBPTT(k1, k2 = w + 1) by hand: the losses of each block of k1 steps reach back w edges from the block's end."""
    tape, params = net.tape()
    blocks = []
    for start in range(1, net.T + 1, k1):
        end = min(start + k1 - 1, net.T)
        terms = [t for t in net.terms if start <= t <= end]
        if terms:
            blocks.append(
                net.grads(lambda t, h, low=end - w: mg.detach(h) if t <= low else h, terms)
            )
    close(grads(tf.truncate(tape, every=k1, window=w), params), total(blocks), atol=1e-12)


def test_the_sliding_window_of_the_forum():
    """x_t = w x_{t-1}: each term's gradient from one forward pass; interior gradients that leak would give 0.288."""
    w, x, terms = mg.tensor(0.2, requires_grad=True), mg.tensor(0.9), []
    for t in (1, 2, 3):
        with mg.timestep(t):
            x = x * w
        terms.append(x)
    close([mg.grad(x, [w])[0].data for x in terms], [0.9, 0.36, 0.108], atol=1e-12)
    close(
        grads(tf.truncate(mg.Tape.of(sum(terms)), window=2), [w]), [0.9 + 0.36 + 0.108], atol=1e-12
    )
    close(
        grads(tf.truncate(mg.Tape.of(sum(terms)), window=1), [w]),
        [0.9 + 0.36 + 0.036 + 0.2 * 0.18],
        atol=1e-12,
    )
    close(
        grads(tf.truncate(mg.Tape.of(sum(terms)), window=0), [w]), [0.9 + 0.18 + 0.036], atol=1e-12
    )


@pytest.mark.parametrize("size", [(), 1, 2])
def test_a_residual_state_is_cut_on_both_its_ways(size):
    def loss(w, enter):
        h = mg.tensor(np.ones(size))
        for t in (1, 2, 3):
            with mg.timestep(t):
                h = enter(h) if t > 1 else h
                h = h + np.tanh(h * w)
        return np.sum(h)

    w = mg.tensor(0.5, requires_grad=True)
    expected = mg.grad(loss(w, mg.detach), [w])
    same(grads(tf.truncate(mg.Tape.of(loss(w, lambda h: h)), every=1), [w]), values(expected))


def test_steps_may_start_anywhere_and_be_any_integers():
    w = mg.tensor(0.5, requires_grad=True)

    def tape(stamps):
        h = mg.tensor(1.0)
        for t in stamps:
            with mg.timestep(t):
                h = np.tanh(h * w)
        return mg.Tape.of(h)

    for transform in (partial(tf.truncate, every=2), partial(tf.truncate, window=1)):
        expected = grads(transform(tape([1, 2, 3, 4, 5])), [w])
        same(grads(transform(tape([0, 1, 2, 3, 4])), [w]), expected)
        same(grads(transform(tape([-7, -6, -5, -4, -3])), [w]), expected)


def test_time_may_run_backwards():
    """The second direction of a bidirectional network: step t reads step t + 1."""

    def loss(w, enter=lambda t, h: h, terms=range(1, 6)):
        h, out = mg.tensor(0.3), 0.0
        for t in range(5, 0, -1):
            with mg.timestep(t):
                h = np.tanh(enter(t, h) * w + 0.1 * t)
                out = out + (t in terms) * np.square(h)
        return out

    w = mg.tensor(0.9, requires_grad=True)
    tape = mg.Tape.of(loss(w))
    by_hand = mg.grad(loss(w, lambda t, h: mg.detach(h) if t % 2 == 0 else h), [w])
    same(grads(tf.truncate(tape, every=2), [w]), values(by_hand))
    terms = [
        values(mg.grad(loss(w, lambda s, h, t=t: mg.detach(h) if s == t + 1 else h, [t]), [w]))
        for t in range(1, 6)
    ]
    close(grads(tf.truncate(tape, window=1), [w]), total(terms), atol=1e-12)
