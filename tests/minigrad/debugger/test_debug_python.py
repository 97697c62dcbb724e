"""What pdb's users have in their fingers: long names, bare expressions, statements, display, interact."""

import io
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.debugger.terminal import COMMANDS, LONG_NAMES, Debugger
from minigrad.models.book.cases import network

LINEAR = mg.Tape.of(network("linear", 3))


def run(commands, tape=LINEAR):
    """What is answered to each command, a list of lines each."""
    out = io.StringIO()
    Debugger(tape, stdin=io.StringIO(commands), out=out).run()
    parts = re.split(r"^\(mg\) ?", out.getvalue(), flags=re.M)
    return [part.splitlines()[1:] for part in parts[1:]]


def last(commands, tape=LINEAR):
    return run(commands, tape)[-1]


@pytest.mark.parametrize(("long", "short"), LONG_NAMES.items())
def test_every_command_has_its_long_name(long, short):
    assert short in COMMANDS
    if short not in ("q", "draw"):
        assert last(f"n 3\n{long}") == last(f"n 3\n{short}")
    else:
        assert run(f"{long}\nn") == [[]]


def test_what_is_no_command_is_python():
    assert last("W_hh.shape") == ["(4, 4)"]
    assert last("(h_2 > 0).sum() >= 0") == ["True"]
    assert last("n 17\ng.shape") == ["(4, 1)"]
    assert last("n 17\nformula == step.formula") == ["True"]
    assert last("n 17\ng[0] == g[0]") == ["[ True]"]
    assert last("None") == []
    assert last("p None") == ["None"]
    assert last("print(1, 2)") == ["1 2"]
    assert last("[n for n in range(3)]") == ["[0, 1, 2]"]


def test_the_names_of_statements_stay():
    assert last("x = 3\nx + 1") == ["4"]
    assert last("!import math\nmath.floor(2.5)") == ["2"]
    assert last("def f(a): return a + W_hh.size\nf(1)") == ["17"]
    assert last("x = 1; y = 2\nx, y") == ["(1, 2)"]
    assert last("(z := 5)\nz") == ["5"]
    assert last("x = 3\ndel x\nx") == [
        "*** 'x' is no command and no name; h lists the commands, l the names"
    ]
    assert last("x = 3; 1/0\nx") == ["3"]


def test_a_statement_wins_over_a_node_until_it_is_deleted():
    assert last("h_2 = 7\nh_2") == ["7"]
    assert last("h_2 = 7\ndel h_2\nh_2.shape") == ["(4, 1)"]


def test_what_is_called_as_a_command_is():
    tape = mg.Tape.of((mg.tensor([2.0], requires_grad=True, name="c") * 3).sum())
    assert last("p c", tape) == last("!c", tape) == last("c + 0", tape)[:1] == ["[2.]"]
    assert last("c.max()", tape) == ["2.0"]
    assert last("c", tape)[0] == "the end: every gradient is complete"
    assert last("n = 5\np n") == ["5"]
    assert last("n == 5") == ["*** NameError: name 'n' is not defined"]


def test_two_semicolons_part_commands():
    assert run("n 17;; g.shape ;;x = 1;;x") == [last("n 17"), ["(4, 1)"], [], ["1"]]


def test_a_shows_the_operands_by_name():
    found = last("n 17\na")
    assert [line for line in found if line.endswith(" =")] == [
        "W_hh =",
        "h_2 =",
        "matmul@3#2 =",
        "dL/dh_3 =",
    ]
    assert last("n\na")[-2:] == ["L = 0.7087211176573932", "dL/dL = 1.0"] or len(last("n\na")) == 3


def test_pp_and_whatis():
    assert last("pp {'a': list(range(40))}")[:2] == ["{'a': [0,", "       1,"]
    assert last("whatis h_2")[0].startswith("numpy.ndarray: float64[4, 1], norm ")
    assert last("whatis 3") == ["int"]
    assert last("whatis tape['h_2']")[0].startswith("minigrad.core.tensor.Tensor: float64[4, 1]")


def test_display_shows_what_changed_at_every_stop():
    tape = mg.Tape.of((mg.tensor(2.0, requires_grad=True, name="w") * 3).named("y") * 5)
    found = run("display grad('w')\nn\nn\nn\nn\nu\ndisplay\nundisplay grad('w')\nn", tape)
    shown = [[line for line in lines if "grad('w')" in line] for lines in found]
    assert shown == [
        ["grad('w') = None"],
        [],
        ["grad('w') = 15."],
        [],
        [],
        [],
        [],
        [],
        [],
    ]
    assert last("display nosuch") == ["nosuch = *** NameError: name 'nosuch' is not defined"]
    assert last("display") == ["nothing is displayed; display EXPR adds it"]
    assert last("display 1\nundisplay\nn") == last("n")


def test_interact_is_python_with_the_same_names():
    found = run(
        "x = 1\ninteract\ny = x + 1\nfor i in range(2):\n    print(i)\n\nW_hh.shape\nexit()\ny\n"
    )
    assert found[1] == [
        "Python, with the names of the tape; Ctrl-D leads back",
        ">>> y = x + 1",
        ">>> for i in range(2):",
        "...     print(i)",
        "...",
        "0",
        "1",
        ">>> W_hh.shape",
        "(4, 4)",
        ">>> exit()",
    ]
    assert found[2] == ["2"]
    assert "NameError" in "\n".join(last("interact\nnosuch"))


def test_exit_as_a_call_leaves_and_closes_nothing(capsys):
    stdin = io.StringIO("exit()\nn\n")
    out = io.StringIO()
    Debugger(LINEAR, stdin=stdin, out=out).run()
    assert out.getvalue().endswith("(mg) exit()\n")
    assert stdin.read() == "n\n"


def test_until_leaves_the_time_step():
    tape = mg.Tape.of(network("rnn", 3))
    found = run("unt h_2\nunt\nunt\nunt", tape)
    assert found[0][:2] == ["breakpoint 1 at h_2", "breakpoint 1 (h_2)"]
    assert "[t=1, " in found[1][0]
    assert found[3][0].startswith("the end")
    assert run("unt h_2\nb")[-1][0].startswith("no breakpoints")


def test_restart_leads_back_to_the_start():
    start = ["at the start: nothing is sent yet; n takes the first step"]
    assert run("b h_2\nc\nrestart\nc")[2:] == [start, run("b h_2\nc")[1]]


def test_l_goes_on_and_starts_anew_after_a_step():
    rows = [lines[:-1] for lines in run("n 17\nl\nl\nl\nl")[1:]]
    pages = [[line[2:].split()[0] for line in page] for page in rows]
    names = list(LINEAR.names.values())
    assert pages[2] + pages[1] + pages[0] == names[: names.index(pages[0][-1]) + 1]
    assert last("n 17\nl\nl\nl\nl") == ["that was the beginning of the tape; l . is around here"]
    assert last("n 17\nl\nl\nl .") == last("n 17\nl") == last("n 16\nl\nl\nn\nl")
    assert [line[2:].split()[0] for line in last("l h_1")[:-1]][5] == "h_1"


def test_ll_is_the_whole_tape_or_its_ends():
    assert len(last("ll")) == len(LINEAR.nodes) + 1
    x = mg.tensor(1.0, requires_grad=True)
    for _ in range(500):
        x = x + 1.0
    found = last("ll", mg.Tape.of(x))
    assert len(found) == 403
    assert "  ... 601 nodes ..." in found


def test_a_dropped_value_is_recomputed_for_those_who_ask():
    w = mg.tensor(0.5, requires_grad=True, name="w")
    h = mg.tensor(1.0, name="h_0")
    for t in (1, 2, 3, 4):
        with mg.timestep(t):
            h = np.tanh(h * w).named(f"h_{t}")
    tape = mg.transforms.checkpoint(mg.Tape.of(h), every=4)
    expected = float(mg.Tape.of(h)["h_2"].data)
    answers = run("float(h_2)\np float(h_2)\nf = lambda: float(h_2)\nf()", tape)
    assert [float(*lines) for lines in answers if lines] == [expected] * 3


def test_commands_and_names_complete():
    debugger = Debugger(LINEAR, stdin=io.StringIO("hidden = 1"), out=io.StringIO())
    debugger.run()
    assert set(debugger.completenames("h")) == {"h", "help", "h_0", "h_1", "h_2", "h_3", "hidden"}
    assert set(debugger.completenames("con")) == {
        "cont",
        "continue",
        "constant",
        "constant#2",
        "constant#3",
    }
