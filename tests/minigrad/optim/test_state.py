"""restore() takes what state() gave, whole, and of the same kind; else it says so and changes nothing."""

import numpy as np
import pytest

from minigrad.errors import ArgumentError
from minigrad.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from tests.zoo import param

MAKE = {
    "SGD": lambda ps, **o: SGD(ps, lr=0.1, **o),
    "momentum": lambda ps: SGD(ps, lr=0.1, momentum=0.9),
    "nesterov": lambda ps: SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda ps, **o: Adam(ps, lr=0.1, **o),
    "AdamW": lambda ps: AdamW(ps, lr=0.1),
    "RMSprop": lambda ps: RMSprop(ps, lr=0.1),
    "RMSprop momentum": lambda ps: RMSprop(ps, lr=0.1, momentum=0.9),
    "Adagrad": lambda ps: Adagrad(ps, lr=0.1),
}


def stepped(make, shapes=((2,), ())):
    optimizer = make([param(np.ones(shape)) for shape in shapes])
    optimizer.step([np.full(shape, 0.5) for shape in shapes])
    return optimizer


def refused(optimizer, state, message):
    """An ArgumentError, and an optimizer that is as it was."""
    before = {key: a.copy() for key, a in optimizer.state().items()}
    with pytest.raises(ArgumentError, match=message):
        optimizer.restore(state)
    after = optimizer.state()
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[key], before[key]) for key in before)


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("other", MAKE)
def test_the_state_of_another_kind_is_refused(kind, other):
    if kind != other:
        refused(stepped(MAKE[kind]), stepped(MAKE[other]).state(), "optimizer: restore: .*expected")


@pytest.mark.parametrize("kind", MAKE)
def test_every_missing_or_added_part_is_refused(kind):
    optimizer = stepped(MAKE[kind])
    whole = optimizer.state()
    for key in whole:
        part = {k: a for k, a in whole.items() if k != key}
        refused(optimizer, part, f"optimizer: restore: '{key}' is missing")
    name = next(iter(whole)).partition(".")[0]
    for key in (f"{name}.2.step", f"{name}.0.other", f"{name}.momentums", name):
        refused(optimizer, whole | {key: np.zeros(())}, f"'{key}'; expected what state")


@pytest.mark.parametrize("kind", MAKE)
def test_every_part_of_another_shape_or_dtype_is_refused(kind):
    optimizer = stepped(MAKE[kind])
    whole = optimizer.state()
    for key, a in whole.items():
        for wrong in (np.zeros((*a.shape, 3), a.dtype), a.astype(complex), a.astype(str)):
            refused(optimizer, whole | {key: wrong}, "optimizer: restore: .*(there|expected)")


@pytest.mark.parametrize("rate", [-0.1, np.nan])
def test_a_rate_that_is_none_is_refused(rate):
    optimizer = stepped(MAKE["Adam"])
    state = optimizer.state()
    refused(optimizer, state | {"Adam.lr": np.array([rate])}, "Adam.lr is .*; expected numbers")


def test_the_state_of_other_parameters_groups_or_options_is_refused():
    optimizer = stepped(MAKE["Adam"])
    refused(optimizer, stepped(MAKE["Adam"], [()]).state(), r"groups \[1\] there, \[2\] here")
    refused(optimizer, stepped(MAKE["Adam"], [(), (2,)]).state(), r"'Adam.0.mean' is \(\); expec")
    a, b = param(np.ones(2)), param(1.0)
    refused(
        optimizer,
        Adam([{"params": a}, {"params": b}]).state(),
        r"groups \[1, 1\] there, \[2\] here",
    )
    other = stepped(lambda ps: Adam(ps, lr=0.1, betas=(0.8, 0.999)))
    refused(optimizer, other.state(), r"betas \[\[0.8, 0.999\]\] there, \[\[0.9, 0.999\]\] here")
    momentum = stepped(lambda ps: SGD(ps, lr=0.1, momentum=0.5))
    refused(stepped(MAKE["SGD"]), momentum.state(), r"momentum \[0.5\] there, \[0.0\] here")


@pytest.mark.parametrize(
    ("state", "got"), [({}, "no kind"), ({"0.0": np.ones(2)}, "no kind"), ({"x": 1}, "x")]
)
def test_what_is_no_state_is_refused(state, got):
    refused(stepped(MAKE["SGD"]), state, f"restore: a state of {got}; expected one of SGD")


def test_the_rate_is_put_back():
    optimizer, other = stepped(MAKE["Adam"]), stepped(MAKE["Adam"])
    optimizer.lr = 0.001
    other.restore(optimizer.state())
    assert other.lr == 0.001
    assert type(other.lr) is float


def test_a_state_before_the_first_step_is_restored_too():
    fresh = Adam([param(np.ones(2))], lr=0.1)
    optimizer = stepped(MAKE["Adam"], [(2,)])
    optimizer.restore(fresh.state())
    assert optimizer.state()["Adam.0.step"] == 0


def test_what_is_restored_is_a_copy():
    optimizer, other = stepped(MAKE["momentum"]), stepped(MAKE["momentum"])
    state = {key: a.copy() for key, a in optimizer.state().items()}
    other.restore(state)
    state["SGD.0.velocity"][:] = np.nan
    other.step([np.ones(2), np.ones(())])
    assert np.isfinite(other.params[0].data).all()


def test_a_momentum_that_is_set_later_starts_from_rest():
    optimizer = stepped(MAKE["SGD"], [(2,)])
    optimizer.groups[0]["momentum"] = 0.9
    assert optimizer.state()["SGD.0.velocity"].tolist() == [0, 0]
    optimizer.step([np.ones(2)])
    assert optimizer.state()["SGD.0.velocity"].tolist() == [1, 1]
