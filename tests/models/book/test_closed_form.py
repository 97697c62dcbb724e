"""The closed forms of D2L 9.7.2 against the tape, against each other, and against differences of the forward pass."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.models import section
from minigrad.models.book import closed_form as bptt
from tests.laws import close

# of an element and again of the largest one: together 1e-12
ROUNDING = 5e-13
sizes = st.integers(1, 4)
examples = st.builds(
    section, T=st.integers(1, 6), d=sizes, h=sizes, q=sizes, batch=sizes, seed=st.integers(0, 99)
)


@given(examples)
def test_backward_is_equations_9_7_12_and_9_7_16(example):
    wrt = [example.rnn.W_hx, example.rnn.W_hh, example.rnn.W_qh]
    closed = example.closed_form()
    for p, g in zip(wrt, mg.grad(example.tape.outputs[0], wrt), strict=True):
        close(g.data, getattr(closed, p.name), ROUNDING)


@given(examples)
def test_adjoints_on_the_way_are_equations_9_7_11_to_9_7_14(example):
    adjoints = {step.tensor.name: step.grad for step in example.tape.steps()}
    closed = example.closed_form()
    for t in range(len(example.xs)):
        close(adjoints[f"o_{t + 1}"], closed.do[t], ROUNDING)
        close(adjoints[f"h_{t + 1}"], closed.dh[t], ROUNDING)


@given(examples)
def test_the_recursion_9_7_14_is_the_sum_9_7_15(example):
    closed = example.closed_form()
    expanded = bptt.expanded(example.rnn.W_hh.data, example.rnn.W_qh.data, closed.do)
    close(expanded, closed.dh, 100 * ROUNDING)


@pytest.mark.parametrize("name", ["W_hx", "W_hh", "W_qh"])
def test_closed_form_is_the_derivative_of_the_forward_pass(name):
    e = section(T=4)
    W = {n: getattr(e.rnn, n).numpy() for n in ("W_hx", "W_hh", "W_qh")}

    def loss():
        _, outputs = bptt.forward(**W, h_0=e.h_0, xs=e.xs)
        return np.mean([0.5 * np.sum((o - y) ** 2) for o, y in zip(outputs, e.ys, strict=True)])

    exact, eps = getattr(e.closed_form(), name), 1e-6
    for i in np.ndindex(W[name].shape):
        was = W[name][i]
        W[name][i] = was + eps
        up = loss()
        W[name][i] = was - eps
        assert (up - loss()) / (2 * eps) == pytest.approx(exact[i], rel=1e-6, abs=1e-9)
        W[name][i] = was


def test_the_tape_holds_the_closed_form_s_loss():
    e = section(T=3)
    _, outputs = bptt.forward(
        *[getattr(e.rnn, n).data for n in ("W_hx", "W_hh", "W_qh")], e.h_0, e.xs
    )
    expected = np.mean([0.5 * np.sum((o - y) ** 2) for o, y in zip(outputs, e.ys, strict=True)])
    assert e.tape.outputs[0].item() == pytest.approx(expected, rel=1e-14)
