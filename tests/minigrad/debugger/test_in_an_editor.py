"""Backward in an editor's debugger: debugpy driven over the Debug Adapter Protocol, as VS Code drives it."""

import sys

import pytest

from tests import children
from tests.installed import bare_environment
from tests.minigrad.debugger.dap import debugpy
from tests.minigrad.debugger.page import LAUNCH, LINE, TRAIN, line_of

pytest.importorskip("debugpy", reason="debugpy is not installed (extra test)")

FORWARD = "<module>"
NODES_OF_A_STEP = ["h_{t}", "add@{t}", "matmul@{t}#2", "matmul@{t}"]
"""Those that LINE makes, in the order in which backward visits them."""


def nodes_of_steps(*steps):
    return [f"backward of {name}".format(t=t) for t in steps for name in NODES_OF_A_STEP]


def output_of(python, script):
    """What the script prints without a debugger."""
    done = children.run(
        [python, script],
        env=bare_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


@pytest.fixture
def editor(installed):
    with debugpy(sys.executable, bare_environment()) as started:
        yield started


def test_a_breakpoint_on_a_line_stops_in_both_passes(editor, installed, script):
    settings = {key: LAUNCH[key] for key in ("justMyCode",)}
    editor.launch(installed, script, [(LINE, None)], **settings)
    assert editor.breakpoints[0]["verified"]
    stop = editor.stop()
    for t in (1, 2, 3):
        assert (stop.name, stop.line, stop.watch("t")) == (FORWARD, LINE, str(t))
        stop = editor.go()
    visited = []
    while stop is not None:
        assert (stop.path, stop.line) == (str(script), LINE)
        assert stop.stack()[1:] == [(FORWARD, line_of("loss.backward()"))]
        visited.append(stop.name)
        stop = editor.go()
    assert visited == nodes_of_steps(3, 2, 1)
    assert editor.output["stdout"] == output_of(installed, script)
    assert editor.output["stderr"] == ""


def test_what_an_editor_shows_of_a_step(editor, installed, script):
    """Locals and watch expressions in the frame of a node, in the order of a person who steps."""
    editor.launch(installed, script, [(LINE, "step.name == 'matmul@2#2'")])
    stop = editor.stop()
    assert stop.name == "backward of matmul@2#2"
    rows = stop.locals()
    assert {"step", "grad", "formula", "h_1", "W_hh"} <= set(rows)
    assert rows["grad"]["type"] == "ndarray"
    assert stop.watch("grad.shape") == "(1, 4)"
    assert stop.watch("step.grad is grad") == "True"
    assert stop.watch("h_1.shape, W_hh.shape") == "((1, 4), (4, 4))"
    assert stop.watch("step.time") == "2"
    assert stop.watch("formula.splitlines()[0]") == "'dL/dh_1 += dL/dadd@2 · W_hhᵀ'"
    # the script's own names are those of its file
    assert stop.watch("np.isnan(grad).any()") == "np.False_"
    assert stop.watch("t, h.name", depth=1) == "(3, 'h_3')"
    names = []
    for _ in range(6):
        stop = editor.go("next")
        names.append((stop.name.removeprefix("backward of "), stop.line))
    loss = line_of("loss = loss")
    assert names == [
        ("matmul@2", LINE),
        ("add", loss),
        ("sum", loss),
        ("power", loss),
        ("h_1", LINE),
        ("add@1", LINE),
    ]


def test_conditions_and_log_messages(editor, installed, script):
    """On the way forward there is no step: debugpy passes over what it cannot evaluate."""
    loss = line_of("loss = loss")
    large = "np.abs(grad).max() > 1 and step.time == 2"
    message = "|dL/d{step.name}| = {np.linalg.norm(grad)}"
    editor.launch(installed, script, [(LINE, large), (loss, "step", message)])
    names = []
    while (stop := editor.stop() if not names else editor.go()) is not None:
        names.append(stop.name)
        assert stop.watch("step.time, bool(np.abs(grad).max() > 1)") == "(2, True)"
    assert names[0] == "backward of h_2"
    logged = [row for row in editor.output["stdout"].splitlines() if row.startswith("|")]
    assert [row.split("|")[1] for row in logged[:3]] == ["dL/dadd#3", "dL/dsum#3", "dL/dpower#3"]
    assert len(logged) == 9


def test_an_editable_install_is_left_out_by_a_rule(editor, editable, script):
    """To debugpy it is code of the user's, as all that lies in no folder of libraries."""
    rules = [{"module": "minigrad", "include": False}]
    editor.launch(editable, script, [(LINE, "step.name == 'h_2'")], rules=rules)
    stop = editor.stop()
    assert stop.stack() == [("backward of h_2", LINE), (FORWARD, line_of("loss.backward()"))]
    assert editor.go("next").name == "backward of add@2"


def test_a_stop_of_the_program_is_in_the_users_code(editor, installed, script):
    """mg.break_at in an ordinary backward(), where minigrad is a library and left out."""
    stop = 'mg.break_at(loss, "h_2", when=lambda g: np.abs(g).max() > 0)\nloss.backward()'
    script.write_text(TRAIN.replace("loss.backward()", stop))
    editor.launch(installed, script)
    stop = editor.stop()
    assert stop.stack() == [("backward of h_2", LINE), (FORWARD, line_of("loss.backward()") + 1)]
    assert {"step", "grad", "formula", "h_2", "add_2", "watch"} <= set(stop.locals())
    assert editor.go("next").name == "backward of add@2"
    assert editor.go() is None
    assert editor.output["stdout"] == "norm of the gradient: 1.199\n"


def test_an_error_in_backward_stops_where_it_is_raised(editor, installed, script):
    look = 'def look(g):\n    raise ValueError("seen")\n\n\n'
    gate = "h = mg.on_backward(h, look)\n        h = np.tanh("
    script.write_text(look + TRAIN.replace("h = np.tanh(", gate))
    editor.launch(installed, script, exceptions=["uncaught"])
    stop = editor.stop()
    assert (stop.reason, stop.name, stop.line) == ("exception", "look", 2)
    assert stop.frames[1]["name"] == "backward of on_backward@3"
    assert editor.go() is None
    assert "ValueError: seen" in editor.output["stderr"]
