"""Backward in pdb and ipdb, as scripted sessions with minigrad installed from its wheel."""

import re
from itertools import groupby

import pytest

from tests.minigrad.debugger.page import LINE, PAGE, TRAIN, TRANSCRIPT, line_of
from tests.minigrad.debugger.terminal_sessions import PROMPTS, from_within, session

STOP = re.compile(r"^> (\S+)\((\d+)\)([^()\n]*)\(\)", re.MULTILINE)
# pdb stops where a condition cannot be evaluated: forward there is no step
BACKWARD = "'step' in locals()"
LOSS = line_of("loss = loss")
AFTER = line_of("print")


@pytest.fixture(params=PROMPTS)
def debugger(request):
    return pytest.importorskip(request.param, reason=f"{request.param} is not installed").__name__


def stops(transcript):
    """(line, where) of each stop in the script, ("rules", where) in minigrad's."""
    for path, line, where in STOP.findall(transcript):
        yield (int(line) if path == "train.py" else path, where.removeprefix("backward of "))


def test_a_line_breakpoint_stops_in_both_passes_and_steps_lead_from_node_to_node(
    debugger, installed, script
):
    commands = ["c", "c", "c", "p t", "c", "p step", "n", "n", "n", "n", "r", "unt", "n", "cl 1"]
    said = session(installed, debugger, script, [f"b {LINE}", *commands, "c"])
    forward = [(1, "<module>"), *[(LINE, "<module>")] * 3]
    nodes = [(LINE, name) for name in ("h_3", "add@3", "matmul@3#2", "matmul@3")]
    loss = [(LOSS, name) for name in ("add#2", "sum#2", "power#2")]
    assert list(stops(said))[:-1] == [*forward, *nodes, *loss, (LINE, "h_2")]
    assert "Step(h_3: float64[1, 4]" in said
    assert "norm of the gradient: 1.199\n" in said


def test_steps_go_into_the_rules_and_behind_the_pass_to_the_next_line(debugger, installed, script):
    condition = f"{BACKWARD} and step.name == 'matmul@2#2'"
    commands = ["c", "s", "r", "s", "r", "s", "tbreak 6", "c", "n", "n"]
    said = session(installed, debugger, script, [f"b {LINE}, {condition}", *commands])
    # a return is another stop in the same place
    assert [where for (_, where), _ in groupby(stops(said))] == [
        "<module>",
        "matmul@2#2",
        "_matmul_a",
        "_matmul_b",
        "matmul@2",
        "W_hh",
        "W_xh",
        "<module>",
    ]
    assert list(stops(said))[-1] == (AFTER, "<module>")


def test_a_stop_of_the_program_is_on_the_forward_line(debugger, installed, script):
    stop = 'mg.break_at(loss, "h_2", when=lambda g: np.abs(g).max() > 0)\nloss.backward()'
    script.write_text(TRAIN.replace("loss.backward()", stop))
    said = from_within(installed, debugger, script, ["p formula", "p grad.shape, watch", "c"])
    assert list(stops(said)) == [(LINE, "h_2")]
    assert "'dL/dadd@2 += dL/dh_2 ⊙ (1 - h_2²)'" in said
    assert "((1, 4), Watch(h_2, on))" in said
    assert said.endswith("norm of the gradient: 1.199\n")


def test_a_breakpoint_in_a_function_that_backward_calls(installed, script):
    program = TRAIN.replace(
        "h = np.tanh(", "h = mg.on_backward(h, look) if t == 2 else h\n        h = np.tanh("
    )
    look = (
        "def look(g):\n    seen.append(g.shape)\n    breakpoint()\n    return None\n\n\nseen = []\n"
    )
    script.write_text(look + program)
    said = from_within(installed, "pdb", script, ["p seen", "c"])
    assert "(Pdb) p seen\n[(1, 4)]\n" in said
    assert said.endswith("norm of the gradient: 1.199\n")


@pytest.mark.parametrize(("name", "printed"), TRANSCRIPT.findall(PAGE))
def test_a_transcript_of_the_page_is_what_the_debugger_says(name, printed, installed, script):
    pytest.importorskip(name, reason=f"{name} is not installed")
    commands = re.findall(rf"^{re.escape(PROMPTS[name])}(.*)$", printed, re.MULTILINE)
    assert tidy(session(installed, name, script, commands)) == tidy(printed)


def tidy(transcript):
    """From the first prompt on, without blanks at the ends of lines and line numbers of minigrad's."""
    rows = [row.rstrip() for row in transcript.splitlines()]
    first = next(n for n, row in enumerate(rows) if row.startswith(tuple(PROMPTS.values())))
    text = "\n".join(rows[first:]).strip()
    return re.sub(r"(minigrad/\S+\.py)\(\d+\)", r"\1(...)", text)
