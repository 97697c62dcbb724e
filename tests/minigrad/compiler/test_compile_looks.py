"""Where Python looked at a value while the tape was recorded, nothing is compiled."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import (
    GradientError,
    ShapeError,
)
from tests.laws import agrees
from tests.zoo import CELLS, stacked


def looking(look, x_name="x"):
    """A tape in the middle of which Python looks at a value."""
    x, total = mg.tensor([1.0, 2.0], name=x_name), 0
    for t in range(1, 4):
        with mg.timestep(t):
            y = x * t
            look(x if t == 3 else y)
            total = total + np.sum(y)
    return mg.Tape.of(total)


LOOKS = {
    "if": lambda t: 1 if np.sum(t) > 0 else 2,
    "float": lambda t: float(np.sum(t)),
    "int": lambda t: [1] * int(t[0]),
    "item": lambda t: t.item(0),
    "argmax": lambda t: int(np.argmax(t)),
    "mask": lambda t: t[t > 0],
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_python_that_looked_at_a_value_is_refused(look):
    tape = looking(look)
    for rewritten in (tape, tr.simplify(tape)):
        with pytest.raises(
            GradientError,
            match=r"compile: the value of 'mult.*' was read while .* \[t=., test_co.*\d",
        ):
            mg.compile(rewritten)
    with pytest.raises(GradientError, match="was read"):
        mg.compile(looking(lambda t: look(t) if t.fn is None else None))  # an input alone
    mg.compile(looking(look, x_name=None))  # a constant decides the same every time


def test_to_look_only_is_allowed():
    tape = looking(lambda t: (t.data, t.numpy(), repr(t), t.shape, len(t)))
    assert float(tape.outputs[0]) > 0
    float(tape["x"][0])
    mg.compile(tape)


def test_clipping_by_hand_is_a_look_at_a_gradient():
    loss, g = tr.differentiate(mg.Tape.of(stacked(CELLS[0])[0])).outputs[:2]
    n = np.sqrt(np.sum(g * g))
    if n > 0.001:
        g = g / n
    for outputs in ((loss, g), (g, loss)):
        with pytest.raises(GradientError, match="was read while"):
            mg.compile(mg.Tape.of(*outputs))


def test_a_look_for_another_tape_is_fine():
    w, x = mg.tensor(3.0, requires_grad=True, name="w"), mg.tensor(2.0, name="x")
    assert float(w * x) == 6
    agrees(tr.differentiate(mg.Tape.of(w * x * w)), {"x": 5.0})


def test_a_mask_that_chooses_another_number_is_refused():
    x, m = (
        mg.tensor(np.arange(4.0), name="x"),
        mg.tensor([True, False, True, True], name="m", dtype=bool),
    )
    with pytest.raises((GradientError, ShapeError), match=r"Record|was read"):
        mg.compile(mg.Tape.of(x[m]))({"x": x.data, "m": np.array([False, True, False, False])})
