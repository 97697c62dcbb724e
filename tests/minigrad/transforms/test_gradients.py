"""Differentiation of a tape, and clipping of the gradients on it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from tests.laws import close, same, slope
from tests.minigrad.transforms.gradients import grads, steps, values
from tests.zoo import Net, lstm_cell, nets, tanh_cell


@given(nets)
def test_differentiate_is_grad_on_the_tape(net):
    tape, params = net.tape()
    new = tf.differentiate(tape, params)
    assert new.wrt == tuple(params)
    same(values(new.outputs[1:]), values(mg.grad(tape.outputs[0], params)))
    only = tf.differentiate(tape, params[0])
    same(values(only.outputs), values(new.outputs[:2]))
    same(
        values(tf.differentiate(tape).outputs[1:]),
        values(mg.grad(tape.outputs[0], tape.parameters)),
    )


@given(nets, st.integers(0, 99))
def test_a_differentiated_tape_replays_the_whole_training_step(net, seed):
    tape, params = net.tape()
    rng = np.random.default_rng(seed)
    fresh = [mg.tensor(rng.normal(size=(2, 2)), requires_grad=True) for _ in params]
    got = tf.differentiate(tape, params).replay(
        {p: f.data for p, f in zip(params, fresh, strict=True)}
    )
    loss = net.loss(fresh)
    close(got, [loss.data, *values(mg.grad(loss, fresh))], atol=1e-12)


@given(nets, steps)
def test_truncated_then_differentiated(net, k):
    tape, params = net.tape()
    short = tf.truncate(tape, every=k)
    same(values(tf.differentiate(short, params).outputs[1:]), grads(short, params))


@pytest.mark.parametrize("cell", [tanh_cell, lstm_cell])
def test_second_derivatives_through_differentiate(cell):
    net = Net(cell, T=3)
    tape, params = net.tape()
    new = tf.differentiate(tape, params)
    second = mg.grad(sum(np.sum(g) for g in new.outputs[1:]), params)

    def loss(*ws):
        return net.loss([mg.tensor(w) for w in ws]).item()

    ws = values(params)
    for i, s in enumerate(second):

        def along_ones(w, i=i, e=1e-3):
            moved = [[v + k * e for v in [*ws[:i], w, *ws[i + 1 :]]] for k in (-2, -1, 1, 2)]
            f = [loss(*m) for m in moved]
            return (8 * (f[2] - f[1]) - f[3] + f[0]) / (12 * e)

        np.testing.assert_allclose(s.data, slope(along_ones, ws[i]), rtol=1e-5, atol=1e-7)
    again = tf.differentiate(mg.Tape.of(sum(np.sum(g) for g in new.outputs[1:])), params)
    same(values(again.outputs[1:]), values(second))


def norm(gs):
    return np.sqrt(sum(np.sum(np.square(g)) for g in gs))


@given(nets, st.floats(1e-3, 3))
def test_clip_scales_all_gradients_together(net, bound):
    tape, params = net.tape()
    new = tf.differentiate(tape, params)
    before, after = values(new.outputs[1:]), values(tf.clip(new, bound).outputs[1:])
    close(after, [g * min(1, bound / norm(before)) for g in before], atol=1e-12)
    if norm(before) <= bound * (1 - 1e-12):
        same(after, before)


@given(nets, st.floats(1e-3, 0.5))
def test_clip_value_clips_each_element(net, limit):
    tape, params = net.tape()
    new = tf.differentiate(tape, params)
    same(
        values(tf.clip_value(new, limit).outputs[1:]),
        [np.clip(g, -limit, limit) for g in values(new.outputs[1:])],
    )


@given(nets, st.integers(0, 99))
def test_clipping_is_replayed(net, seed):
    tape, params = net.tape()
    new = np.random.default_rng(seed).normal(size=(len(params), 2, 2))
    feeds = dict(zip(params, new, strict=True))
    plain = tf.differentiate(tape, params)
    _, *gs = plain.replay(feeds)
    close(
        tf.clip(plain, 0.5).replay(feeds)[1:], [g * min(1, 0.5 / norm(gs)) for g in gs], atol=1e-12
    )


def with_gradients(*gs):
    """A differentiated tape whose gradients are gs."""
    ps = [mg.tensor(np.zeros_like(g), requires_grad=True) for g in gs]
    tensors = [mg.tensor(g) for g in gs]
    with np.errstate(invalid="ignore"):  # 0 * inf in the loss, of which nothing is asked
        return tf.differentiate(
            mg.Tape.of(sum(np.sum(p * g) for p, g in zip(ps, tensors, strict=True))), ps
        )


def test_clip_of_huge_float32_does_not_overflow():
    tape = tf.clip(with_gradients(np.float32([3e20, 0]), np.float32([4e20])), 5.0)
    assert [g.dtype for g in tape.outputs[1:]] == [np.float32] * 2
    close(values(tape.outputs[1:]), [[3, 0], [4]], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_clip_of_what_is_not_finite_is_nan_everywhere(bad):
    with np.errstate(invalid="ignore"):  # NumPy warns of the division, which is the point
        tape = tf.clip(with_gradients(np.array([bad, 1.0]), np.array([2.0])), 1.0)
    assert all(np.all(np.isnan(g.data)) for g in tape.outputs[1:])


def test_clip_of_zero_is_zero():
    same(values(tf.clip(with_gradients(np.zeros(2), np.zeros(1)), 1.0).outputs[1:]), [[0, 0], [0]])
