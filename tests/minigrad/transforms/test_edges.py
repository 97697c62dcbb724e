"""Gates on chosen edges: as a user would place them by hand; an alias per step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from minigrad.core import gates
from tests.laws import same
from tests.minigrad.transforms.gradients import grads, recurrent
from tests.zoo import nets

HAND_PLACED = [
    ("cut", lambda t: tf.cut(t, recurrent(t)), mg.detach),
    ("scale", lambda t: tf.scale(t, recurrent(t), 0.7), lambda h: mg.scale_grad(h, 0.7)),
    (
        "scale each",
        lambda t: tf.scale(t, recurrent(t), lambda e: 0.7),
        lambda h: mg.scale_grad(h, 0.7),
    ),
    ("clip_edges", lambda t: tf.clip_edges(t, recurrent(t), 0.05), lambda h: mg.clip_grad(h, 0.05)),
]


@pytest.mark.parametrize(
    ("transform", "gate"), [h[1:] for h in HAND_PLACED], ids=[h[0] for h in HAND_PLACED]
)
@given(net=nets)
def test_a_gate_on_every_recurrent_edge_is_a_gate_placed_by_hand(transform, gate, net):
    tape, params = net.tape()
    same(grads(transform(tape), params), net.grads(lambda t, h: gate(h)))


@given(nets, st.data())
def test_edges_may_be_chosen_by_a_predicate_or_listed(net, data):
    tape, params = net.tape()
    step = data.draw(st.integers(1, net.T))
    chosen = [e for e in tape.edges() if e.target.time == step and e.source.time == step - 1]
    listed, asked = (
        tf.cut(tape, chosen),
        tf.cut(tape, lambda e: e.target.time == step and e.source.time == step - 1),
    )
    same(grads(listed, params), grads(asked, params))
    assert str(listed) == str(asked)


# --- untie ------------------------------------------------------------------------------------
@given(nets)
def test_untied_parameters_have_an_adjoint_per_step_that_sum_to_the_tied_one(net):
    tape, params = net.tape()
    new = tf.untie(tape, params)
    adjoints = {new.names[s.tensor]: s.grad for s in new.steps()}
    for p, g in zip(params, grads(tape, params), strict=True):
        uses = [f"{p.name}@{t}" for t in range(1, net.T + 1)]
        assert all(
            new[name].fn is gates.alias and new[name].time == t for t, name in enumerate(uses, 1)
        )
        np.testing.assert_allclose(
            sum(adjoints.get(name, 0) for name in uses), g, rtol=1e-12, atol=1e-14
        )
        np.testing.assert_allclose(adjoints.get(p.name, 0 * g), g, rtol=1e-12, atol=1e-14)


@given(nets)
def test_untie_one_leaves_the_others(net):
    tape, params = net.tape()
    names = set(tf.untie(tape, params[0]).names.values())
    assert f"{params[0].name}@1" in names
    assert f"{params[1].name}@1" not in names
