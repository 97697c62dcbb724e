"""gradcheck passes what is right, and catches and places what is wrong."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DTypeError, GradientError
from minigrad.vjps import OPS, defvjp, dispatched


@pytest.fixture
def double():
    """A private op, 2 x, whose rule each test gives; forgotten afterwards."""

    @dispatched
    def double(x):
        return 2 * x

    def define(rule):
        defvjp(double, rule)
        return double

    yield define
    OPS.pop(double, None)


def param(x, name=None, dtype=None):
    return mg.tensor(x, requires_grad=True, name=name, dtype=dtype)


def test_passes_on_what_is_right(double):
    fn = double(lambda g, y, x: 2 * g)
    x, w = param([[0.5, -1.0, 2.0]]), param([[1.0], [2.0], [3.0]])
    assert mg.gradcheck(lambda a, b: np.tanh(fn(a) @ b), [x, w])
    assert mg.gradcheck(np.sum, x)
    assert mg.gradcheck(lambda a, k: a * k, [x, mg.tensor(np.array([1, 2, 3]))])  # constants stay
    assert mg.gradcheck(lambda a: np.zeros(3) * a, x)


def test_leaves_its_inputs_alone(double):
    x = param([0.5, 1.0])
    mg.gradcheck(np.tanh, x)
    assert x.grad is None
    np.testing.assert_array_equal(x.data, [0.5, 1])


@pytest.mark.parametrize("factor", [3, -2, 0, 2.001, np.nan])
def test_catches_a_wrong_rule(double, factor):
    fn = double(lambda g, y, x: factor * g)
    with pytest.raises(GradientError):
        mg.gradcheck(fn, param([1.0, 2.0]))


def test_names_the_worst_element_and_both_values(double):
    off = np.array([[0, 0.5, 0], [0, 0, -1]])
    fn = double(lambda g, y, x: 2 * g + off)
    message = "gradcheck: d/dx[1, 2]: backward says 1; central differences say 2"
    with pytest.raises(GradientError, match=re.escape(message)):
        mg.gradcheck(fn, param(np.ones((2, 3)), "x"))


def test_catches_a_gradient_that_is_missing(double):
    fn = double(None)
    with pytest.raises(GradientError):
        mg.gradcheck(lambda x: fn(x) + x, param([1.0, 2.0]))


def test_finds_the_wrong_input(double):
    fn = double(lambda g, y, x: 3 * g)
    with pytest.raises(GradientError, match=re.escape("d/db[]")):
        mg.gradcheck(lambda a, b: a * fn(b), [param(2.0, "a"), param(3.0, "b")])


def test_float32_is_refused_by_name():
    with pytest.raises(DTypeError, match="gradcheck: 'w' is float32; central differences need float64"):
        mg.gradcheck(np.tanh, param([1.0], "w", np.float32))


def test_the_same_input_twice():
    x = param([0.5, 2.0])
    assert mg.gradcheck(lambda a, b: a * b, [x, x])
