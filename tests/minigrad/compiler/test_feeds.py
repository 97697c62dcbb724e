"""What a plan and a replay are fed: all inputs or none, each name one, arrays that are plain."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError, DTypeError
from minigrad.transforms import differentiate, truncate_randomly
from tests.laws import close

A = np.arange(1.0, 4)


def runs(tape):
    """The two ways to run a tape again."""
    return mg.compile(tape), tape.replay


@pytest.fixture
def tape():
    W = mg.tensor(2.0, requires_grad=True, name="W")
    x, y, z = (mg.tensor(A * k, name=name) for k, name in enumerate("xyz"))
    return mg.Tape.of(np.sum(W * x + y - z))


def test_all_inputs_are_fed_or_none(tape):
    for run in runs(tape):
        close(run(), [np.array(np.sum(A * 0 + A - 2 * A))])
        close(run({"W": 3.0}), run())
        close(run({}), run())
        close(run({"x": A, "y": A, "z": A}), [2 * A.sum()])
        with pytest.raises(
            ArgumentError, match=r"fed 'x', but not 'y', 'z'; .* missing='recorded'"
        ):
            run({"x": A})
        with pytest.raises(ArgumentError, match="but not 'y'"):
            run({"x": A, "z": A, "W": 1.0})
        close(run({"x": A}, missing="recorded"), [A.sum()])
        with pytest.raises(ArgumentError, match="missing: 'recordd'"):
            run({"x": A}, missing="recordd")


def test_a_report_is_fed_like_a_call(tape):
    plan = mg.compile(tape)
    with pytest.raises(ArgumentError, match="but not 'y', 'z'"):
        plan.report({"x": A})
    assert "%" in plan.report({"x": A}, missing="recorded")


def test_drawn_factors_are_no_inputs():
    w, h = mg.tensor(0.5, requires_grad=True, name="w"), mg.tensor(1.0, name="h_0")
    for t in range(1, 5):
        with mg.timestep(t):
            h = np.tanh(w * h)
    tape = differentiate(truncate_randomly(mg.Tape.of(h), keep=0.5, rng=1))
    for run in runs(tape):
        run({"h_0": 2.0})
        run({"xi_2": 1.0})


# --- names ------------------------------------------------------------------------------------------------------------
def sharing():
    xs = [mg.tensor(A, name="x") for _ in range(3)]
    return mg.Tape.of(sum(k * np.sum(x) for k, x in enumerate(xs, 1))), xs


def test_a_name_of_several_means_none_of_them():
    tape, xs = sharing()
    plan = mg.compile(tape)
    assert plan.inputs == ("x#1", "x#2", "x#3")
    for run in (plan, tape.replay):
        with pytest.raises(
            ArgumentError, match=r"3 inputs are named 'x', made at test_feeds.py:\d+;"
        ):
            run({"x": A})
        with pytest.raises(ArgumentError, match="fed 'x#1', but not 'x#2', 'x#3'"):
            run({"x#1": A})
        for feeds in (
            {"x#1": A, "x#2": A * 0, "x#3": A * 2},
            {xs[0]: A, xs[1]: A * 0, xs[2]: A * 2},
        ):
            close(run(feeds), [np.array(7 * A.sum())])
        with pytest.raises(ArgumentError, match="'x' is fed twice"):
            run({"x#1": A, xs[0]: A})
    assert all(name in str(plan) for name in plan.inputs)


def test_results_of_the_same_name_leave_the_leaf_its_own():
    h = mg.tensor(A, name="h")
    later = mg.tensor(A, name="x")
    tape = mg.Tape.of((np.tanh(h).named("h") + later).named("x") * later)
    for run in runs(tape):
        close(run({"h": A * 0, "x": A}), [A * A])
    assert mg.compile(tape).inputs == ("h", "x")


def test_names_that_look_like_numbers_stay_apart():
    xs = [mg.tensor(A * k, name=name) for k, name in enumerate(["x#1", "x", "x", "x#2"])]
    plan = mg.compile(mg.Tape.of(sum(np.sum(x) for x in xs)))
    assert len(set(plan.inputs)) == 4
    close(plan(dict.fromkeys(plan.inputs, A)), [np.array(4 * A.sum())])


# --- arrays -----------------------------------------------------------------------------------------------------------
REFUSED = {
    "masked": np.ma.array(A, mask=[0, 1, 0]),
    "object": np.array([object()] * 3),
    "complex": A * 1j,
    "text": ["a", "b", "c"],
    "None": [None] * 3,
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_a_tensor_refuses_is_refused(value):
    x = mg.tensor(A, name="x")
    for run in runs(mg.Tape.of(x * 2)):
        with pytest.raises(DTypeError, match="'x'"):
            run({"x": value})


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_matrices_are_refused():
    x = mg.tensor(np.eye(2), name="x")
    for run in runs(mg.Tape.of(x * 2)):
        with pytest.raises(DTypeError, match=r"'x': a matrix; .* Pass np\.asarray"):
            run({"x": np.matrix(np.eye(2))})


@pytest.mark.parametrize("value", [[1, 2, 3], (1.0, 2.0, 3.0), A.astype(">f8"), mg.tensor(A)])
def test_numbers_are_taken(value):
    x = mg.tensor(A, name="x")
    for run in runs(mg.Tape.of(x * 2)):
        close(run({"x": value}), [2 * A])


# --- what is baked in -------------------------------------------------------------------------------------------------
def test_the_listing_says_what_is_baked_in():
    rng = np.random.default_rng(0)
    W, x = mg.tensor(np.eye(8), requires_grad=True, name="W"), mg.tensor(np.ones((1, 8)), name="x")
    h = x * 2.0
    for t in range(100):
        with mg.timestep(t):
            h = np.tanh(h @ W) * (rng.random((1, 8)) < 0.5)
    plan = mg.compile(mg.Tape.of(np.sum(h)))
    heading, line, *_ = str(plan).splitlines()[1:]
    assert heading.startswith("constants, the same at every call")
    assert line.startswith("    bool[1, 8] x 100    # test_feeds.py:")
    assert str(mg.compile(mg.Tape.of(np.sum(h)))) == str(plan)
    # a report has the lines of the program alone
    report = str(plan.report())
    assert "constants" not in report
    # a row of the table is a line, the first of a loop too
    assert all(row.split()[0].endswith("us") for row in report.splitlines()[1:])


def test_numbers_and_inputs_are_no_constants():
    x = mg.tensor(A, name="x")
    assert "constants" not in str(mg.compile(mg.Tape.of(np.sum(x * 2 + 1) / mg.tensor(3.0))))


def test_of_many_constants_the_first_are_listed():
    from minigrad.compiler.emit.constants import MAX_LINES, list_constants

    leaves = [mg.tensor(np.ones(k)) for k in range(2, 40)]
    lines = list_constants(leaves)
    assert len(lines) == MAX_LINES + 2
    assert lines[-1] == f"    ... and {38 - MAX_LINES} more"
