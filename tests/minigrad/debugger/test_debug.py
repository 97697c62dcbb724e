"""Stops in an ordinary backward(): watches, pdb itself through a pipe, post-mortem; and a step's own words."""

import inspect
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad.core.scope import watch
from minigrad.errors import ArgumentError, GradientError, NonFiniteError
from minigrad.models.book.cases import exploding, network
from minigrad.ops import OPS
from minigrad.scoping import all_holding

ROOT = Path(__file__).parents[3]


@pytest.fixture
def loss():
    return network("rnn", 3)


# --- watches --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("target", ["h_2", lambda n: n.name == "h_2"])
def test_on_backward_looks_by_name_or_predicate(loss, target):
    seen = []
    with mg.on_backward(target, seen.append):
        loss.backward()
        mg.Tape.of(loss).backward()
        mg.grad(loss, mg.Tape.of(loss).parameters)
        list(mg.Tape.of(loss).steps())
    loss.backward(retain_graph=True)
    (expected,) = mg.grad(loss, [mg.Tape.of(loss)["h_2"]])
    assert len(seen) == 4
    assert all(np.array_equal(g, expected.data) for g in seen)


def test_all_versions_of_a_name_are_meant(capsys):
    tape, seen = tf.truncate(mg.Tape.of(network("rnn", 4)), window=1), []
    with mg.on_backward("h_2", seen.append), mg.break_at(tape, "h_2", when=lambda g: False):
        tape.backward()
    assert len(seen) == len([n for n in tape.nodes if n.name == "h_2"]) > 1
    mg.debug(tape, "b h_2; c; c; c")
    assert capsys.readouterr().out.count("breakpoint 1 (h_2)") == len(seen)


def test_a_watch_stays_until_removed(loss):
    seen = []
    first, second = mg.on_backward("h_2", seen.append), mg.on_backward("h_1", seen.append)
    assert repr(first) == "Watch('h_2', on)"
    loss.backward()
    first.remove()
    loss.backward(retain_graph=True)
    second.remove()
    second.remove()
    loss.backward(retain_graph=True)
    assert [len(seen), repr(first)] == [3, "Watch('h_2', removed)"]
    assert all_holding(watch) == []


def test_a_watch_and_detect_anomaly_work_together():
    seen = []
    ignore = np.errstate(all="ignore")
    with (
        ignore,
        mg.on_backward("h_30", seen.append),
        mg.detect_anomaly(),
        pytest.raises(NonFiniteError),
    ):
        exploding().backward()
    assert len(seen) == 1


def test_a_watch_only_looks(loss):
    with mg.on_backward("h_2", lambda g: g * 0), pytest.raises(GradientError) as error:
        loss.backward()
    assert error.value.text == (
        "on_backward at 'h_2': the function returned something; one that only looks returns None. "
        "To change a gradient write h = mg.on_backward(h, fn) in the forward pass."
    )


def test_on_backward_of_a_tensor_or_an_array_is_a_gate_as_ever():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = mg.on_backward(x, lambda g: g * 2)
    assert mg.grad(np.sum(y), [x])[0].data.tolist() == [2.0, 2.0]
    assert mg.on_backward(np.ones(2), print).tolist() == [1.0, 1.0]
    assert all_holding(watch) == []


def test_gradients_under_a_watch_are_the_same_to_the_bit(loss):
    tape = mg.Tape.of(loss)
    before = [g.data.tobytes() for g in mg.grad(loss, tape.parameters)]
    with mg.on_backward(lambda n: True, lambda g: None):
        assert [g.data.tobytes() for g in mg.grad(loss, tape.parameters)] == before


# --- break_at -------------------------------------------------------------------------------------------------------
@pytest.fixture
def stopped(monkeypatch):
    """What `breakpoint()` would show: the locals of the frame that called it."""
    seen = []
    monkeypatch.setattr(
        sys, "breakpointhook", lambda: seen.append(dict(inspect.stack()[1].frame.f_locals))
    )
    return seen


def test_break_at_stops_in_an_ordinary_backward(loss, stopped):
    tape = mg.Tape.of(loss)
    for where in ("h_2", tape["h_2"], lambda n: n.name == "h_2"):
        with mg.break_at(tape, where):
            loss.backward(retain_graph=True)
    assert [s["step"].name for s in stopped] == ["h_2"] * 3
    assert stopped[0]["formula"] == "dL/dadd@2#2 += dL/dh_2 ⊙ (1 - h_2²)"
    assert np.array_equal(stopped[0]["grad"], mg.grad(loss, [tape["h_2"]])[0].data)


def test_break_at_stops_when_it_is_told(loss, stopped):
    tape = mg.Tape.of(loss)
    with mg.break_at(
        tape, lambda n: (n.name or "").startswith("h_"), when=lambda g: np.linalg.norm(g) > 2.5
    ):
        loss.backward()
    norms = {
        s.name: np.linalg.norm(s.grad)
        for s in tape.steps()
        if (s.tensor.name or "").startswith("h_")
    }
    assert [s["step"].name for s in stopped] == [name for name, norm in norms.items() if norm > 2.5]
    assert len(stopped) not in (0, 3)


def test_break_at_nothing_is_an_error(loss):
    tape = mg.Tape.of(loss)
    for where in ("h_9", mg.tensor(1.0), lambda n: False):
        with pytest.raises(ArgumentError):
            mg.break_at(tape, where)
    assert all_holding(watch) == []


# --- pdb ------------------------------------------------------------------------------------------------------------
SCRIPT = """
import minigrad as mg
from minigrad.models.book.cases import network
loss = network("rnn", 3)
"""


def pdb(tmp_path, script, commands, args=()):
    file = tmp_path / "mine.py"
    file.write_text(SCRIPT + script)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(
        [sys.executable, *args, file],
        input=commands,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=env,
        encoding="utf-8",
    )
    assert "Traceback" not in run.stderr
    return run.stdout


def test_breakpoint_in_the_loop_over_steps_shows_it_all(tmp_path, loss):
    script = "for step in mg.Tape.of(loss).steps():\n    if step.name == 'h_2':\n        breakpoint()\n    x = 1\n"
    out = pdb(
        tmp_path, script, "p step\np step.formula\np step.origin, step.time\np step.grad.shape\nc\n"
    )
    assert "(Pdb) Step(h_2: float64[1, 4], norm " in out
    assert "'dL/dadd@2#2 += dL/dh_2 ⊙ (1 - h_2²)'" in out
    assert f"('{mg.Tape.of(loss)['h_2'].origin}', 2)" in out
    assert "(1, 4)" in out


def test_break_at_opens_pdb_inside_backward(tmp_path):
    script = "with mg.break_at(mg.Tape.of(loss), 'h_2'):\n    loss.backward()\nprint('done')\n"
    out = pdb(tmp_path, script, "p step.name\nw\nc\n")
    assert "'h_2'" in out
    assert "mine.py(6)<module>()" in out  # where the user called backward
    assert out.rstrip().endswith("done")


def test_stepping_lands_on_the_readable_line_of_a_rule(tmp_path):
    rule = OPS[np.tanh].rules[0].__code__
    out = pdb(
        tmp_path,
        "loss.backward()\n",
        f"b {rule.co_filename}:{rule.co_firstlineno}\nc\nc\np g.shape\nw\nq\n",
        args=("-m", "pdb"),
    )
    assert "-> lambda g, y, x: g * (1 - y * y)," in out
    assert "(1, 4)" in out


# --- the terminal debugger from code, post-mortem ---------------------------------------------------------------------
@pytest.fixture
def no_input(monkeypatch):
    """Standard input that is at its end."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())


def test_debug_takes_a_loss_or_a_tape(loss, no_input, capsys):
    for what in (loss, tf.truncate(mg.Tape.of(loss), every=1)):
        mg.debug(what)
    assert capsys.readouterr().out.count("steps back. n takes one") == 2


def test_debug_takes_commands(loss, capsys):
    mg.debug(loss, "b h_2; c; u; q")
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("(mg)")] == [
        "(mg) b h_2",
        "(mg) c",
        "(mg) u",
        "(mg) q",
    ]


def failing():
    """A backward pass that fails half-way."""

    def fail(g):
        raise ValueError("no more")

    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    return np.sum(np.tanh(mg.on_backward(np.exp(x).named("e"), fail)))


def test_pm_stands_where_backward_failed(no_input, capsys):
    try:
        failing().backward()
    except ValueError:
        mg.pm()
    out = capsys.readouterr().out
    assert out.startswith("post-mortem: ValueError: no more\n")
    said = (
        r"the next step, through 'on_backward' \[test_debug.py:\d+\], fails: ValueError: no more\n"
        r"\[2/5\] tanh = tanh\(on_backward\)"
    )
    assert re.search(said, out)


def test_pm_stands_at_the_first_bad_value(no_input, capsys):
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError) as error, mg.detect_anomaly():
        exploding().backward()
    mg.pm(error.value)
    assert "[98/125] matmul@9#2 = matmul(h_8, W_hh)" in capsys.readouterr().out


def test_pm_of_something_else_is_an_error():
    with pytest.raises(ArgumentError, match="did not happen in a backward pass"):
        mg.pm(ValueError("no"))


# --- words ----------------------------------------------------------------------------------------------------------
def test_a_step_is_one_helpful_line(loss):
    steps = list(mg.Tape.of(loss).steps())
    assert all("\n" not in repr(s) and len(repr(s)) < 400 for s in steps)
    step = next(s for s in steps if s.name == "h_2")
    assert repr(step).startswith("Step(h_2: float64[1, 4], norm ")
    assert repr(step).endswith("; dL/dadd@2#2 += dL/dh_2 ⊙ (1 - h_2²) [" + step.tensor.where + "])")
    assert step.tensor.where == f"t=2, {step.origin}"
    assert re.fullmatch(r"cells\.py:\d+", step.origin)
    assert [step.time, step.name] == [2, "h_2"]
    tensor, grad, contributions = step
    assert tensor is step.tensor
    assert grad is step.grad
    assert len(contributions) == 1


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.array([[3.0, -4.0]]), "float64[1, 2], norm 5, -4 to 3"),
        (np.array([1.0, np.nan, np.inf], np.float32), "float32[3], norm 1, 1 to 1, 1 NaN, 1 inf"),
        (np.array([np.nan]), "float64[1], 1 NaN"),
        (np.full(2, 3e38, np.float32), "float32[2], norm 4.243e+38, 3e+38 to 3e+38"),
        (np.full(2, 1e308), "float64[2], norm 1.414e+308, 1e+308 to 1e+308"),
        (np.zeros((0, 3)), "float64[0, 3]"),
        (np.array(2.5), "2.5"),
        (np.array(3), "3"),
        (np.array([True]), "bool[1]"),
    ],
)
def test_an_array_is_summarised(x, said):
    assert mg.core.inspection.text.summary(x) == said
