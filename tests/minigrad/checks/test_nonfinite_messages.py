"""What is said of a NaN or infinity, word for word: what, where, why, and the remedy."""

import numpy as np
import pytest

import minigrad as mg
from tests.minigrad.checks.findings import F32_MAX, check, find, line
from tests.zoo import param

pytestmark = pytest.mark.usefixtures("silent_numpy")


def test_log_of_zero():
    x = param([[0, 1], [4, 2]], "x")
    with mg.timestep(3):
        y, at = np.log(x), line()
    got = "'log@3' has -inf in 1 of 4; it reads 'x' (2, 2) from 0 to 4, first log(0) at [0, 0]"
    check(np.sum(y), f"log: {got}. [t=3, {at}]")


def test_zero_over_zero():
    a, b = param(0.0, "a"), param(0.0, "b")
    y, at = (a / b).named("y"), line()
    check(y, f"divide: 'y' is NaN; it reads 'a' = 0 and 'b' = 0. [{at}]")


def test_overflow_in_float32():
    z = param([1, 89], "z", np.float32)
    e, at = np.exp(z), line()
    p, then = e / np.sum(e), line()
    hint = "Overflow: float32 ends at 3.403e+38. mg.softmax and mg.log_softmax subtract the largest first"
    got = "'exp' has inf in 1 of 2; it reads 'z' (2,) from 1 to 89, first exp(89) at [1]"
    check(np.sum(p), f"exp: {got}. {hint}. NaN from 'divide' ({then}) on. [{at}]")
    assert find(np.sum(np.exp(param([1, 89], "z")))) is None  # float64 has room


def test_a_mask_around_sqrt_names_sqrt():
    x = param([0, 4], "x")
    y, at = np.sqrt(x), line()
    got = "'sqrt' sends NaN in 1 of 2 to 'x' (2,) from 0 to 4; a gradient of 0 meets sqrt(0) = 0 at [0]"
    remedy = "0 times an infinite slope is NaN. Mask the operand, not the result: sqrt(np.where(mask, x, 1))"
    check(np.sum(np.where(x > 0, y * 2, 0)), f"backward through sqrt: {got}. {remedy}. [{at}]")


def test_the_remedy_for_masks_is_one():
    x = param([0, 4], "x")
    y = np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)) * 2, 0)
    assert find(np.sum(y)) is None
    np.testing.assert_array_equal(mg.grad(np.sum(y), x)[0].data, [0, 0.5])


def test_a_masked_value_spoils_the_gradient():
    x = param([0, 1], "x")
    y, at = np.log(x), line()
    z, seen = y * x, line()
    said = f"The loss does not see it, but 'multiply' ({seen}) sends NaN back"
    remedy = "Mask the operand, not the result: log(np.where(mask, x, 1))"
    got = "'log' has -inf in 1 of 2; it reads 'x' (2,) from 0 to 1, first log(0) at [0]"
    then = f"NaN from 'multiply' ({seen}) on"
    check(np.sum(np.where(x > 0, z, 0)), f"log: {got}. {said}. {remedy}. {then}. [{at}]")


@pytest.mark.parametrize(
    ("fn", "remedy"),
    [
        (lambda x: 2 / x, "y / np.where(mask, x, 1)"),
        (lambda x: x**-1.5, "power(np.where(mask, x, 1), y)"),
        (lambda x: np.exp(1000 * (1 - x)), "exp(np.where(mask, x, 1))"),
        (lambda x: np.arctanh(1 - x), "arctanh(np.where(mask, x, safe))"),
    ],
)
def test_the_operand_to_mask(fn, remedy):
    x = param([0.0, 0.5], "x")
    found = find(np.sum(np.where(x > 0, fn(x), 0)))
    assert found.masked
    assert f"Mask the operand, not the result: {remedy}. [" in str(found)


def test_a_parameter_that_holds_nan():
    W, at = mg.tensor([[1, np.nan], [1, 1]], requires_grad=True, name="W"), line()
    check(np.sum(np.tanh(W @ W)), f"parameter: 'W' has NaN in 1 of 4; first at [0, 1]. [{at}]")
    w, at = mg.tensor(1.0, requires_grad=True, name="w"), line()
    w.assign(np.inf)
    check(w * 2, f"parameter: 'w' is inf. The update before this forward pass wrote it. [{at}]")


def test_an_accumulated_gradient_that_overflows():
    w = param(1, "w", np.float32)
    h, at = (w * 1).named("h"), line()
    got = "the gradient of 'h' is inf; all that was sent to it is finite, the sum is not"
    remedy = "Overflow: float32 ends at 3.403e+38"
    check(h * F32_MAX + (h - 1) * F32_MAX, f"backward: {got}. {remedy}. [{at}]")


def test_a_contribution_that_overflows():
    x = param([1e-30, 1], "x", np.float32)
    y, at = x * F32_MAX, line()
    got = "'multiply' sends inf in 1 of 2 to 'x' (2,) from 1e-30 to 1; a gradient of 1e+30 meets multiply(1e-30, 3e+38)"
    loss = np.sum(y * np.float32([1e30, 1e-9]))
    check(
        loss,
        f"backward through multiply: {got} = 3e+08 at [0]. Overflow: float32 ends at 3.403e+38. [{at}]",
    )
    (slope,) = mg.grad(loss, x)
    assert np.isinf(slope.data[0])
