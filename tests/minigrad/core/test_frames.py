"""Each step of a watched backward pass runs in a frame on the user's forward line."""

import inspect
import linecache
import sys
import traceback
from contextlib import contextmanager

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad.core.inspection import frames
from minigrad.errors import ArgumentError, GradientError, NonFiniteError
from minigrad.ops import OPS
from minigrad.source import line_of
from tests.zoo import TAPES, param

IS_MONITORED = hasattr(sys, "monitoring")


class Followed:
    """What a debugger that follows every line sees of a backward pass."""

    def __init__(self):
        self.visits = []
        self.events = []
        self.before = []

    def call(self, frame):
        if frame.f_code.co_name.startswith("backward of "):
            self.visits.append({**frame.f_locals, "frame": frame})
        self.events.append((frame.f_code, "call"))

    def line(self, code, line):
        self.events.append((code, line))

    @property
    def names(self):
        return [visit["step"].name for visit in self.visits]


@contextmanager
def by_settrace():
    seen = Followed()

    def local(frame, event, arg):
        if event == "line":
            seen.line(frame.f_code, frame.f_lineno)
        return local

    def trace(frame, event, arg):
        seen.call(frame)
        return local

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield seen
    finally:
        sys.settrace(before)


@contextmanager
def by_monitoring():
    seen = Followed()
    monitoring = sys.monitoring
    tool, events = monitoring.DEBUGGER_ID, monitoring.events
    monitoring.use_tool_id(tool, "a debugger")
    monitoring.register_callback(
        tool, events.PY_START, lambda code, offset: seen.call(sys._getframe(1))
    )
    monitoring.register_callback(tool, events.LINE, seen.line)
    monitoring.set_events(tool, events.PY_START | events.LINE)
    try:
        yield seen
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)


FOLLOWERS = [by_settrace, by_monitoring] if IS_MONITORED else [by_settrace]


@pytest.fixture(params=FOLLOWERS)
def followed(request):
    return request.param


# the others have several outputs
ONE_OUTPUT = [name for name in TAPES if name not in ("differentiated", "recomputed")]


def steps_of(tape):
    return list(tape.steps(np.ones(tape.outputs[0].shape)))


def bits(tape):
    (loss,) = tape.outputs
    ones = np.ones(loss.shape)
    return [g.data.tobytes() for g in mg.grad(loss, list(tape.parameters), grad_output=ones)]


# --- the visits -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ONE_OUTPUT)
def test_every_step_is_visited_where_its_node_was_written(followed, name):
    tape = TAPES[name]()
    steps = steps_of(tape)
    with followed() as seen:
        steps_of(tape)
    assert seen.names == [step.name for step in steps]
    for step, visit in zip(steps, seen.visits, strict=True):
        code, instruction = step.tensor.place
        frame = visit["frame"]
        assert frame.f_code.co_filename == code.co_filename
        # the first line of the expression that made the node
        assert frame.f_code.co_firstlineno <= line_of(code, instruction)
        assert frame.f_code.co_name == f"backward of {step.name}"
        assert visit["formula"] == step.formula
        assert np.array_equal(visit["grad"], step.grad)
        assert all(visit[v] is x for v, x in zip(local_names(frame), inputs(step), strict=True))


def local_names(frame):
    return frame.f_code.co_varnames[3 : frame.f_code.co_argcount]


def inputs(step):
    return [step.tensor, *step.tensor.inputs]


@pytest.mark.parametrize("name", ONE_OUTPUT)
def test_looking_changes_no_bit(followed, name):
    tape = TAPES[name]()
    before = bits(tape)
    with followed():
        assert bits(tape) == before
    with mg.break_at(tape, lambda n: True, when=lambda g: False):
        assert bits(tape) == before


@pytest.mark.parametrize("rewrite", [tf.checkpoint, lambda tape: tf.truncate(tape, every=2)])
def test_a_rewritten_tape_is_visited_on_the_same_lines(followed, rewrite):
    tape = rewrite(TAPES["lstm"]())
    before = bits(tape)
    with followed() as seen:
        assert bits(tape) == before
    assert set(seen.names) <= set(tape.names.values())
    assert seen.names


def test_a_recorded_pass_is_visited_too(followed):
    x = param([1.0, 2.0], "x")
    tape = mg.Tape.of(np.sum(np.tanh(x) * x))
    with followed() as seen:
        recorded = tf.differentiate(tape, [x])
    assert seen.names == ["sum", "multiply", "tanh", "x"]
    assert all(isinstance(visit["grad"], mg.Tensor) for visit in seen.visits)
    (plain,) = mg.grad(tape.outputs[0], [x])
    assert np.array_equal(recorded.outputs[1].data, plain.data)


def test_a_line_is_one_event_of_each_visit(followed):
    x = param([1.0, 2.0], "x")
    loss = np.sum(np.exp(np.tanh(x)))
    with followed() as seen:
        loss.backward()
    for visit in seen.visits:
        code = visit["frame"].f_code
        assert seen.events.count((code, code.co_firstlineno)) == 1


def test_so_is_an_expression_of_many_lines(followed):
    x = param([1.0, 2.0], "x")
    # fmt: off
    loss = np.sum(
        x
      * x
    )
    # fmt: on
    with followed() as seen:
        loss.backward()
    for visit in seen.visits:
        code = visit["frame"].f_code
        assert [line for c, line in seen.events if c is code] == ["call", code.co_firstlineno]


def test_code_that_lost_its_lines_is_visited_where_it_begins(followed):
    x = param([1.0, 2.0], "x")
    code = compile("loss = sum(x * x)", __file__, "exec").replace(co_linetable=b"")
    names = {"x": x}
    exec(code, names)
    with followed() as seen:
        names["loss"].backward()
    assert seen.names[-1] == "x"
    assert np.array_equal(x.grad, 2 * x.data)


def test_equal_lines_of_two_files_are_visited_each_in_its_own(followed):
    x = param([1.0, 2.0], "x")
    for file in ("one.py", "two.py"):
        names = {"x": x}
        exec(compile("loss = sum(x * x)", file, "exec"), names)
        with followed() as seen:
            names["loss"].backward()
        files = {v["frame"].f_code.co_filename for v in seen.visits if v["step"].name != "x"}
        assert files == {file}


def test_what_the_users_file_calls_like_a_function_of_python_is_not_called(followed, monkeypatch):
    x = param([1.0, 2.0], "x")
    loss = np.sum(x * x)
    for name in ("getattr", "isinstance"):
        monkeypatch.setitem(globals(), name, pytest.fail)
    with followed() as seen:
        loss.backward()
    assert seen.names == ["sum", "multiply", "x"]


def test_the_first_function_to_step_into_is_the_rule(followed):
    x = param([1.0, 2.0], "x")
    loss = np.sum(np.tanh(x))
    with followed() as seen:
        loss.backward()
    visit = next(v for v in seen.visits if v["step"].name == "tanh")
    events = seen.events[seen.events.index((visit["frame"].f_code, "call")) :]
    calls = [code for code, event in events if event == "call"]
    assert calls[1] is OPS[np.tanh].rules[0].__code__ is visit["step"].rule().__code__


def test_nothing_is_visited_when_nobody_looks(monkeypatch):
    x = param([1.0, 2.0], "x")
    monkeypatch.setattr(frames, "Visits", None)
    np.sum(np.tanh(x)).backward()
    assert x.grad is not None


# --- what stands in the frame ---------------------------------------------------------------------
@pytest.fixture
def stops(monkeypatch):
    """The frames in which breakpoint() was called."""
    seen = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: seen.append(inspect.currentframe().f_back))
    return seen


def test_the_frame_has_the_globals_of_the_users_file(stops):
    x = param([1.0, 2.0], "x")
    loss = np.sum(np.tanh(x))
    with mg.break_at(loss, "tanh"):
        loss.backward()
    assert stops[0].f_globals is globals()
    assert eval("np.isnan(grad).any()", stops[0].f_globals, stops[0].f_locals) == np.False_


def test_names_that_python_cannot_read_are_made_readable(stops):
    x = param(1.0, "step")
    y = (x * param(2.0, "class") * param(3.0, "2 b") * param(4.0, "")).named("a-b")
    loss = (y + param(5.0, "a.b")).named("grad")
    with mg.break_at(loss, lambda n: n.fn is not None):
        loss.backward()
    for frame in stops:
        names = local_names(frame)
        assert all(name.isidentifier() for name in names)
        assert len({*names, "step", "grad", "formula", "watch"}) == len(names) + 4
    assert [frame.f_code.co_name for frame in stops][:2] == ["backward of grad", "backward of a-b"]
    assert stops[0].f_locals["grad_"] is loss


def test_what_a_step_sends_may_be_looked_at_before_it_is_sent(stops, monkeypatch):
    calls = []
    x = param([1.0, 2.0], "x")
    gate = mg.on_backward(x * 3.0, lambda g: calls.append(1))
    loss = np.sum(gate)
    monkeypatch.setattr(
        sys,
        "breakpointhook",
        lambda: stops.append(inspect.currentframe().f_back.f_locals["step"].contributions),
    )
    with mg.break_at(loss, lambda n: n.fn is not None):
        loss.backward()
    expected = [step.contributions for step in mg.Tape.of(loss).steps() if step.tensor.fn]
    for sent, contributions in zip(stops, expected, strict=True):
        for a, b in zip(sent, contributions, strict=True):
            assert (a is None) == (b is None)
            assert a is None or np.array_equal(a, b)
    # once in the pass, once in the steps that it is compared with
    assert len(calls) == 2


def test_a_look_that_was_interrupted_leaves_the_step_as_it_was(monkeypatch):
    calls = []

    def look(g):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt

    x = param([1.0, 2.0], "x")
    loss = np.sum(mg.on_backward(x * 3.0, look))

    def at_the_prompt():
        step = inspect.currentframe().f_back.f_locals["step"]
        with pytest.raises(KeyboardInterrupt):
            step.contributions

    monkeypatch.setattr(sys, "breakpointhook", at_the_prompt)
    with mg.break_at(loss, "on_backward"):
        loss.backward()
    assert len(calls) == 2
    assert x.grad.tolist() == [3.0, 3.0]


def test_which_watch_stopped(stops):
    x = param(1.0, "x")
    loss = x * x
    with mg.break_at(loss, "x") as first, mg.break_at(loss, "x") as second:
        loss.backward()
    assert {frame.f_locals["watch"] for frame in stops} <= {first, second}
    assert len(stops) == 2


def test_a_watched_node_of_a_library_stops_on_the_users_own_line(stops):
    from minigrad.models.book.cases import network

    loss = network("rnn", 2)
    with mg.break_at(loss, "h_2"):
        loss.backward()
    assert stops[0].f_code.co_filename == __file__
    line = linecache.getline(__file__, stops[0].f_lineno)
    assert line.strip() == "loss.backward()"


# --- errors ---------------------------------------------------------------------------------------
def backward_entries(error):
    """Of a traceback, those of frames on forward lines."""
    entries = traceback.extract_tb(error.__traceback__)
    return [e for e in entries if e.name.startswith("backward of ")]


@contextmanager
def unseen(loss):
    yield


@contextmanager
def broken_at(loss):
    with mg.break_at(loss, lambda n: True, when=lambda g: False):
        yield


@pytest.mark.parametrize("watched", [unseen, broken_at])
def test_an_error_of_a_rule_comes_by_the_forward_line(watched):
    def fail(g):
        raise ValueError("no more") from KeyError("its cause")

    x = param([1.0, 2.0], "x")
    loss = np.sum(mg.on_backward(np.exp(x), fail))
    with watched(loss), pytest.raises(ValueError, match="no more") as error:
        loss.backward()
    (entry,) = backward_entries(error.value)
    assert entry.name == "backward of on_backward"
    assert entry.line == "loss = np.sum(mg.on_backward(np.exp(x), fail))"
    span = entry.line.encode()[entry.colno - 4 : entry.end_colno - 4]
    assert span == b"mg.on_backward(np.exp(x), fail)"
    assert isinstance(error.value.__cause__, KeyError)
    assert traceback.extract_tb(error.value.__traceback__)[-1].name == "fail"


def test_the_frame_of_a_failed_step_has_the_formula_of_the_step():
    def fail(g):
        raise ArithmeticError

    x = param([1.0, 2.0], "x")
    loss = np.sum(mg.on_backward(x, fail))
    with pytest.raises(ArithmeticError) as error:
        loss.backward()
    frames = {frame.f_code.co_name: frame for frame, _ in traceback.walk_tb(error.tb)}
    names = frames["backward of on_backward"].f_locals
    assert names["formula"] == "dL/dx += fn(dL/don_backward)"


def test_an_error_of_linear_algebra_is_the_one_line_there():
    x = param(np.zeros((2, 2)), "x")
    loss = np.linalg.slogdet(x)[1]
    with pytest.raises(GradientError) as error:
        loss.backward()
    assert error.value.__suppress_context__
    (entry,) = backward_entries(error.value)
    assert entry.line == "loss = np.linalg.slogdet(x)[1]"


def test_what_is_not_finite_is_raised_on_the_forward_line():
    x = param([0.0, 4.0], "x")
    loss = np.sum(np.where(x.data > 0, np.sqrt(x), 0))
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError) as error, mg.detect_anomaly():
        loss.backward()
    (entry,) = backward_entries(error.value)
    assert entry.name == "backward of sqrt"
    assert entry.line == "loss = np.sum(np.where(x.data > 0, np.sqrt(x), 0))"


# --- the rule of a step ---------------------------------------------------------------------------
def test_the_rule_of_a_step_takes_operands_by_name():
    x, W = param(np.ones((2, 3)), "x"), param(np.ones((3, 4)), "W")
    step = next(s for s in mg.Tape.of(np.sum(x @ W)).steps() if s.name == "matmul")
    for slot in (0, 1):
        rule = step.rule(slot)
        assert list(inspect.signature(rule).parameters)[:4] == ["g", "y", "a", "b"]
        sent = rule(step.grad, step.tensor.data, x.data, W.data)
        assert np.array_equal(sent, step.contributions[slot])
    assert step.rule() is step.rule(0)


def test_the_rule_where_nothing_is_sent_is_an_error():
    x = param([1.0, 2.0], "x")
    steps = {s.name: s for s in mg.Tape.of(np.sum(x * 2.0)).steps()}
    with pytest.raises(ArgumentError, match=r"^rule of 'x': it is a leaf"):
        steps["x"].rule()
    with pytest.raises(ArgumentError, match=r"nothing is sent to input 1; .*: 0"):
        steps["multiply"].rule(1)
