"""gradcheck passes what is right, catches what is wrong, refuses what cannot be compared."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DTypeError, GradientError
from tests.minigrad.checks.findings import error, line, refusal
from tests.zoo import param


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
    with pytest.raises(
        DTypeError, match="gradcheck: 'w' is float32; central differences need float64"
    ):
        mg.gradcheck(np.tanh, param([1.0], "w", np.float32))


def test_the_same_input_twice():
    x = param([0.5, 2.0])
    assert mg.gradcheck(lambda a, b: a * b, [x, x])


# --- refusals ---------------------------------------------------------------------------------
GATE = "it is deliberately not the derivative. Check the program without the gate, a truncated tape as it was before"


@pytest.mark.parametrize(
    ("gate", "name"),
    [
        (mg.detach, "detach"),
        (lambda x: mg.scale_grad(x, 0.5), "scale_grad"),
        (lambda x: mg.clip_grad(x, 0.5), "clip_grad"),
        (lambda x: mg.on_backward(x, lambda g: -g), "on_backward"),
    ],
)
def test_a_gate_that_changes_the_gradient_is_refused(gate, name):
    def program(x):
        with mg.timestep(2):
            y = gate(x) * 2
        return y + x

    message = error(program, param([1.0, 2.0]))
    assert message.startswith(
        f"gradcheck: the gate {name} changes the gradient; {GATE}. [t=2, test_gradcheck.py:"
    )


@pytest.mark.parametrize(
    "gate",
    [
        lambda x: mg.scale_grad(x, 1.0),
        lambda x: mg.clip_grad(x, 50.0),
        lambda x: mg.on_backward(x, lambda g: None),
    ],
)
def test_a_gate_that_changes_nothing_passes(gate):
    assert mg.gradcheck(lambda x: np.tanh(gate(x)), param([1.0, 2.0]))


def test_a_truncated_tape_is_refused_and_an_untouched_one_checked():
    W, h, start = param(np.eye(2) * 0.9, "W"), np.ones(2), line()
    for t in range(4):
        with mg.timestep(t):
            h = np.tanh(W @ h)
    tape = mg.Tape.of(np.sum(h))
    assert mg.gradcheck(tape)
    assert mg.gradcheck(tape, W)
    assert mg.gradcheck(mg.transforms.untie(tape, W))
    file, number = start.split(":")
    at = f"[t=2, {file}:{int(number) + 3}]"
    cut = error(mg.transforms.truncate(tape, every=2))
    assert cut == f"gradcheck: the gate detach changes the gradient; {GATE}. {at}"
    assert refusal(tape, param(1.0, "other")).text.startswith("replay: 'other' is no leaf")


rng = np.random.default_rng(0)
outside = param([1.0, 2.0], "W")
calls = []


def counts(x):
    calls.append(x)
    return x * len(calls)


ROUNDS = "central differences need float64: rounding by 1e-07 drowns them. Check in float64, train in float32."
REFUSED = [
    (
        lambda x: x * rng.random(2),
        [1.0, 2.0],
        "gradcheck: for the same inputs fn returns 0.636961687 and then 0.0409735239; "
        "expected a function of its inputs alone. Seed random generators inside fn, "
        "and keep no state between its calls.",
    ),
    (counts, [1.0], "gradcheck: for the same inputs fn returns "),
    (
        lambda x: outside * outside,
        outside,
        "gradcheck: fn reads 'W' from outside; the differences change its arguments. "
        "Use the argument that stands for it.",
    ),
    (lambda x: (x, x), [1.0], "gradcheck: fn returns tuple; expected one Tensor."),
    (lambda x: 3.0, [1.0], "gradcheck: fn returns float; expected one Tensor."),
    (np.floor, [1.5], "gradcheck: 'floor' needs no gradient; 'floor' sends none back. ["),
    (
        lambda x: mg.tensor(3.0),
        [1.0],
        "gradcheck: 'constant' needs no gradient; it does not depend on the inputs. [",
    ),
    (lambda x: x.astype(np.float32), [1.0], f"gradcheck: 'cast' is float32; {ROUNDS} ["),
    (np.tanh, param([1.0], "w", np.float32), f"gradcheck: 'w' is float32; {ROUNDS} ["),
    (
        np.tanh,
        mg.tensor([1]),
        "gradcheck: no input needs a gradient. Make one with tensor(x, requires_grad=True).",
    ),
    (
        lambda x: np.tanh(np.sqrt(x)),
        [-1.0],
        "gradcheck: fn is not finite: sqrt: 'sqrt' has NaN in 1 of 1; it reads 'x' (1,) all at -1. [",
    ),
]


@pytest.mark.parametrize(("fn", "x", "said"), REFUSED, ids=[said[11:40] for *_, said in REFUSED])
def test_what_cannot_be_compared_is_refused(fn, x, said):
    with np.errstate(all="ignore"):
        assert error(fn, x if isinstance(x, mg.Tensor) else param(x, "x")).startswith(said)


def test_inputs_are_tensors_and_there_are_some():
    assert refusal(np.tanh, [1.0]).text == (
        "gradcheck: a float among the Tensors; expected Tensors, or dicts, lists, tuples, dataclasses or "
        "models of them."
    )
    assert (
        refusal(np.tanh).text
        == "gradcheck: no inputs; a function is checked at some: gradcheck(fn, [x])."
    )


def test_an_input_without_a_name_goes_by_its_place(double):
    fn = double(lambda g, y, x: 3 * g)
    assert error(lambda a, b: a * fn(b), [param(2.0), param([3.0])]).startswith(
        "gradcheck: d/dinputs[1][0]: "
    )
