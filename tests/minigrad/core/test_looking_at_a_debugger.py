"""What somebody reads at a debugger changes nothing; what the program reads under one is marked as ever."""

import bdb
import contextlib
import io
import math
import pdb
import sys
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import models
from minigrad.core.inspection.asking import asked_by_debugger
from minigrad.core.inspection.text import MAX_NODES_NAMED_AT_ONCE
from minigrad.errors import GradientError, LostGradientWarning
from minigrad.source import serials
from minigrad.transforms import checkpoint, differentiate
from tests.zoo import param

READINGS = [
    "float(h[0, 0])",
    "int(h[0, 0])",
    "complex(h.sum())",
    "bool(h.sum() > 0)",
    "h.sum() > 0 and 1",
    "h[0, 0].item()",
    "np.nonzero(h)",
    "h.nonzero()",
    "len(h)",
    "list(h)",
    "[float(x) for row in h for x in row]",
    "0.5 in h",
    "h in [h, 1.0]",
    "h[0, 0] in [1.0, 2.0]",
    "h[h > 0]",
    "str(h)",
    "repr(h)",
    "format(h.sum(), '.3f')",
    "'%.3f' % h.sum()",
    "f'{h.sum():.3f} {h}'",
    "math.tanh(h.sum())",
    "max(h[0, 0], h[0, 1])",
    "sorted(h[0])",
    "np.allclose(h, 1)",
    "np.asarray(h > 0)",
    "range(3)[np.argmax(h)]",
    "of_the_program(h)",
    "[h.T, h.mT, h.real, h.imag]",
    "list(map(h.__getattribute__, dir(h)))",
]
ran = []


def of_the_program(h):
    return math.exp(h.sum()) if h.sum() > 0 else float(h.min())


def program(look=lambda h: None):
    """The tape of a loop that shows its state on the way."""
    W = param([[0.5, -0.2], [0.1, 0.3]], "W")
    h = mg.tensor([[1.0, 2.0]], name="h_0")
    for t in range(1, 3):
        with mg.timestep(t):
            h = np.tanh(h @ W).named(f"h_{t}")
            look(h)
            h = h * 2
    return mg.Tape.of(np.sum(h).named("L"))


@pytest.fixture(autouse=True)
def debugger_leaves():
    """What follows runs without breakpoints."""
    trace = sys.gettrace()
    yield
    sys.settrace(trace)
    bdb.Breakpoint.clearBreakpoints()


# --- the ways to read -------------------------------------------------------------------------------------------------
def prompt_of(kind, *commands):
    """A debugger of that kind, which reads these commands and goes on."""
    commands = "\n".join([*commands, "c", "c", ""])
    debugger = kind(stdin=io.StringIO(commands), stdout=io.StringIO())
    debugger.use_rawinput = False
    return debugger


def stops(h):
    return h


def fails(h):
    return 1 / 0


def at_a_prompt(expressions, h):
    prompt_of(pdb.Pdb, *(f"p {e}" for e in expressions)).runcall(stops, h)


def by_a_statement(expressions, h):
    prompt_of(pdb.Pdb, *(f"_ = {e}" for e in expressions)).runcall(stops, h)


def displayed(expressions, h):
    prompt_of(pdb.Pdb, *(f"display {e}" for e in expressions)).runcall(stops, h)


def as_a_condition(expressions, h):
    line = stops.__code__.co_firstlineno + 1
    condition = f"[{', '.join(expressions)}]"
    prompt_of(pdb.Pdb, f"b {__file__}:{line}, {condition}").runcall(lambda: stops(h))


def after_an_error(expressions, h):
    debugger = prompt_of(pdb.Pdb, *(f"p {e}" for e in expressions))
    with contextlib.suppress(ZeroDivisionError):
        fails(h)
        raise AssertionError
    debugger.reset()
    try:
        fails(h)
    except ZeroDivisionError as error:
        debugger.interaction(None, error.__traceback__)


def in_ipython(expressions, h):
    ipython = pytest.importorskip("IPython.core.debugger", reason="IPython is not installed")
    from IPython.terminal.interactiveshell import TerminalInteractiveShell

    with pytest.MonkeyPatch.context() as patch:
        # IPython, which the debugger starts, sets them for the whole process
        for name in ("ps1", "ps2", "ps3", "displayhook", "excepthook"):
            patch.setattr(sys, name, getattr(sys, name, ""), raising=False)
        prompt_of(ipython.Pdb, *(f"p {e}" for e in expressions)).runcall(stops, h)
        TerminalInteractiveShell.clear_instance()


def in_a_pane_of_debugpy(expressions, h):
    """What a pane, a watch, a hover and the console ask of a thread that has stopped."""
    pydevd = pydevd_of_debugpy()
    from _pydevd_bundle.pydevd_vars import eval_in_context

    class ResumedError(Exception):
        """Ends the stop."""

    class Session(pydevd.PyDB):
        def __init__(self):
            """Connected to nobody."""

        def process_internal_commands(self, threads):
            for e in expressions:
                eval_in_context(e, globals(), {"h": h})
            raise ResumedError

    with pytest.raises(ResumedError):
        Session().do_wait_suspend(None, sys._getframe(), "line", None)


def in_a_condition_of_debugpy(expressions, h):
    pydevd = pydevd_of_debugpy()

    class Breakpoint:
        condition = f"[{', '.join(expressions)}]"
        expression = condition

        def handle_hit_condition(self, frame):
            return False

    class Info:
        pydev_message = ""

    assert pydevd.PyDB.handle_breakpoint_condition(None, None, Breakpoint(), sys._getframe())
    pydevd.PyDB.handle_breakpoint_expression(None, Breakpoint(), Info(), sys._getframe())


def pydevd_of_debugpy():
    pytest.importorskip("debugpy", reason="debugpy is not installed")
    # puts pydevd on the path
    import debugpy._vendored.force_pydevd  # noqa: F401

    return pytest.importorskip("pydevd", reason="debugpy is not installed")


def in_ours(expressions, h):
    loss = mg.Tape.of(np.sum(h * 1))
    mg.debug(loss, "; ".join([*(f"p (lambda h: {e})(tape[{h.name!r}])" for e in OURS), "q"]))


OURS = [
    "float(h[0, 0])",
    "bool(h.sum() > 0)",
    "h[0, 0].item()",
    "np.nonzero(h)",
    "0.5 in h",
    "h[h > 0]",
]
WAYS = [
    at_a_prompt,
    by_a_statement,
    displayed,
    as_a_condition,
    after_an_error,
    in_ipython,
    in_a_pane_of_debugpy,
    in_a_condition_of_debugpy,
]


def is_unmarked(tape):
    return all(n.peeked is None and n.reads is None and n.swept == 0 for n in tape.nodes)


def consequences(tape):
    """What the program goes on to do: replay, compile, differentiate, backward."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        W = tape["W"]
        values = [*tape.replay(), *mg.compile(differentiate(tape))()]
        tape.outputs[0].backward()
    return [str(tape), *map(repr, values), repr(W.grad)]


@pytest.mark.parametrize("way", WAYS)
def test_a_look_at_a_debugger_changes_nothing(way):
    ran.clear()
    expressions = [f"[{e}, ran.append({i})]" for i, e in enumerate(READINGS)]
    last_read = mg.Tensor.last_read
    tape = program(lambda h: way(expressions, h))
    # each was read, and to the end
    assert set(ran) == set(range(len(READINGS)))
    assert is_unmarked(tape)
    assert mg.Tensor.last_read == last_read
    assert consequences(tape) == consequences(program())


def test_a_look_in_our_debugger_changes_nothing(capsys):
    tape = program(lambda h: in_ours(OURS, h))
    assert "***" not in capsys.readouterr().out
    assert is_unmarked(tape)
    assert consequences(tape) == consequences(program())


def updated(updates):
    """How many nodes the next loss has after some updates of a parameter."""
    W = param([1.0, 2.0], "W")
    for _ in range(updates):
        (g,) = mg.grad(np.sum(W * W), [W])
        W = W - 0.1 * g
    loss = np.sum(W * W)
    mg.grad(loss, [W])
    return len(mg.Tape.of(loss).nodes)


@pytest.mark.parametrize(
    "commands", [["n"] * 4 + ["p W", "locals()", "n", "p W"], ["n"] * 9 + ["W.data"]]
)
def test_the_past_of_an_update_is_let_go_of_though_a_debugger_showed_it(commands):
    assert prompt_of(pdb.Pdb, *commands).runcall(updated, 6) == updated(6) == 3


def test_what_is_assigned_at_a_prompt_stays():
    asked = ["!x = 5", "p mg.grad(np.sum(W - 0.1 * held), [held])", "p ran.append(x)"]
    ran.clear()
    prompt_of(pdb.Pdb, *["n"] * 4, *asked).runcall(assigned)
    assert ran == [5, 5]


def assigned():
    x = 1
    W = held = param([1.0, 2.0], "W")
    (g,) = mg.grad(np.sum(W * W), [W])
    W = W - 0.1 * g
    ran.append(x)
    return held


# --- the program itself -----------------------------------------------------------------------------------------------
def by_number(h):
    return h * float(h.sum())


def by_branch(h):
    return h * 2 if h.sum() > 0 else h


def deciding(decide):
    W = param([[0.5, -0.2], [0.1, 0.3]], "W")
    h = np.tanh(mg.tensor([[1.0, 2.0]], name="x") @ W)
    return mg.Tape.of(np.sum(decide(h)))


@pytest.mark.parametrize("decide", [by_number, by_branch])
@pytest.mark.parametrize(
    "commands", [[], ["n", "n"], ["p 1", "s", "p h", "s"], ["b by_number", "b by_branch"]]
)
def test_what_the_program_reads_under_pdb_is_marked(decide, commands):
    tape = prompt_of(pdb.Pdb, *commands).runcall(deciding, decide)
    line = decide.__code__.co_firstlineno + 1
    with pytest.raises(
        GradientError, match=rf"was read .*\[test_looking_at_a_debugger.py:{line}\]"
    ):
        mg.compile(tape)
    told = pytest.warns(LostGradientWarning, match="by float")
    with told if decide is by_number else contextlib.nullcontext():
        tape.backward()


def test_a_program_that_is_run_from_a_prompt_is_a_program():
    ran.clear()
    # the second prompt is that of the debugger which runs it
    debug = ["debug ran.append(asked_by_debugger())", "c", "p ran.append(asked_by_debugger())"]
    prompt_of(pdb.Pdb, *debug).runcall(stops, None)
    assert ran == [False, True]
    assert not asked_by_debugger()


def halved(g):
    return g * 0.5 if np.sum(g) > 0 else g


@pytest.mark.parametrize("command", ["p step.contributions", "p 1"])
def test_a_function_of_on_backward_is_the_programs_wherever_its_gradient_is_asked_for(
    monkeypatch, command
):
    loss = np.sum(np.square(mg.on_backward(param([1.0, 2.0], "x") * 3.0, halved)))
    debugger = prompt_of(pdb.Pdb, command)
    monkeypatch.setattr(sys, "breakpointhook", lambda: debugger.set_trace(sys._getframe(1)))
    with mg.break_at(loss, "on_backward"):
        tape = differentiate(mg.Tape.of(loss))
    assert "***" not in debugger.stdout.getvalue()
    assert "backward of on_backward()" in debugger.stdout.getvalue()
    with pytest.raises(GradientError, match="a function of on_backward that changes the gradient"):
        mg.compile(tape)


def test_opening_a_step_of_a_pass_changes_nothing(monkeypatch):
    ran.clear()
    tape, untouched = program(), program()
    opened = prompt_of(
        pdb.Pdb, "p ran.append([*map(repr, map(step.__getattribute__, dir(step))), repr(h_1)])"
    )
    monkeypatch.setattr(sys, "breakpointhook", lambda: opened.set_trace(sys._getframe(1)))
    with mg.break_at(tape, "h_1"):
        tape.outputs[0].backward()
    untouched.outputs[0].backward()
    assert np.array_equal(tape["W"].grad, untouched["W"].grad)
    assert len(ran) == 1
    assert all(n.peeked is None for n in tape.nodes)


def test_who_is_called_like_a_debugger_is_none():
    class Bdb:
        def trace_dispatch(self, h):
            return asked_by_debugger()

    Bdb.trace_dispatch.__code__ = Bdb.trace_dispatch.__code__.replace(
        co_qualname="Bdb.trace_dispatch"
    )
    assert not Bdb().trace_dispatch(None)


# --- what a pane lists ------------------------------------------------------------------------------------------------
def things():
    tape = program()
    L, W = tape.outputs[0], tape["W"]
    dropped = [n for n in checkpoint(program(), every=1).nodes if n.form is not None]
    stale = [n for n in checkpoint(tape, every=1).nodes if n.form is not None]
    found = mg.find_nonfinite(mg.Tape.of(np.sum(np.square(W) * mg.tensor(np.inf))))
    assert found is not None
    yield from [tape, L, W, tape["h_0"], tape["h_1"], np.argmax(L), found, *dropped]
    yield from [differentiate(tape), mg.compile(tape), *tape.edges(), *tape.steps()]
    yield from [mg.optim.SGD([W], lr=0.1), mg.optim.Adam([W])]
    with mg.on_backward("h_1", stops) as watch:
        yield watch
    yield models.RNNLM("lstm", 3, 5)
    yield models.LSTMCell(2, 3, np.random.default_rng(0))
    W.grad = None
    W.assign(W.data * 2)
    yield from stale


def test_opening_a_pane_records_raises_and_marks_nothing():
    for thing in things():
        before = next(serials)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for name in dir(thing):
                repr(getattr(thing, name))
        assert next(serials) == before + 1, thing


def test_a_pane_of_a_tensor_shows_what_it_is_and_how_it_came_to_be():
    h = program()["h_1"]
    asked = {
        "data",
        "shape",
        "dtype",
        "ndim",
        "size",
        "name",
        "label",
        "time",
        "op",
        "fn",
        "inputs",
    } | {
        "kwargs",
        "origin",
        "where",
        "requires_grad",
        "recomputed",
    }
    rows = {name for name in dir(h) if not callable(getattr(h, name))}
    assert rows == asked - {"fn"}
    assert {"grad"} == set(dir(h.inputs[0].inputs[1])) - set(dir(h))
    methods = {"sum", "mean", "reshape", "backward", "detach", "item", "numpy", "assign", "named"}
    assert methods < set(dir(h))
    # for completion at a prompt, and help()
    assert {"T", "mT", "real", "imag"} < set(dir(type(h)))


def test_a_long_tape_lists_what_is_there_at_once():
    x = mg.tensor(1.0)
    short = mg.Tape.of(x * 1)
    for _ in range(MAX_NODES_NAMED_AT_ONCE):
        x = np.negative(x)
    long = mg.Tape.of(x)
    names = set(dir(long))
    assert (
        repr(long)
        == f"Tape({MAX_NODES_NAMED_AT_ONCE + 1} nodes, 0 parameters, 0 time steps -> negative)"
    )
    assert "names" not in vars(long)
    assert {"nodes", "outputs", "leaves", "parameters", "wrt", "steps", "replay"} < names
    assert set(dir(short)) - names == {"names", "times", "stamps"}
