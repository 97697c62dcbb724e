"""Schedules: their ends, that they can be pickled, and PyTorch's numbers where there is one."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import ArgumentError
from minigrad.optim import SGD
from minigrad.optim import schedules as s
from tests.zoo import param

UPDATES = 30
EVERY = {
    "constant": s.constant(0.5),
    "step decay": s.step_decay(0.5, every=7, factor=0.3),
    "exponential": s.exponential(0.5, factor=0.9),
    "cosine": s.cosine(0.5, steps=29, last=0.01),
    "warmup": s.linear_warmup(s.constant(0.5), steps=10, first=0.05),
    "one cycle": s.one_cycle(0.5, steps=29),
}


def theirs(kind, lr_scheduler):
    """The same as PyTorch makes it."""
    return {
        "constant": lambda o: lr_scheduler.ConstantLR(o, factor=1.0),
        "step decay": lambda o: lr_scheduler.StepLR(o, 7, 0.3),
        "exponential": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
        "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 29, 0.01),
        "warmup": lambda o: lr_scheduler.LinearLR(o, 0.1, 1.0, 10),
    }[kind]


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind != "one cycle"])
def test_as_pytorch(kind):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler = theirs(kind, torch.optim.lr_scheduler)(optimizer)
    for k in range(UPDATES):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(EVERY[kind](k), rel=1e-12)
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("kind", EVERY)
def test_a_schedule_can_be_pickled_and_gives_floats_that_an_optimizer_takes(kind):
    again = pickle.loads(pickle.dumps(EVERY[kind]))
    optimizer = SGD(param(1.0), lr=1.0)
    for k in range(2 * UPDATES):
        rate = again(k)
        assert type(rate) is float
        assert rate == EVERY[kind](k)
        optimizer.lr = rate
        optimizer.step([1.0])


@given(st.floats(0.01, 10), st.integers(1, 50), st.integers(1, 50))
def test_the_ends(lr, steps, warm):
    assert s.cosine(lr, steps)(0) == lr
    assert s.cosine(lr, steps)(steps) == s.cosine(lr, steps)(3 * steps) == 0
    assert s.cosine(lr, steps, last=lr / 3)(steps) == pytest.approx(lr / 3)
    warmed = s.linear_warmup(s.cosine(lr, steps), warm)
    assert warmed(0) == 0
    assert warmed(warm) == lr
    assert warmed(warm + steps) == 0
    rates = [warmed(k) for k in range(warm + steps + 1)]
    assert np.argmax(rates) == warm
    assert s.one_cycle(lr, steps)(0) == pytest.approx(lr / 25)
    assert s.one_cycle(lr, steps)(steps) == 0
    assert s.step_decay(lr, steps, 0.5)(steps - 1) == lr
    assert s.step_decay(lr, steps, 0.5)(steps) == lr / 2


@pytest.mark.parametrize("make", [s.step_decay, s.cosine, s.one_cycle])
def test_no_updates_is_an_error(make):
    with pytest.raises(ArgumentError, match="0; expected a number above 0"):
        make(0.1, 0)
    with pytest.raises(ArgumentError, match="steps: -1; expected a number above 0"):
        s.linear_warmup(s.constant(0.1), -1)
