"""Gates: the identity forward, an opinion about the gradient backward."""

import re
from functools import partial

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import minigrad as mg
from minigrad.core import gates
from minigrad.errors import ArgumentError, GradientError
from minigrad.ops import OPS, op_name
from minigrad.transforms import differentiate, simplify, truncate
from tests.gates import GATES
from tests.zoo import param

values = arrays(
    np.float64,
    array_shapes(min_dims=0, max_dims=2, max_side=3),
    elements=st.floats(-9, 9, width=16),
)
norms = st.floats(0.1, 10)

every_gate = pytest.mark.parametrize(
    "gate",
    [partial(make, s=0.3) for make in GATES.values()],
    ids=[fn.__name__ for fn in GATES],
)
OPEN = [fn for fn in GATES if fn not in gates.CLOSED | {gates.recompute}]
# the function that the row of on_backward calls changes nothing
CHANGING = [fn for fn in GATES if fn in gates.CHANGES_GRADIENT - {gates.on_backward}]


def through(gate, x, g):
    """The gradient g as it comes out of the gate on x."""
    t = param(x)
    return mg.grad(gate(t), [t], grad_output=g)[0].data


def test_every_gate_is_here():
    functions = {fn for fn in OPS if getattr(fn, "__module__", "") == gates.__name__}
    assert functions == set(GATES) == gates.GATES


@every_gate
@given(values)
def test_forward_is_untouched(gate, x):
    t = param(x)
    y = gate(t)
    assert y.data is t.data
    assert y.inputs[0] is t


@every_gate
def test_on_a_plain_array_a_gate_does_nothing(gate):
    x = np.array([1.0, 2.0])
    assert gate(x) is x


@every_gate
def test_gates_are_recorded_with_their_step(gate):
    with mg.timestep(3):
        y = gate(param([1.0, 2.0]))
    assert y.time == 3


def test_a_gate_holds_when_called_by_keyword():
    x = param([1.0, 2.0])
    for y, expected in (
        (mg.detach(x=x), 0),
        (mg.scale_grad(x=x, s=0.5), 0.5),
        (mg.clip_grad(x=x, max_norm=1e-9), 0),
        (mg.on_backward(x=x, fn=lambda g: 7 * g), 7),
    ):
        (g,) = mg.grad(np.sum(y) + 0 * np.sum(x), [x])
        np.testing.assert_allclose(g.data, [expected] * 2, atol=1e-8)


# --- laws of every gate ---------------------------------------------------------------------------
def recurrent_loss(w, on_state, on_loss):
    """The squares of h_t = tanh(w h_{t-1}), summed in the steps, with these on every h and sum."""
    h, loss = mg.tensor([0.5, -2.0]), 0.0
    for t in (1, 2, 3):
        with mg.timestep(t):
            h = np.tanh(w * on_state(h)).named(f"h_{t}")
            loss = on_loss(loss + np.sum(h * h))
    return loss


def nothing(x):
    return x


@every_gate
def test_a_tape_with_a_gate_is_truncated_as_any_other(gate):
    w = param([2.0, 0.7])
    tape = truncate(mg.Tape.of(recurrent_loss(w, gate, nothing)), every=1)
    by_hand = recurrent_loss(w, lambda h: gate(mg.detach(h)), nothing)
    expected = mg.grad(by_hand, [w])[0].data
    np.testing.assert_array_equal(differentiate(tape).outputs[1].data, expected)


@every_gate
def test_two_gates_of_one_node_are_merged_only_where_this_changes_no_gradient(gate):
    x = param([3.0, 4.0])
    weighted = [np.sum(gate(x) * mg.tensor(g)) for g in ([5.0, 1.0], [1.0, -9.0])]
    tape = differentiate(mg.Tape.of(sum(weighted) + np.sum(x)))
    again = differentiate(simplify(mg.Tape.of(tape.outputs[0])))
    np.testing.assert_array_equal(again.outputs[1].data, tape.outputs[1].data)


@pytest.mark.parametrize("fn", OPEN, ids=op_name)
def test_a_running_sum_passes_through_a_gate(fn):
    w = param([2.0, 0.7])
    tape = mg.Tape.of(recurrent_loss(w, nothing, partial(GATES[fn], s=0.3)))
    assert {e.source.name for e in tape.recurrent_edges()} == {"h_1", "h_2"}


@every_gate
def test_the_gradient_through_a_gate_is_compiled(gate):
    w = param([2.0, 0.7], "w")
    tape = differentiate(mg.Tape.of(recurrent_loss(w, gate, nothing)))
    feeds = {"w": np.array([0.3, 1.5])}
    plan = mg.compile(tape)
    for found, expected in zip(plan(feeds), tape.replay(feeds), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("fn", CHANGING, ids=op_name)
def test_a_gate_that_changes_the_gradient_is_no_business_of_gradcheck(fn):
    with pytest.raises(GradientError, match=f"gradcheck: the gate {op_name(fn)} changes"):
        mg.gradcheck(lambda x: np.sum(np.exp(GATES[fn](x, 0.3)) + x), [param([3.0, 4.0])])


# --- detach ----------------------------------------------------------------------------------------------------------
def test_detach_stops_the_gradient_and_keeps_the_tape():
    x = param([1.0, 2.0], "x")
    y = np.sum(mg.detach(x * x) * x)
    np.testing.assert_array_equal(mg.grad(y, [x])[0].data, [1, 4])
    assert "multiply" in mg.Tape.of(y).names.values()  # unlike x.detach(), which forgets
    assert not mg.detach(x).requires_grad


# --- scale_grad ------------------------------------------------------------------------------------------------------
@given(values, st.floats(-3, 3))
def test_scale_grad_multiplies(x, s):
    np.testing.assert_array_equal(through(lambda t: mg.scale_grad(t, s), x, x), x * s)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_at_scale_0_nothing_passes_not_even_what_is_not_finite(bad):
    g = through(lambda t: mg.scale_grad(t, 0.0), [1.0, 2.0], [bad, 1.0])
    np.testing.assert_array_equal(g, [0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scale_keeps_the_dtype(dtype):
    x = param(np.ones(2, dtype))
    (g,) = mg.grad(np.sum(mg.scale_grad(x, 0.1)), [x])
    assert g.dtype == dtype


# --- clip_grad -------------------------------------------------------------------------------------------------------
@given(values, norms)
def test_clip_grad_scales_down_to_the_norm(g, bound):
    got, size = through(lambda t: mg.clip_grad(t, bound), g, g), np.sqrt(np.sum(g**2))
    np.testing.assert_allclose(got, g * min(1.0, bound / max(size, 1e-300)), rtol=1e-12)
    if size <= bound * (1 - 1e-12):
        np.testing.assert_array_equal(got, g)


def test_clip_grad_of_huge_float32_does_not_overflow():
    x = param(np.zeros(2, np.float32))
    (g,) = mg.grad(mg.clip_grad(x, 5.0), [x], grad_output=np.float32([3e20, 4e20]))
    assert g.dtype == np.float32
    np.testing.assert_allclose(g.data, [3, 4], rtol=1e-6)


@pytest.mark.parametrize("bad", [0, -1.0, np.nan])
def test_clip_grad_refuses_a_threshold_that_is_not_above_0(bad):
    with pytest.raises(
        ArgumentError, match=re.escape(f"clip_grad: max_norm: {bad}; expected a number above 0")
    ):
        mg.clip_grad(param([1.0]), bad)


@example(np.array([6.0, 2.0**-24]))
@given(values.filter(lambda x: np.sum(x**2) > 0.25))
def test_clip_grad_has_a_derivative_itself(v):
    """Backward of the gate is the map g -> g * min(1, b / |g|): its Jacobian is b/|g| (I - u u') above the bound."""
    x, g = param(np.zeros_like(v)), param(v)
    (out,) = mg.grad(mg.clip_grad(x, 0.4), [x], grad_output=g, create_graph=True)
    w = np.linspace(-1, 2, v.size).reshape(v.shape)
    (got,) = mg.grad(np.sum(out * w), [g])
    size = np.sqrt(np.sum(v**2))
    np.testing.assert_allclose(
        got.data, 0.4 / size * (w - v * np.sum(v * w) / size**2), rtol=1e-10, atol=1e-12
    )


# --- on_backward -----------------------------------------------------------------------------------------------------
def test_on_backward_sees_the_complete_gradient_once():
    seen = []
    x = param([1.0, 2.0])
    y = mg.on_backward(x * 2, seen.append)
    np.sum(y * y + 3 * y).backward()
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0], 2 * y.data + 3)
    np.testing.assert_array_equal(x.grad, 2 * (2 * y.data + 3))


def test_on_backward_may_return_another_gradient():
    np.testing.assert_array_equal(
        through(lambda t: mg.on_backward(t, lambda g: g * 2 + 1), [0.0, 0.0], [1, 2]), [3, 5]
    )


def test_the_array_that_on_backward_returns_stays_the_users():
    mine = np.array([5.0, 6.0])
    x = param([1.0, 2.0])
    np.sum(mg.on_backward(x, lambda g: mine)).backward()
    mine[:] = 0
    np.testing.assert_array_equal(x.grad, [5, 6])


def test_on_backward_cannot_change_the_gradient_in_place():
    def spoil(g):
        g[:] = 0

    x = param([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        np.sum(mg.on_backward(x, spoil)).backward()
    assert x.grad is None


def test_on_backward_is_not_called_where_nothing_arrives():
    seen = []
    x = param([1.0])
    np.sum(mg.detach(mg.on_backward(x, seen.append)) + x).backward()
    assert seen == []


def test_the_gradient_that_on_backward_records_can_be_differentiated():
    x = param([3.0])
    (g,) = mg.grad(np.sum(mg.on_backward(x * x, lambda g: g * g)), [x], create_graph=True)
    np.testing.assert_array_equal(g.data, [6])
    np.testing.assert_array_equal(mg.grad(np.sum(g), [x])[0].data, [2])
