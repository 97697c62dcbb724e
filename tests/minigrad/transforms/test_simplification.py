"""Simplification keeps values and gradients, and says no more than it must."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from tests.laws import close, same
from tests.minigrad.transforms.gradients import TRANSFORMS, grads, values
from tests.zoo import nets


@given(nets)
def test_simplify_undoes_untie(net):
    tape, params = net.tape()
    untied = tf.simplify(tf.untie(tape, params))
    assert str(untied) == str(tf.simplify(tape))
    close(grads(untied, params), grads(tape, params), rtol=1e-12, atol=1e-12)


@given(nets, st.sampled_from(["every", "randomly", "untie", "differentiate"]))
def test_simplify_keeps_values_and_gradients_and_is_idempotent(net, after):
    tape, params = net.tape()
    tape = TRANSFORMS[after](tape)
    once = tf.simplify(tape)
    assert tf.simplify(once) is once
    assert len(once.nodes) <= len(tape.nodes)
    same(values(once.outputs), values(tape.outputs))
    loss, simple = mg.Tape.of(tape.outputs[0]), mg.Tape.of(once.outputs[0])
    close(grads(simple, params), grads(loss, params), atol=1e-12)


def test_simplify_merges_equal_work_and_drops_neutral_elements():
    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = np.sum(np.tanh(x) * np.tanh(x) + (x * 1 + 0 - 0) / 1 + x**1)
    assert str(tf.simplify(mg.Tape.of(y))).splitlines() == [
        "x: float64[2] = parameter",
        "tanh: float64[2] = tanh(x)",
        "multiply: float64[2] = multiply(tanh, tanh)",
        "add: float64[2] = add(multiply, x)",
        "add#2: float64[2] = add(add, x)",
        "sum: float64[] = sum(add#2)",
        "return sum",
    ]


def test_simplify_keeps_what_only_looks_neutral():
    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    one = mg.tensor(1.0, name="one")  # a name: another value may be fed
    wide, seen = x * np.ones((2, 2)), []
    a, b = mg.on_backward(x, seen.append), mg.on_backward(x, seen.append)
    tape = mg.Tape.of(np.sum(wide) + np.sum(x * one) + np.sum(a) + np.sum(b))
    new = tf.simplify(tape)
    assert new.outputs[0].data is tape.outputs[0].data
    same(grads(new, [x]), [[5, 5]])
    assert len(seen) == 2
    assert one in set(new.leaves)
