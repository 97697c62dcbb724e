"""Randomized truncation: equation 9.7.8, unbiased, and what was drawn."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from minigrad.core import gates
from minigrad.errors import ArgumentError
from tests.laws import close, same
from tests.minigrad.transforms.gradients import grads, recurrent, total, values
from tests.zoo import Net, lstm_cell, nets

six = Net(T=6, every_step=False)
KEEP = {2: 0.3, 3: 0.5, 4: 0.9, 5: 0.6, 6: 0.25}


def scaled(tape, xi):
    return tf.scale(tape, recurrent(tape), lambda e: xi[e.target.time])


def patterns(reweight=True):
    """Every way to cut, as (probability, {t: xi_t})."""
    for kept in itertools.product([False, True], repeat=len(KEEP)):
        chance = np.prod([p if k else 1 - p for p, k in zip(KEEP.values(), kept, strict=True)])
        yield (
            chance,
            {
                t: k / p if reweight else float(k)
                for (t, p), k in zip(KEEP.items(), kept, strict=True)
            },
        )


def forward_sensitivity(net, xi):
    """Equation 9.7.8 on plain arrays: z_t = df/dw + xi_t df/dh z_{t-1}, for a tanh network with a loss at the end."""
    rng = np.random.default_rng(net.seed + 1)
    x, y = rng.normal(size=(2, net.T, 3, 2))
    h = rng.normal(size=(3, 2))
    wx, wh = values(net.params())
    z = np.zeros((3, 2, 2, 2, 2))  # batch, unit, which matrix, row, column
    for t in range(1, net.T + 1):
        immediate = np.zeros_like(z)
        for j in range(2):
            immediate[:, j, 0, :, j], immediate[:, j, 1, :, j] = x[t - 1], h
        h = np.tanh(x[t - 1] @ wx + h @ wh)
        carried = np.einsum("kj,bkmrc->bjmrc", wh, z)
        z = (1 - h**2)[:, :, None, None, None] * (immediate + xi.get(t, 1.0) * carried)
    return list(np.einsum("bj,bjmrc->mrc", 2 * (h - y[-1]) / h.size, z))


def test_each_pattern_is_equation_9_7_8():
    tape, params = six.tape()
    for _, xi in patterns():
        close(grads(scaled(tape, xi), params), forward_sensitivity(six, xi), atol=1e-12)


def test_reweight_is_equation_9_7_8():
    tape, params = six.tape()
    for _, xi in patterns():
        new = tf.reweight(tape, xi)
        same(grads(new, params), grads(scaled(tape, xi), params))
        close(grads(new, params), forward_sensitivity(six, xi), atol=1e-12)


def test_an_edge_over_several_boundaries_carries_their_product():
    w, early = mg.tensor(0.5, requires_grad=True), None
    for t in (1, 2, 3):
        with mg.timestep(t):
            h = np.tanh((mg.tensor(1.0) if early is None else early) * w)
            early = h if early is None else early
    far = {2: 3.0, 3: 5.0}
    new = tf.reweight(mg.Tape.of(h), far)
    skip = tf.scale(mg.Tape.of(h), recurrent(mg.Tape.of(h)), 15.0)
    same(grads(new, [w]), grads(skip, [w]))


def test_randomized_truncation_is_unbiased():
    tape, params = six.tape()
    mean = total([[p * g for g in grads(scaled(tape, xi), params)] for p, xi in patterns()])
    close(mean, grads(tape, params), rtol=0, atol=1e-12)
    close(mean, forward_sensitivity(six, {}), rtol=0, atol=1e-12)


def test_without_reweighting_it_is_biased():
    tape, params = six.tape()
    mean = total(
        [[p * g for g in grads(scaled(tape, xi), params)] for p, xi in patterns(reweight=False)]
    )
    assert all(np.max(np.abs(m - g)) > 1e-2 for m, g in zip(mean, grads(tape, params), strict=True))


def drawn(tape):
    """{t: the tensor xi_t} as read from the gates."""
    return {n.time: n.inputs[1] for n in tape.nodes if n.fn is gates.scale_grad}


@given(nets, st.integers(0, 9999), st.floats(0.05, 0.95))
def test_the_gradient_is_that_of_the_xi_that_were_drawn(net, seed, keep):
    tape, params = net.tape()
    new = tf.truncate_randomly(tape, keep, seed)
    xi = {t: x.item() for t, x in drawn(new).items()}
    assert set(xi) == set(range(2, net.T + 1))
    assert set(xi.values()) <= {0.0, 1 / keep}
    assert all(x.name == f"xi_{t}" for t, x in drawn(new).items())
    same(grads(new, params), grads(scaled(tape, xi), params))
    same(grads(new, params), net.grads(lambda t, h: mg.scale_grad(h, xi[t])))
    same(
        grads(tf.truncate_randomly(tape, keep, np.random.default_rng(seed)), params),
        grads(new, params),
    )


@given(nets, st.integers(0, 9999))
def test_random_segments_cut_where_the_reweighted_do(net, seed):
    tape, params = net.tape()
    xi = {t: x.item() for t, x in drawn(tf.truncate_randomly(tape, 0.5, seed)).items()}
    new = tf.truncate_randomly(tape, 0.5, seed, reweight=False)
    same(grads(new, params), net.grads(lambda t, h: h if xi[t] else mg.detach(h)))


@pytest.mark.parametrize("keep", [0.2, 0.7])
def test_boundaries_are_kept_as_often_as_asked(keep):
    tape, _ = replace(six, T=7).tape()
    new = [tf.truncate_randomly(tape, keep, seed) for seed in range(100)]
    kept = np.mean([x.item() > 0 for t in new for x in drawn(t).values()])
    assert abs(kept - keep) < 5 * np.sqrt(keep * (1 - keep) / 600)  # five standard deviations


def test_every_state_of_a_boundary_shares_its_xi():
    tape, _ = Net(lstm_cell, layers=2).tape()
    by_step = {}
    for n in tf.truncate_randomly(tape, 0.5, 0).nodes:
        if n.fn is gates.scale_grad:
            by_step.setdefault(n.time, []).append(n.inputs[1])
    assert {t: len(xis) for t, xis in by_step.items()} == dict.fromkeys([2, 3, 4], 4)
    assert all(len(set(xis)) == 1 for xis in by_step.values())


def test_keep_may_name_steps():
    tape, params = six.tape()
    new = tf.truncate_randomly(tape, {4: 1e-9}, 0)
    assert set(drawn(new)) == {4}
    same(grads(new, params), six.grads(lambda t, h: mg.detach(h) if t == 4 else h))
    new = tf.truncate_randomly(tape, KEEP, 5)
    assert all(x.item() in (0, 1 / KEEP[t]) for t, x in drawn(new).items())


@pytest.mark.parametrize("keep", [-0.5, 1.5, np.nan, {3: -1e-9}, {1: 0.5}, {7: 0.5}])
def test_a_bad_keep_is_refused(keep):
    with pytest.raises(ArgumentError, match=r"truncate_randomly: keep at t=\d.*a step in 2\.\.6"):
        tf.truncate_randomly(six.tape()[0], keep, 0)


def test_steps_may_be_stamped_far_apart():
    h, w = mg.tensor(1.0), mg.tensor(0.5, requires_grad=True)
    for t in (-(10**9), 0, 10**12):
        with mg.timestep(t):
            h = np.tanh(h * w)
    new = tf.truncate_randomly(mg.Tape.of(h), 0.5, 1)
    assert set(drawn(new)) <= {0, 10**12}


def test_a_probability_of_zero_always_cuts_and_says_that_it_is_biased():
    tape, params = six.tape()
    by_hand = six.grads(lambda t, h: mg.detach(h) if t == 4 else h)
    for keep in ({4: 0}, {4: 0.0, 2: 1.0}):
        with pytest.warns(UserWarning, match=r"keep is 0 at t=4, always cut: .* biased"):
            new = tf.truncate_randomly(tape, keep, 0)
        same(grads(new, params), by_hand)
    with pytest.warns(UserWarning, match="t=2, 3, 4, 5, 6"):
        never = tf.truncate_randomly(tape, 0.0, 0)
    same(grads(never, params), grads(tf.truncate(tape, every=1), params))
    same(grads(tf.truncate_randomly(tape, {4: 0}, 0, reweight=False), params), by_hand)


def test_a_plan_draws_again_where_a_probability_is_zero():
    tape, params = six.tape()
    with pytest.warns(UserWarning, match="biased"):
        new = tf.truncate_randomly(tape, {3: 0.5, 4: 0.0}, 0)
    plan = mg.compile(tf.differentiate(new, params))
    for seed in range(4):
        plan.resample(seed)
        kept = np.random.default_rng(seed).random() < 0.5
        xi = {3: 2.0 * kept, 4: 0.0}
        close(plan()[1:], six.grads(lambda t, h, xi=xi: mg.scale_grad(h, xi.get(t, 1.0))))
