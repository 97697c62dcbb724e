"""RMSprop, Adagrad, Nesterov and weight decay against the formulas of the papers, and PyTorch where there is one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from tests.zoo import param

STEPS = 20
gradients = st.lists(
    st.lists(st.floats(-3, 3), min_size=2, max_size=2).map(np.array), min_size=1, max_size=STEPS
)


def nesterov(theta, gs, lr=0.1, momentum=0.8):
    """Sutskever 2013, equations 3 and 4, where theta is looked at a step ahead."""
    v = np.zeros(2)
    for g in gs:
        v = momentum * v + g
        theta = theta - lr * (g + momentum * v)
    return theta


def rmsprop(theta, gs, lr=0.1, alpha=0.9, eps=1e-6):
    """Tieleman and Hinton 2012: divide by a running average of the recent magnitude."""
    mean_square = np.zeros(2)
    for g in gs:
        mean_square = alpha * mean_square + (1 - alpha) * g**2
        theta = theta - lr * g / (mean_square**0.5 + eps)
    return theta


def rmsprop_with_momentum(theta, gs, lr=0.1, alpha=0.9, eps=1e-6, momentum=0.7):
    mean_square, v = np.zeros(2), np.zeros(2)
    for g in gs:
        mean_square = alpha * mean_square + (1 - alpha) * g**2
        v = momentum * v + g / (mean_square**0.5 + eps)
        theta = theta - lr * v
    return theta


def adagrad(theta, gs, lr=0.1, eps=1e-6):
    """Duchi 2011: every coordinate by the root of the sum of its squares."""
    for t in range(1, len(gs) + 1):
        total = np.sum(np.square(gs[:t]), axis=0)
        theta = theta - lr * gs[t - 1] / (total**0.5 + eps)
    return theta


TWINS = [
    (lambda p: SGD(p, 0.1, momentum=0.8, nesterov=True), nesterov),
    (lambda p: RMSprop(p, 0.1, alpha=0.9, eps=1e-6), rmsprop),
    (lambda p: RMSprop(p, 0.1, alpha=0.9, eps=1e-6, momentum=0.7), rmsprop_with_momentum),
    (lambda p: Adagrad(p, 0.1, eps=1e-6), adagrad),
]


@pytest.mark.parametrize(("make", "twin"), TWINS)
@given(gs=gradients)
def test_a_rule_is_that_of_its_paper(make, twin, gs):
    p = param([1.0, -2.0])
    optimizer = make([p])
    for g in gs:
        optimizer.step([g])
    np.testing.assert_allclose(p.data, twin(np.array([1.0, -2.0]), gs), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("make", [SGD, Adam, RMSprop, Adagrad])
@given(gs=gradients, decay=st.floats(0, 1))
def test_weight_decay_adds_to_the_gradient(make, gs, decay):
    """L2: the gradient of decay/2 |p|²."""
    p, q = param([1.0, -2.0]), param([1.0, -2.0])
    decayed, plain = make([p], lr=0.1, weight_decay=decay), make([q], lr=0.1)
    for g in gs:
        decayed.step([g])
        plain.step([g + decay * q.data])
    np.testing.assert_array_equal(p.data, q.data)


PAIRS = {
    "SGD": {"lr": 0.1},
    "SGD momentum": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1},
    "SGD nesterov": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "Adam": {"weight_decay": 0.1},
    "AdamW": {},
    "RMSprop": {},
    "RMSprop momentum": {"momentum": 0.8, "alpha": 0.9, "weight_decay": 0.05},
    "Adagrad": {"lr": 0.3, "weight_decay": 0.1},
}


@pytest.mark.parametrize("kind", PAIRS)
def test_as_pytorch_in_groups(kind):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng, name = np.random.default_rng(0), kind.split()[0]
    values = [rng.normal(size=(3, 4)), rng.normal(size=())]
    ours, theirs = [param(v) for v in values], [torch.tensor(v, requires_grad=True) for v in values]
    found, expected = (
        getattr(module, name)([{"params": a, "lr": 0.05}, {"params": b}], **PAIRS[kind])
        for module, (a, b) in ((mg.optim, ours), (torch.optim, theirs))
    )
    for _ in range(STEPS):
        gs = [rng.normal(size=v.shape) for v in values]
        for p, g in zip(theirs, gs, strict=True):
            p.grad = torch.tensor(g)
        found.step(gs)
        expected.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12, atol=1e-13)


WRONG = [
    (lambda p: SGD(p, 0.1, momentum=-0.1), "momentum: -0.1; expected a number from 0"),
    (lambda p: SGD(p, 0.1, weight_decay=np.nan), "weight_decay: nan; expected a number from 0"),
    (lambda p: SGD(p, 0.1, nesterov=True), "SGD: nesterov=True; expected a momentum above 0"),
    (lambda p: Adam(p, betas=(0.9, 1.0)), r"betas: \(0.9, 1.0\); expected two numbers from 0"),
    (lambda p: Adam(p, betas=(0.9,)), r"betas: \(0.9,\); expected two numbers"),
    (lambda p: Adam(p, betas=0.9), "betas: 0.9; expected two numbers"),
    (lambda p: Adam(p, betas="ab"), "betas: 'ab'; expected two numbers"),
    (lambda p: AdamW(p, eps=-1), "eps: -1; expected a number from 0"),
    (lambda p: RMSprop(p, alpha="x"), "alpha: 'x'; expected a number from 0"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_an_option_outside_its_domain_is_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make([param([1.0])])
