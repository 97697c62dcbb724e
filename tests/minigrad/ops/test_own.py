"""mg.op: an operation of the user's own is one like the others, and a wrong rule is told with its name."""

import math
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import viz
from minigrad.errors import MinigradError
from minigrad.transforms import differentiate
from tests.laws import agrees, close

pytestmark = pytest.mark.usefixtures("own_operations")


def make_erf():
    @mg.op(vjp=lambda g, y, x: g * 2 / np.sqrt(np.pi) * np.exp(-x * x), says="{g} ⊙ exp(-{x}²)")
    def erf(x):
        return np.vectorize(math.erf, otypes=[float])(x)

    return erf


X = np.array([0.3, 1.2, 2.0])


def test_first_and_second_derivatives_are_those_of_the_rule():
    erf = make_erf()
    x = mg.tensor(X, requires_grad=True)
    (g,) = mg.grad(np.sum(erf(x)), [x], create_graph=True)
    slope = 2 / np.sqrt(np.pi) * np.exp(-X * X)
    close(g, slope, 1e-14)
    close(mg.grad(np.sum(g), [x])[0], -2 * X * slope, 1e-13)
    mg.gradcheck(erf, [x])


def test_several_inputs_keywords_and_broadcasting():
    hypotenuse = mg.op(
        lambda a, b: np.sqrt(a * a + b * b),
        vjp=[lambda g, y, a, b: g * a / y, lambda g, y, a, b: g * b / y],
    )

    @mg.op(vjp=lambda g, y, x, power=2: g * power * x ** (power - 1))
    def to_power(x, power=2):
        return x**power

    a = mg.tensor(X, requires_grad=True)
    b = mg.tensor([[1.0], [2.0]], requires_grad=True)
    mg.gradcheck(hypotenuse, [a, b])
    mg.gradcheck(lambda x: to_power(x, power=3), [a])
    close(to_power(X), X**2)
    assert isinstance(hypotenuse(X, 1.0), np.ndarray)


def test_plans_steps_and_pictures_know_it():
    erf = make_erf()
    W = mg.tensor(np.eye(3) * 0.5, requires_grad=True, name="W")
    h = mg.tensor(X, name="h_0")
    for t in (1, 2, 3):
        with mg.timestep(t):
            h = erf(h @ W).named(f"h_{t}")
    tape = mg.Tape.of(np.sum(h))
    agrees(differentiate(tape), {"h_0": X * 0.5})
    step = next(s for s in tape.steps() if s.name == "h_3")
    assert "exp(-" in step.formula
    assert "erf" in viz.draw(tape, level="ops").source


def test_a_ufunc_is_entered_itself():
    special = pytest.importorskip("scipy.special", reason="SciPy is not installed")
    fn = mg.op(special.dawsn, vjp=lambda g, y, x: g * (1 - 2 * x * y))
    assert fn is special.dawsn
    mg.gradcheck(special.dawsn, [mg.tensor(X, requires_grad=True)])


def asked(rule, fn=lambda x: x * 2.0):
    def doubled(x):
        return fn(x)

    x = mg.tensor(np.ones(4), requires_grad=True, name="x")
    return mg.grad(np.sum(mg.op(doubled, vjp=rule)(x)), [x])


def fails(x):
    raise KeyError("no such thing")


def on_two(a, b):
    return a * b


BACK = "backward through doubled: the rule gave"
REFUSED = [
    (
        lambda: asked(lambda g, y, x: g * np.ones((3, 4))),
        f"{BACK} the shape (3, 4); its input has the shape (4,)",
    ),
    (lambda: asked(lambda g, y, x: np.ones(7)), f"{BACK} the shape (7,)"),
    (
        lambda: asked(lambda g, y, x: g * 2, fn=np.sum),
        f"{BACK} the shape (); its input has the shape (4,)",
    ),
    (lambda: asked(lambda g, y, x: 2.0), f"{BACK} a float; expected an array of shape (4,)"),
    (lambda: asked(lambda g, y, x: g * 1j), f"{BACK} complex128"),
    (lambda: asked(None), "op: no rule for doubled"),
    (lambda: asked([]), "op: no rule for doubled"),
    (
        lambda: asked(lambda g, y, x: g, fn=fails),
        "doubled: the function fails: KeyError: 'no such thing'",
    ),
    (
        lambda: asked(lambda g, y, x: g, fn=lambda x: (x, x)),
        "doubled: the function gave a tuple; expected one array",
    ),
    (lambda: mg.op(3, vjp=np.tanh), "op: a int; expected a function"),
    (lambda: mg.op(np.tanh, vjp=lambda g, y, x: g), "op: tanh has a rule already"),
    (lambda: mg.op(on_two, vjp=lambda g, y, a: g), "op: on_two has 2 inputs and vjp 1 rules"),
]


@pytest.mark.parametrize(("ask", "message"), REFUSED)
def test_a_wrong_rule_or_function_is_told_with_its_name(ask, message):
    with pytest.raises(MinigradError, match="^" + re.escape(message)) as caught:
        ask()
    assert "\n" not in str(caught.value)
