"""Groups of parameters: each is stepped as by an optimizer of its own."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from tests.zoo import param

KINDS = [
    lambda ps: SGD(ps, lr=0.1),
    lambda ps: SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
    lambda ps: Adam(ps, lr=0.1),
    lambda ps: AdamW(ps, lr=0.1),
    lambda ps: RMSprop(ps, lr=0.1, momentum=0.5),
    lambda ps: Adagrad(ps, lr=0.1),
]
every_kind = pytest.mark.parametrize("make", KINDS)
VALUES = ([1.0, 2.0], 3.0, [[-1.0]])


def grouped(make):
    a, b, c = (param(v) for v in VALUES)
    groups = [{"params": [a, b], "lr": 0.3}, {"params": c, "weight_decay": 0.2}]
    return [a, b, c], make(groups)


@every_kind
@given(seed=st.integers(0, 99))
def test_a_group_steps_as_alone(make, seed):
    together, optimizer = grouped(make)
    alone = [param(v) for v in VALUES]
    first, second = make(alone[:2]), make(alone[2:])
    first.lr = 0.3
    second.groups[0]["weight_decay"] = 0.2
    rng = np.random.default_rng(seed)
    for _ in range(4):
        gs = [rng.normal(size=p.shape) for p in alone]
        optimizer.step(gs)
        first.step(gs[:2])
        second.step(gs[2:])
    for p, q in zip(together, alone, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


@every_kind
def test_a_pickled_or_restored_optimizer_with_groups_goes_on_bit_for_bit(make):
    rng = np.random.default_rng(0)
    _, optimizer = grouped(make)
    others, restored = grouped(make)
    given = [[rng.normal(size=p.shape) for p in optimizer.params] for _ in range(6)]
    for gs in given[:3]:
        optimizer.step(gs)
    optimizer.groups[1]["lr"] = 0.05
    pickled = pickle.loads(pickle.dumps(optimizer))
    restored.restore(optimizer.state())
    for p, q in zip(others, optimizer.params, strict=True):
        p.assign(q.data)
    for gs in given[3:]:
        for each in (optimizer, pickled, restored):
            each.step(gs)
    for each in (pickled, restored):
        assert [group["lr"] for group in each.groups] == [0.3, 0.05]
        for p, q in zip(each.params, optimizer.params, strict=True):
            assert p.data.tobytes() == q.data.tobytes()


def test_lr_is_that_of_the_first_and_sets_that_of_all():
    _, optimizer = grouped(KINDS[0])
    assert optimizer.lr == 0.3
    optimizer.lr = 0.25
    assert [group["lr"] for group in optimizer.groups] == [0.25, 0.25]


def test_a_rate_of_0_leaves_the_parameters():
    [p] = [param([1.0, 2.0])]
    optimizer = SGD([p], lr=0.1)
    optimizer.lr = 0.0
    optimizer.step([np.ones(2)])
    assert p.data.tolist() == [1, 2]


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf, None, "0.1"])
def test_a_rate_that_is_none_is_refused_where_it_is_set_or_at_the_step(bad):
    (p, *_), optimizer = grouped(KINDS[0])
    with pytest.raises(ArgumentError, match=r"lr: .*; expected a number from 0"):
        optimizer.lr = bad
    optimizer.groups[1]["lr"] = bad
    with pytest.raises(ArgumentError, match=r"lr: .*; expected a number from 0"):
        optimizer.step([np.ones(p.shape) for p in optimizer.params])
    assert p.data.tolist() == VALUES[0]


WRONG = [
    (lambda w: [{"params": w}, w], "groups, and something that is none; expected every one"),
    (
        lambda w: [{"params": w, "learning_rate": 1}],
        "a group: 'learning_rate'; expected params, lr",
    ),
    (lambda w: [{"params": w, "lr": 0}], "lr: 0; expected a number above 0"),
    (lambda w: [{"params": w}, {"params": w}], "a parameter in two groups; expected each one once"),
    (lambda w: [{"params": w}, {"params": []}], "optimizer: no parameter"),
    (lambda w: [], "optimizer: no parameter"),
    (lambda w: [w.data], "a ndarray among the Tensors"),
]


@pytest.mark.parametrize(("params", "message"), WRONG)
def test_what_is_no_group_is_refused(params, message):
    with pytest.raises(ArgumentError, match=message):
        SGD(params(param([1.0], "w")), lr=0.1)


def test_the_caller_s_groups_are_left_as_they_are():
    group = {"params": param(1.0)}
    optimizer = mg.optim.SGD([group], lr=0.1)
    optimizer.lr = 0.5
    assert list(group) == ["params"]
