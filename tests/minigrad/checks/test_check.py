"""gradcheck passes what is right, and catches and places what is wrong."""

import functools
import re
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import DTypeError, GradientError, MinigradError
from minigrad.ops import OPS, defvjp, dispatched


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
    with pytest.raises(
        DTypeError, match="gradcheck: 'w' is float32; central differences need float64"
    ):
        mg.gradcheck(np.tanh, param([1.0], "w", np.float32))


def test_the_same_input_twice():
    x = param([0.5, 2.0])
    assert mg.gradcheck(lambda a, b: a * b, [x, x])


# --- whose fault ------------------------------------------------------------------------------------------------------
SMOOTH = [
    np.tanh,
    np.sin,
    np.exp,
    np.cos,
    lambda x: x * x,
    lambda x: x - np.mean(x),
    lambda x: x[::-1],
    lambda x: np.where([True, False, True], x, 0.5 * x),
    lambda x: np.cumsum(x) * 0.5,
    mg.softmax,
]


def run(ops, x):
    for t, op in enumerate(ops):
        with mg.timestep(t):
            x = 0.5 * np.sin(op(x)) + 0.1 * x
    return np.sum(x * np.array([1.0, 0.75, 0.5]))


def refusal(fn, *inputs):
    with pytest.raises(MinigradError) as caught:
        mg.gradcheck(fn, *inputs)
    return caught.value


def error(fn, *inputs):
    return str(refusal(fn, *inputs))


def here():
    """``file:line`` of the caller."""
    return f"test_check.py:{sys._getframe(1).f_lineno}"


elements = st.lists(st.floats(-2, 2), min_size=3, max_size=3)
programs = st.lists(st.sampled_from(SMOOTH), min_size=1, max_size=8)


@given(programs, elements)
def test_smooth_programs_pass_as_functions_and_as_tapes(ops, x):
    x = param(x, "x")
    assert mg.gradcheck(lambda x: run(ops, x), x)
    assert mg.gradcheck(mg.Tape.of(run(ops, x)))


@given(programs, st.data())
def test_the_one_wrong_rule_is_named_its_step_and_line(ops, data):
    @dispatched
    def culprit(x):
        return 2 * x

    at = data.draw(st.integers(0, len(ops) - 1))
    wrong, place = list(ops), []

    def call(x):
        place.append(f"test_check.py:{sys._getframe().f_lineno + 1}")
        return culprit(x)

    wrong[at] = call
    x = param([0.3, -0.4, 0.7], "x")
    try:
        defvjp(culprit, lambda g, y, x: 2 * g)
        tape = mg.Tape.of(run(wrong, x))
        assert mg.gradcheck(tape)
        defvjp(culprit, lambda g, y, x: 3 * g)
        [adjoint] = [g for n, g, _ in tape.steps() if n.op == "culprit"]
        assume(np.max(np.abs(adjoint)) > 1e-2)
        for checked in ((lambda x: run(wrong, x), x), (tape,)):
            message = error(*checked)
            assert "The rule of culprit sends" in message
            assert re.search(rf"sum <- .*culprit@{at} <- .*x\. \[t={at}, {place[0]}\]$", message)
    finally:
        OPS.pop(culprit, None)


@given(programs, st.data())
def test_the_kink_is_named_its_step_and_line(ops, data):
    """Where elements of the operand are 0, relu's gradient, 0, is none of both slopes' mean."""
    at, broken = data.draw(st.integers(0, len(ops) - 1)), list(ops)
    broken[at] = lambda x: mg.relu(x - stand[0]) + x
    stand = [np.zeros(3)]
    x, before = param([0.3, -0.4, 0.7], "x"), ops[:at]
    y = x.data
    for op in before:
        y = 0.5 * np.sin(op(mg.tensor(y)).data) + 0.1 * y
    stand[0] = y
    slopes = [g for n, g, _ in mg.Tape.of(run(broken, x)).steps() if n.op == "relu"]
    assume(np.min(np.abs(slopes[0])) > 1e-2)
    message = error(lambda x: run(broken, x), x)
    assert re.search(rf"kink: left slope \S+, right slope \S+; relu at 'relu@{at}'\. ", message)
    assert "lies between: a subgradient, no error of a rule. Move x[" in message
    assert f"[t={at}, test_check.py:{broken[at].__code__.co_firstlineno}]" in message


def test_a_wrong_rule_reads(double):
    fn = double(lambda g, y, x: 3 * g)
    lines = []

    def program(W):
        with mg.timestep(3):
            h, _ = fn(W * 1), lines.append(here())
        return np.sum(h * h)

    assert error(program, param([[0.5, 1.0]], "W")) == (
        "gradcheck: d/dW[0, 1]: backward says 12; central differences say 8. The rule of double sends 12 back where "
        f"its own differences say 8: sum <- multiply <- double@3 <- multiply@3 <- W. [t=3, {lines[0]}]"
    )


def test_a_rule_that_is_missing_is_named(double):
    fn = double(None)
    assert (
        "The rule of double sends 0 back where its own differences say 2: add <- double <- x."
        in error(lambda x: fn(x) + x, param([1.0], "x"))
    )


def test_a_long_path_is_elided(double):
    fn = double(lambda g, y, x: 3 * g)
    message = error(
        lambda x: functools.reduce(lambda y, _: y + 1, range(50), fn(x)), param([1.0], "x")
    )
    assert "add#50 <- add#49 <- ... <- add#2 <- add <- double <- x." in message


def test_a_kink_that_no_subgradient_excuses(double):
    @dispatched
    def bent(x):
        return np.absolute(x)

    try:
        defvjp(bent, lambda g, y, x: 3 * g)
        message = "left slope -1, right slope 1; bent. 3 does not lie between: no subgradient"
        assert message in error(bent, param([0.0]))
    finally:
        OPS.pop(bent, None)


KINKS = [
    (mg.relu, [1.0, 0.0], "kink: left slope 0, right slope 1; relu. 0 lies between"),
    (np.absolute, [1.0, 3e-7], "right slope 1; absolute(3e-07). 1 lies between"),
    (np.max, [1.0, 1, 1], "kink: left slope 0, right slope 1; max ties. 0.3333 lies between"),
    (lambda x: np.maximum(x, 1 - 5e-7), [1.0, 2], "maximum(1, 1) ties. 1 lies between"),
    (lambda x: np.where(x > 0, x, 3 * x), [0.0], "kink: left slope 3, right slope 1; less(0, 0)"),
    (
        lambda x: x if x.data[0] > 0 else 3 * x,
        [0.0],
        "right slope 1; a branch in Python, which no tape holds. 3 lies",
    ),
    (
        lambda x: np.floor(x) * x,
        [1.5, 2],
        "jump: floor(2). There is no derivative; move x[1] off the jump",
    ),
    (lambda x: np.where(x >= 2, x * x, x), [2.0], "jump: less_equal(2, 2)"),
    (
        lambda x: x if x.data[0] > 0 else x + 1,
        [0.0],
        "jump: a branch in Python, which no tape holds.",
    ),
    (np.log, [1e-7], "log(1e-07) is at the edge of its domain. Move x[0] inside"),
    (lambda x: np.sin(1e4 * x), [1.0], "sin(1e+04) curves too much. Pass a smaller eps"),
    (np.sqrt, [0.0], "gradcheck: d/dx[0] is inf: backward through sqrt: 'sqrt' sends inf"),
    (
        lambda x: x * x.data,
        [2.0],
        "says 2; central differences say 4. A value leaves the tape and comes back as a con",
    ),
    (lambda x: x * x.detach(), [2.0], "replayed, the tape agrees with backward"),
]


@pytest.mark.parametrize(("fn", "x", "said"), KINKS, ids=[said[-30:] for *_, said in KINKS])
def test_what_is_no_error_of_a_rule_says_so(fn, x, said):
    assert said in error(fn, param(x, "x"))


@given(elements, st.sampled_from([1.0, 100.0, 1e4]))
def test_the_step_grows_with_the_element(x, scale):
    assert mg.gradcheck(lambda x: x * x * x, param(np.array(x) * scale))


def test_rounding_is_no_error_of_a_rule():
    message = error(lambda x: np.sum(x * x * x), param([2e4, 156.25], "x"))
    assert "Rounding alone makes up to 32 here. Pass a larger eps, or smaller inputs. [" in message


# --- refusals ---------------------------------------------------------------------------------------------------------
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
        f"gradcheck: the gate {name} changes the gradient; {GATE}. [t=2, test_check.py:"
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
    W, h, line = param(np.eye(2) * 0.9, "W"), np.ones(2), here()
    for t in range(4):
        with mg.timestep(t):
            h = np.tanh(W @ h)
    tape = mg.Tape.of(np.sum(h))
    assert mg.gradcheck(tape)
    assert mg.gradcheck(tape, W)
    assert mg.gradcheck(mg.transforms.untie(tape, W))
    at = f"[t=2, test_check.py:{int(line.split(':')[1]) + 3}]"
    cut = error(mg.transforms.truncate(tape, every=2))
    assert cut == f"gradcheck: the gate detach changes the gradient; {GATE}. {at}"
    assert refusal(tape, param(1.0, "other")).text == "replay: 'other' is no leaf of this tape."


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
        "expected a function of its inputs alone. Seed random generators inside fn, and keep no state between its calls.",
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
        "gradcheck: an input is a float. Wrap the inputs: tensor(x, requires_grad=True)."
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
