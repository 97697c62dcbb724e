"""What backward() has finished with is let go of, and only where nobody can ask through it."""

import numpy as np
import pytest

import minigrad as mg
from benchmarks.habits import HABITS, parameter, steps
from minigrad.core.order import carrying
from minigrad.errors import GradientError
from minigrad.internal import behind


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.__name__)
def test_the_tape_of_what_a_loop_carries_on_does_not_grow(habit):
    rounds = habit()
    sizes = []
    for k in range(61):
        # nobody holds the last round's values while the next one runs: who does may ask through them
        carried = None
        carried = next(rounds)
        if k in (4, 60):
            sizes.append(len(behind(carried)))
    assert sizes[0] == sizes[1]


def loss_of(W):
    return np.sum(np.tanh(W) ** 2)


def updated(W, rounds=3):
    for _ in range(rounds):
        (g,) = mg.grad(loss_of(W), [W])
        W = W - 0.1 * g
    return W


def test_updates_give_the_numbers_of_plain_arrays():
    W = np.eye(8) * 0.1
    for _ in range(3):
        y = np.tanh(W)
        W = W - 0.1 * 2 * y * (1 - y * y)
    np.testing.assert_allclose(updated(parameter()).data, W, rtol=1e-13)


def test_who_holds_an_earlier_parameter_may_ask_through_the_update():
    first = parameter()
    last = updated(first)
    (through,) = mg.grad(np.sum(last * 3), [first])
    np.testing.assert_array_equal(through.data, np.full((8, 8), 3.0))
    middle = last * 1
    end = updated(middle)
    (through,) = mg.grad(np.sum(end * 3), [middle])
    np.testing.assert_array_equal(through.data, np.full((8, 8), 3.0))


def test_a_result_whose_past_was_never_asked_for_keeps_it():
    def network():
        W = parameter()
        h = np.tanh(X @ W)
        return np.sum(h**2), h

    X = np.ones((2, 8))
    loss, h = network()
    before = str(mg.Tape.of(loss))
    mg.grad(loss, [h])
    mg.grad(loss, [h])
    assert str(mg.Tape.of(loss)) == before


def test_steps_that_closed_gates_join_stay_after_backward():
    W, h = parameter(), mg.tensor(np.zeros((4, 8)))
    loss = 0
    for _ in range(3):
        h, part = steps(mg.detach(h), W)
        loss = loss + part
    tape = mg.Tape.of(loss)
    before = str(tape)
    loss.backward()
    assert str(mg.Tape.of(loss)) == before
    np.testing.assert_array_equal(mg.grad(loss, [W])[0].data, W.grad)


def test_state_carried_on_by_a_gate_has_the_gradient_of_detached_state():
    grads = []
    for carry in (mg.detach, mg.Tensor.detach):
        W, h = parameter(), mg.tensor(np.zeros((4, 8)))
        for _ in range(3):
            h, loss = steps(carry(h), W)
            loss.backward()
        grads.append(W.grad)
    np.testing.assert_array_equal(*grads)


def scalar(name="w"):
    return mg.tensor(2.0, requires_grad=True, name=name)


def test_backward_through_a_total_of_finished_losses_is_refused():
    w = scalar()
    loss = w * w
    loss.backward()
    total = 0 + loss
    for ask in (
        total.backward,
        mg.Tape.of(total).backward,
        lambda: list(mg.Tape.of(total).steps()),
    ):
        with pytest.raises(GradientError):
            ask()
    assert w.grad == 4


def test_retain_graph_keeps_the_way_through_a_total():
    w = scalar()
    total = 0
    for _ in range(3):
        loss = w * w
        loss.backward(retain_graph=True)
        total = total + loss
    assert mg.grad(total, [w])[0].data == 12
    total.backward(retain_graph=True)
    assert w.grad == 24


def test_a_total_of_finished_and_unfinished_losses_is_refused_too():
    w = scalar()
    finished, other = w * w, w * 3
    finished.backward()
    with pytest.raises(GradientError, match="an earlier backward"):
        (finished + other).backward()


def test_a_scalar_state_is_no_total():
    w = scalar()
    h = np.tanh(w * 0.5)
    h.backward()
    again = h * w
    slope = mg.grad(again, [w])[0].data
    np.testing.assert_allclose(slope, np.tanh(1) + 2 * 0.5 * (1 - np.tanh(1) ** 2))


def test_the_gradient_of_a_late_tensor_visits_nothing_older():
    w = scalar()
    h = w
    for _ in range(50):
        h = np.tanh(h * w)
    y = np.sum(h * 2)
    assert carrying(y, oldest=h.serial) == (h, y.inputs[0], y)
    assert len(carrying(y)) == 103
