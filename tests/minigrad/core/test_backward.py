"""backward and grad: what accumulates, what is refused, and when a tape is stale."""

import re
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.seed import seed_for
from minigrad.core.sweep import sweep_of
from minigrad.errors import GradientError, ShapeError, StaleTapeError
from minigrad.transforms import differentiate, truncate
from tests.zoo import param, plain_rnn


def test_grad_accumulates_over_losses():
    x = param([1.0, 2.0])
    np.sum(x * x).backward()
    np.sum(3 * x).backward()
    mg.Tape.of(np.sum(x)).backward()
    np.testing.assert_array_equal(x.grad, [2 + 3 + 1, 4 + 3 + 1])


def test_a_second_backward_names_node_step_line_and_remedy():
    h = mg.tensor(0.5)
    w = param(2.0, "w")
    with mg.timestep(3):
        h = np.tanh(h * w).named("h_3")
    loss = h * 2
    loss.backward()
    before = w.grad
    with mg.timestep(4):
        second = h * w
    with pytest.raises(GradientError) as caught:
        second.backward()
    assert str(caught.value) == (
        "backward: an earlier backward() already went through 'h_3'. Carry state from batch to batch with "
        f"state.detach(), or pass retain_graph=True to go again. [t=3, {h.origin}]"
    )
    assert w.grad is before


def test_a_second_backward_of_the_same_loss_raises():
    x = param(3.0)
    y = x**3
    y.backward()
    with pytest.raises(GradientError, match="an earlier backward"):
        y.backward()


def test_retain_graph_accumulates():
    x = param(3.0)
    y = x * x * x
    y.backward()
    assert x.grad == 27
    y.backward(retain_graph=True)
    assert x.grad == 54


def test_detached_state_may_be_carried_on():
    w, h = param(0.5), mg.tensor(1.0)
    for _ in range(3):
        h = np.tanh(h.detach() * w)
        h.backward()


def test_gradients_may_be_asked_as_often_as_one_likes():
    loss, W, _ = plain_rnn()
    tape = mg.Tape.of(loss)
    first = mg.grad(loss, [W])[0].data
    loss.backward()
    for again in (
        mg.grad(loss, [W])[0].data,
        list(tape.steps())[-1].grad,
        differentiate(tape).outputs[1].data,
    ):
        np.testing.assert_array_equal(again, first)
    tape.backward()
    np.testing.assert_array_equal(W.grad, 2 * first)


def test_zeros_where_unreached():
    x, y, z = param([1.0, 2.0]), param(np.float32([[1, 2]]), "y"), param(3.0)
    loss = np.sum(x) + 0 * z
    for create_graph in (False, True):
        _, g, _ = mg.grad(loss, [x, y, z], create_graph=create_graph, allow_unused=True)
        np.testing.assert_array_equal(g.data, np.zeros((1, 2), np.float32), strict=True)
        with pytest.raises(
            GradientError, match=r"grad: 'y' is not on this tape; the output was not"
        ):
            mg.grad(loss, [x, y], create_graph=create_graph)
    loss.backward()
    assert y.grad is None
    assert z.grad == 0


def test_grad_of_an_interior_tensor():
    x = param([1.0, 2.0])
    y = x * x
    g, h = mg.grad(np.sum(y * y * x), [y, x])
    np.testing.assert_array_equal(g.data, 2 * y.data * x.data)
    np.testing.assert_array_equal(h.data, 5 * x.data**4)


def test_grad_output_weighs_the_elements():
    x = param([1.0, 2.0])
    v = param([3.0, 5.0])
    np.testing.assert_array_equal(mg.grad(x * x, [x], grad_output=[3.0, 5.0])[0].data, [6, 20])
    (g,) = mg.grad(x * x, [x], grad_output=v, create_graph=True)
    np.testing.assert_array_equal(mg.grad(np.sum(g), [v])[0].data, [2, 4])
    (x * x).backward(gradient=[3.0, 5.0])
    np.testing.assert_array_equal(x.grad, [6, 20])


REFUSED = [
    (
        lambda x: (x * x).backward(),
        GradientError,
        "'multiply' is (2,); it starts from a scalar. Sum it, or pass gradient= of shape (2,)",
    ),
    (lambda x: mg.grad(x * x, [x]), GradientError, "'multiply' is (2,); it starts from a scalar"),
    (
        lambda x: differentiate(mg.Tape.of(x * x)),
        GradientError,
        "'multiply' is (2,); it starts from a scalar",
    ),
    (
        lambda x: (x * x).backward([1.0, 2.0, 3.0]),
        ShapeError,
        "'multiply' is (2,) and gradient (3,)",
    ),
    (
        lambda x: mg.tensor(1.0, name="c").backward(),
        GradientError,
        "'c' does not depend on anything that needs",
    ),
    (
        lambda x: np.sum(mg.detach(x)).backward(),
        GradientError,
        "'sum' does not depend on anything that needs",
    ),
    (
        lambda x: mg.grad(np.sum(x), [mg.tensor(1.0, name="c")]),
        GradientError,
        "'c' does not need a gradient",
    ),
    (lambda x: mg.Tape.of(np.sum(x), np.max(x)).backward(), GradientError, "a tape with 2 outputs"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_backward_refuses(call, error, message):
    x = param([1.0, 2.0])
    with pytest.raises(error, match=re.escape(message)):
        call(x)
    assert x.grad is None


@pytest.mark.parametrize(
    "go",
    [
        lambda loss, w: loss.backward(),
        lambda loss, w: mg.grad(loss, [w]),
        lambda loss, w: mg.Tape.of(loss).backward(),
        lambda loss, w: list(mg.Tape.of(loss).steps()),
        lambda loss, w: differentiate(mg.Tape.of(loss)),
        lambda loss, w: truncate(mg.Tape.of(loss), every=1).backward(),
    ],
)
def test_a_parameter_assigned_before_backward_makes_the_tape_stale(go):
    w = param([1.0, 2.0], "w")
    with mg.timestep(2):
        y = np.tanh(w * 3).named("y")
    loss = np.sum(y * w)
    w.assign([5.0, 6.0])
    with pytest.raises(
        StaleTapeError, match=r"^backward through 'multiply': 'w' was assigned a new value after"
    ):
        go(loss, w)
    assert w.grad is None


def test_a_parameter_assigned_before_forward_is_fine():
    w = param(1.0)
    w.assign(3.0)
    (w * w).backward()
    assert w.grad == 6


# --- cost and depth --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "seen", [lambda tape: tape.steps(), lambda tape: sweep_of(tape, seed_for(tape))]
)
def test_an_adjoint_is_gone_once_it_was_passed_on(seen):
    """Nothing but the seed is held of what backward has left behind: neither adjoints nor what was sent."""
    W, h = param(np.eye(3) * 0.9, "W"), param(np.ones((2, 3)), "h")
    for _ in range(20):
        h = np.tanh(h @ W)
    gone = []
    for _, g, sent in seen(mg.Tape.of(np.sum(h * h))):
        gone.append([weakref.ref(x) for x in (g, *sent) if x is not None])
        assert not [r for refs in gone[1:-4] for r in refs if r() is not None]
    assert len(gone) > 40
