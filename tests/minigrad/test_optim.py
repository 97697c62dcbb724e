"""Optimizers against their algorithms written out, and the guards of gradient clipping."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import minigrad as mg
from minigrad.errors import ArgumentError, DTypeError, GradientError, ShapeError
from minigrad.optim import SGD, Adagrad, Adam, AdamW, RMSprop, clip_grad_norm
from tests.zoo import param

values = arrays(
    np.float64,
    array_shapes(min_dims=0, max_dims=2, max_side=3),
    elements=st.floats(-9, 9, width=16),
)


def with_grad(x, grad, name=None):
    p = param(x, name)
    (+p).backward(grad)
    return p


def test_sgd_by_hand():
    p = param([1.0, 2.0])
    SGD([p], lr=0.5).step([np.array([2.0, -4.0])])
    np.testing.assert_array_equal(p.data, [0, 4])


def test_momentum_by_hand():
    """v: 1, then 0.5 + 1 = 1.5, then 0.75 - 2 = -1.25."""
    p, seen = param(10.0), []
    opt = SGD([p], lr=1.0, momentum=0.5)
    for g in (1.0, 1.0, -2.0):
        opt.step([g])
        seen.append(p.item())
    assert seen == [9, 7.5, 8.75]


@given(st.lists(values, min_size=1, max_size=4), st.floats(0, 0.95))
def test_momentum_is_a_weighted_sum_of_all_gradients(gs, momentum):
    gs = [np.broadcast_to(np.sum(g), gs[0].shape) for g in gs]
    p = param(np.zeros(gs[0].shape))
    opt = SGD([p], lr=0.1, momentum=momentum)
    for g in gs:
        opt.step([g])
    n = len(gs)
    expected = -0.1 * sum(sum(momentum**k for k in range(n - i)) * g for i, g in enumerate(gs))
    np.testing.assert_allclose(p.data, expected, rtol=1e-10, atol=1e-12)


@given(values, st.integers(1, 6), st.floats(0.001, 0.5))
def test_adam_is_algorithm_1(x, steps, lr):
    p = param(x)
    opt = Adam([p], lr=lr, betas=(0.8, 0.95), eps=1e-6)
    theta, m, v = x.copy(), np.zeros_like(x), np.zeros_like(x)
    for t in range(1, steps + 1):
        g = np.sin(theta * t)
        m = 0.8 * m + 0.2 * g
        v = 0.95 * v + 0.05 * g**2
        theta = theta - lr * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-6)
        opt.step([np.sin(p.data * t)])
        np.testing.assert_allclose(p.data, theta, rtol=1e-10, atol=1e-12)


def test_adams_first_step_is_lr_whatever_the_scale():
    p = param([1.0, 1.0, 1.0])
    Adam([p], lr=0.1).step([np.array([1e-3, -5.0, 1e6])])
    np.testing.assert_allclose(p.data, [0.9, 1.1, 0.9], rtol=1e-5)


@given(values, st.integers(1, 4), st.floats(0.001, 0.5), st.floats(0, 2))
def test_adamw_is_algorithm_2(x, steps, lr, decay):
    p = param(x)
    opt = AdamW([p], lr=lr, weight_decay=decay)
    theta, m, v = x.copy(), np.zeros_like(x), np.zeros_like(x)
    for t in range(1, steps + 1):
        g = np.sin(theta * t)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        theta = theta - (
            lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8) + lr * decay * theta
        )
        opt.step([np.sin(p.data * t)])
        np.testing.assert_allclose(p.data, theta, rtol=1e-9, atol=1e-12)


OPTIMIZERS = [
    lambda ps: SGD(ps, lr=0.1),
    lambda ps: SGD(ps, lr=0.1, momentum=0.9),
    lambda ps: Adam(ps, lr=0.1),
    lambda ps: AdamW(ps, lr=0.1, weight_decay=0.3),
    lambda ps: RMSprop(ps, lr=0.1, momentum=0.5),
    lambda ps: Adagrad(ps, lr=0.1),
]
NAMES = ["sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad"]
optimizers = pytest.mark.parametrize("make", OPTIMIZERS, ids=NAMES)


@optimizers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_restored_state_goes_on_bit_for_bit(make, dtype):
    rng = np.random.default_rng(0)
    whole, halves = (
        [mg.tensor(v, requires_grad=True, dtype=dtype) for v in (1.5, [2.0, 3.0])] for _ in range(2)
    )
    given = [[rng.normal(size=p.shape).astype(dtype) for p in whole] for _ in range(6)]
    opt, first, second = make(whole), make(halves), make(halves)
    for gs in given:
        opt.step(gs)
    for gs in given[:3]:
        first.step(gs)
    kept = {
        k: v.copy() for k, v in reversed(first.state().items())
    }  # in whatever order a file gives them
    second.restore(kept)
    for gs in given[3:]:
        second.step(gs)
    for p, q in zip(whole, halves, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


@optimizers
def test_step_of_given_gradients_equals_step_of_grad(make):
    a, b = param([1.0, 2.0]), param([1.0, 2.0])
    one, two = make([a]), make([b])
    for _ in range(3):
        np.sum(a * a).backward()
        one.step()
        one.zero_grad()
        two.step(mg.grad(np.sum(b * b), [b]))
        np.testing.assert_array_equal(a.data, b.data)
        assert a.grad is None
    assert b.grad is None


@optimizers
def test_gradients_may_be_written_over_after_the_step(make):
    """As a plan does with those it returned."""
    p, q, buffer = param([1.0, 2.0]), param([1.0, 2.0]), np.empty(2)
    one, two = make([p]), make([q])
    for g in ([1.0, -2.0], [0.5, 3.0], [0.0, 1.0]):
        buffer[:] = g
        one.step([buffer])
        buffer[:] = np.nan
        two.step([np.array(g)])
    np.testing.assert_array_equal(p.data, q.data)


@optimizers
def test_a_parameter_without_a_gradient_stays(make):
    a, b = with_grad([1.0], [2.0]), param([1.0])
    make([a, b]).step()
    assert a.item() < 1
    assert b.item() == 1


@optimizers
def test_float32_stays_float32(make):
    p = with_grad(np.float32([1, 2]), [1, 2])
    make([p]).step()
    assert p.dtype == np.float32
    assert np.all(p.data < [1, 2])


@optimizers
def test_each_parameter_has_its_own_state(make):
    together, alone = [param([1.0]), param([2.0, 3.0])], [param([1.0]), param([2.0, 3.0])]
    opt, opts = make(together), [make([p]) for p in alone]
    for k in (1.0, -0.5, 2.0):
        gs = [np.array([k]), np.array([-k, 3 * k])]
        opt.step(gs)
        for o, g in zip(opts, gs, strict=True):
            o.step([g])
    for p, q in zip(together, alone, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


@optimizers
@pytest.mark.parametrize("wrong", [lambda: mg.tensor([1.0]), lambda: param([1.0]) * 2])
def test_only_leaves_that_need_a_gradient(make, wrong):
    with pytest.raises(ArgumentError, match="is no parameter"):
        make([wrong()])


@pytest.mark.parametrize("lr", [0, -0.1, np.nan])
@pytest.mark.parametrize("cls", [SGD, Adam])
def test_the_learning_rate_is_above_0(cls, lr):
    with pytest.raises(ArgumentError, match="lr"):
        cls([param([1.0])], lr=lr)


@optimizers
def test_as_many_gradients_as_parameters(make):
    with pytest.raises(ShapeError, match="1 gradients for 2 parameters"):
        make([param([1.0]), param([2.0])]).step([np.ones(1)])


@optimizers
def test_a_gradient_of_another_shape_is_refused(make):
    p = param([1.0, 2.0])
    with pytest.raises(ShapeError):
        make([p]).step([np.ones((3, 2))])
    np.testing.assert_array_equal(p.data, [1, 2])


@optimizers
@pytest.mark.parametrize("bad", [np.ones(3), np.array([1j, 1]), ["a", "b"]])
def test_a_step_writes_into_the_parameters_own_arrays_all_or_none(make, bad):
    ps = [param([1.0, 2.0]), param(np.float32([3, 4]))]
    arrays, opt = [p.data for p in ps], make(ps)
    with pytest.raises((ShapeError, DTypeError)):
        opt.step([np.ones(2), bad])
    assert [a.tolist() for a in arrays] == [[1, 2], [3, 4]]
    opt.step([np.ones(2), np.ones(2)])
    assert all(
        p.data is a and a[0] not in (1, 3) and not a.flags.writeable
        for p, a in zip(ps, arrays, strict=True)
    )
    assert all(p.assigned > 0 for p in ps)


# --- clipping --------------------------------------------------------------------------------------------------------
@given(st.lists(values, min_size=1, max_size=3), st.floats(0.1, 20))
def test_clip_grad_norm_scales_all_together(gs, bound):
    ps = [with_grad(np.zeros(g.shape), g) for g in gs]
    norm = np.sqrt(sum(np.sum(g**2) for g in gs))
    assert clip_grad_norm(ps, bound) == pytest.approx(norm, rel=1e-12)
    for p, g in zip(ps, gs, strict=True):
        np.testing.assert_allclose(p.grad, g * min(1, bound / max(norm, 1e-300)), rtol=1e-12)
        if norm <= bound * (1 - 1e-12):
            np.testing.assert_array_equal(p.grad, g)


def test_clip_grad_norm_of_huge_float32():
    p = with_grad(np.float32([0, 0]), [3e20, 4e20])
    assert clip_grad_norm([p], 5.0) == pytest.approx(5e20, rel=1e-6)
    assert p.grad.dtype == np.float32
    np.testing.assert_allclose(p.grad, [3, 4], rtol=1e-6)


def test_clip_grad_norm_skips_what_has_no_gradient():
    a, b = with_grad([0.0], [10.0]), param([1.0])
    assert clip_grad_norm((p for p in (a, b)), 2.0) == 10
    assert (a.grad.tolist(), b.grad) == ([2], None)


@pytest.mark.parametrize("bad", [0, -1, np.nan])
def test_clip_grad_norm_refuses_a_threshold_that_is_not_above_0(bad):
    p = with_grad([0.0], [10.0])
    with pytest.raises(
        ArgumentError, match=re.escape(f"max_norm: {bad}; expected a number above 0")
    ):
        clip_grad_norm([p], bad)
    assert p.grad.tolist() == [10]


def test_clip_grad_norm_before_backward():
    with pytest.raises(
        GradientError, match=re.escape("no parameter has a gradient; call it after backward()")
    ):
        clip_grad_norm([param([1.0])], 1.0)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_clip_grad_norm_names_the_gradient_that_is_not_finite_and_changes_nothing(bad):
    ok, wrong = with_grad([1.0], [3.0], "ok"), with_grad([0.0, 1.0], [bad, 2.0], "W")
    with pytest.raises(GradientError, match="the gradient of 'W' is not finite"):
        clip_grad_norm([ok, wrong], 1.0)
    assert ok.grad.tolist() == [3]
