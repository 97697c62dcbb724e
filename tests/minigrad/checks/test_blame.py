"""Where backward and differences disagree, gradcheck names the one that is to blame."""

import functools
import re
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.ops import OPS, defvjp, dispatched
from tests.minigrad.checks.findings import error, line
from tests.zoo import param


def centred(x):
    return x - np.mean(x)


def cumulated(x):
    return np.cumsum(x) * 0.5


MIXING = [centred, cumulated, mg.softmax]
SMOOTH = [
    np.tanh,
    np.sin,
    np.exp,
    np.cos,
    lambda x: x * x,
    centred,
    lambda x: x[::-1],
    lambda x: np.where([True, False, True], x, 0.5 * x),
    cumulated,
    mg.softmax,
]


def run(ops, x):
    for t, op in enumerate(ops):
        with mg.timestep(t):
            x = 0.5 * np.sin(op(x)) + 0.1 * x
    return np.sum(x * np.array([1.0, 0.75, 0.5]))


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
        place.append(f"test_blame.py:{sys._getframe().f_lineno + 1}")
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
    """Where elements of the operand are 0, relu's gradient, 0, is none of both slopes' mean.

    It lies between both where an element of x moves one element of the operand: several may bend
    in opposite directions.
    """
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
    straight = [*before, lambda x: (x - stand[0]) + x, *ops[at + 1 :]]
    below, above = (mg.grad(run(each, x), x)[0].data for each in (broken, straight))
    assume(np.max(np.abs(above - below)) > 1e-3)
    message = error(lambda x: run(broken, x), x)
    assert re.search(rf"kink: left slope \S+, right slope \S+; relu at 'relu@{at}'\. ", message)
    verdict = "lies between: a subgradient, no error of a rule. Move x["
    assert verdict in message or any(op in MIXING for op in before)
    assert f"[t={at}, test_blame.py:{broken[at].__code__.co_firstlineno}]" in message


def test_a_wrong_rule_reads(double):
    fn = double(lambda g, y, x: 3 * g)
    lines = []

    def program(W):
        with mg.timestep(3):
            h, _ = fn(W * 1), lines.append(line())
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
