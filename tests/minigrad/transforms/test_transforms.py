"""What every transform keeps, and refuses, over small recurrent networks of every kind."""

import re
from functools import partial

import pytest
from hypothesis import given

import minigrad as mg
from minigrad import transforms as tf
from minigrad.errors import ArgumentError, GradientError
from tests.minigrad.transforms.gradients import TRANSFORMS, recurrent
from tests.zoo import Net, nets

every_transform = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=list(TRANSFORMS))


@every_transform
@given(net=nets)
def test_values_leaves_and_the_input_stay(transform, net):
    tape, params = net.tape()
    before, nodes, inputs = str(tape), tape.nodes, [n.inputs for n in tape.nodes]
    new = transform(tape)
    assert new.outputs[0].data is tape.outputs[0].data
    assert new.outputs[0].name == tape.outputs[0].name
    assert set(params) <= set(new.leaves)
    assert new.parameters == tape.parameters
    assert str(tape) == before
    assert tape.nodes == nodes
    assert all(
        a is b
        for n, was in zip(tape.nodes, inputs, strict=True)
        for a, b in zip(n.inputs, was, strict=True)
    )
    known = {id(n.data) for n in tape.nodes}
    assert all(
        id(n.data) in known for n in new.nodes if n.fn and n.serial <= tape.outputs[0].serial
    )


NOTHING_TO_DO = {
    "cut": lambda t: tf.cut(t, []),
    "cut nowhere": lambda t: tf.cut(t, lambda e: False),
    "scale": lambda t: tf.scale(t, [], 2.0),
    "clip_edges": lambda t: tf.clip_edges(t, [], 1.0),
    "every": lambda t: tf.truncate(t, every=7),
    "window": lambda t: tf.truncate(t, window=6),
    "every and window": lambda t: tf.truncate(t, every=7, window=6),
    "randomly": lambda t: tf.truncate_randomly(t, 1.0, 0),
    "random segments": lambda t: tf.truncate_randomly(t, 1.0, 0, reweight=False),
    "untie": lambda t: tf.untie(t, t.outputs),
}


@pytest.mark.parametrize("transform", NOTHING_TO_DO.values(), ids=list(NOTHING_TO_DO))
@given(net=nets)
def test_with_nothing_to_do_it_is_the_same_tape(transform, net):
    tape, _ = net.tape()
    assert transform(tape) is tape


def test_without_steps_there_is_nothing_to_truncate_which_is_a_mistake():
    x = mg.tensor(2.0, requires_grad=True)
    tape = mg.Tape.of(x * x)
    for truncation in (partial(tf.truncate, every=1), partial(tf.truncate, window=0)):
        with pytest.raises(
            ArgumentError, match=r"truncate: the tape has no time steps\. Run each step"
        ):
            truncation(tape)
    with pytest.raises(ArgumentError, match="truncate_randomly: the tape has no time steps"):
        tf.truncate_randomly(tape, 0.5, 0)
    assert tf.untie(tape, x) is tape


OF_A_TAPE = [
    partial(tf.cut, where=[]),
    partial(tf.scale, where=[], s=2.0),
    partial(tf.clip_edges, where=[], max_norm=1.0),
    partial(tf.untie, wrt=mg.tensor(1.0)),
    partial(tf.truncate, every=1),
    partial(tf.truncate_randomly, keep=0.5, rng=0),
    partial(tf.reweight, xi={2: 1.0}),
    partial(tf.checkpoint, every=1),
    tf.differentiate,
    partial(tf.clip, max_norm=1.0),
    partial(tf.clip_value, limit=1.0),
    tf.simplify,
    partial(tf.update, optimizer=mg.optim.SGD([mg.tensor(1.0, requires_grad=True)], lr=0.1)),
]


def test_the_list_of_transforms_is_complete():
    assert {getattr(t, "func", t) for t in OF_A_TAPE} == {getattr(tf, name) for name in tf.__all__}


@pytest.mark.parametrize("transform", OF_A_TAPE)
def test_a_loss_is_no_tape(transform):
    loss = mg.tensor(2.0, requires_grad=True) * 3
    with pytest.raises(ArgumentError, match=r"a Tensor; expected a Tape, as Tape\.of\(loss\)"):
        transform(loss)


MISUSE = [
    (
        lambda t: tf.clip(t, 1.0),
        GradientError,
        "clip: a tape without gradients; differentiate(tape) first",
    ),
    (
        lambda t: tf.clip_value(t, 1.0),
        GradientError,
        "clip_value: a tape without gradients; differentiate(tape) first",
    ),
    (
        lambda t: tf.clip(tf.differentiate(t), 0),
        ArgumentError,
        "clip: max_norm: 0; expected a number above 0",
    ),
    (
        lambda t: tf.clip(tf.differentiate(t), -1.0),
        ArgumentError,
        "clip: max_norm: -1.0; expected a number above 0",
    ),
    (
        lambda t: tf.clip_value(tf.differentiate(t), 0),
        ArgumentError,
        "clip_value: limit: 0; expected a number above 0",
    ),
    (
        lambda t: tf.clip_edges(t, recurrent(t), -1),
        ArgumentError,
        "clip_edges: max_norm: -1; expected a number above",
    ),
    *(
        (
            lambda t, f=f: f(tf.differentiate(t)),
            GradientError,
            "this tape holds its gradients already",
        )
        for f in (
            TRANSFORMS[k]
            for k in ("cut", "scale", "clip_edges", "every", "window", "randomly", "untie")
        )
    ),
    (tf.truncate, ArgumentError, "truncate: neither every nor window; name at least one"),
    (
        lambda t: tf.truncate(t, every=0),
        ArgumentError,
        "truncate: every: 0; expected a whole number from 1",
    ),
    (
        lambda t: tf.truncate(t, every=1.5),
        ArgumentError,
        "truncate: every: 1.5; expected a whole number from 1",
    ),
    (
        lambda t: tf.truncate(t, window=-1),
        ArgumentError,
        "truncate: window: -1; expected a whole number from 0",
    ),
    (
        lambda t: tf.differentiate(t, mg.tensor(1.0, name="c")),
        GradientError,
        "'c' does not need a gradient",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), MISUSE)
def test_misuse_is_explained(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call(Net().tape()[0])
