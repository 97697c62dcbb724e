"""The terminal debugger: every command, in scripts piped to it, and one line for every mistake."""

import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad.debugger.terminal import COMMANDS, Debugger
from minigrad.models.book.cases import exploding, network

sys.path.insert(0, str(Path(__file__).parents[1]))

LINEAR = mg.Tape.of(network("linear", 3))


def run(commands, tape=LINEAR, out=None):
    """What the debugger answers to each command, a list of lines each."""
    out = out or io.StringIO()
    Debugger(tape, stdin=io.StringIO(commands), out=out).run()
    parts = re.split(r"^\(mg\) ?", out.getvalue(), flags=re.M)
    return [part.splitlines()[1:] for part in parts[1:]]


def last(commands, tape=LINEAR):
    return run(commands, tape)[-1]


def test_n_takes_a_step_and_shows_it():
    first, *rest = last("n")
    assert re.fullmatch(r"\[1/29\] L = mean\(stack\)  \[section\.py:\d+\]", first)
    assert rest == ["  dL/dL: 1", "  dL/dstack += spread(dL/dL) / 3"]
    assert last("n 17")[0].startswith("[17/29] matmul@3#2 = matmul(W_hh, h_2)  [t=3, ")
    assert last("n 17")[2:] == ["  dL/dW_hh += dL/dh_3 · h_2ᵀ", "  dL/dh_2 += W_hhᵀ · dL/dh_3"]


def test_n_past_the_end_names_the_gradients():
    assert last("n 99") == [
        "the end: every gradient is complete",
        *(
            f"  dL/d{p.name}: {mg.core.inspection.text.summary(g.data)}"
            for p, g in zip(
                LINEAR.parameters, mg.grad(LINEAR.outputs[0], LINEAR.parameters), strict=True
            )
        ),
    ]


def test_u_shows_the_step_before():
    assert last("n 17\nn\nu") == last("n 17")
    assert last("n 17\nu 16") == last("n")
    assert last("n\nu\nu") == ["at the start: nothing is sent yet; n takes the first step"]
    assert last("c\nu")[0].startswith("[28/29] ")


def test_c_stops_at_breakpoints_and_at_the_end():
    found = run("b h_2\nb t=1\nc\nc\ncl\nc")
    assert found[0] == ["breakpoint 1 at h_2"]
    assert found[2][0] == "breakpoint 1 (h_2)"
    assert found[2][1].startswith("[20/29] h_2 = add(matmul@2, matmul@2#2)")
    assert found[3][0] == "breakpoint 2 (t=1)"
    assert found[4] == ["cleared all breakpoints"]
    assert found[5][0] == "the end: every gradient is complete"


def test_tb_stops_once_and_cl_clears_one():
    assert run("tb op=add\nc\nc")[2][0].startswith("the end")
    assert run("b op=add\nc\nc")[2][0] == "breakpoint 1 (op=add)"
    assert last("b h_1\ntb h_2\nb")[:] == ["1  h_1", "2  h_2  (once)"]
    assert last("b h_1\nb h_2\ncl 1\nb") == ["2  h_2"]
    assert last("b") == [
        "no breakpoints; b WHERE sets one: a node's name, t=3, op=tanh, |g|>10, |g|<1e-6, nan or "
        "file.py:75"
    ]


def test_eq_puts_numbers_in_place_of_names():
    x = mg.tensor([[1.0, 2.0]], requires_grad=True, name="x")
    tape = mg.Tape.of(np.sum(np.tanh(x @ mg.tensor([[0.5], [0.25]], name="W"))).named("L"))
    assert last("n 3\neq", tape) == [
        "dL/dx += dL/dmatmul · Wᵀ",
        "  = [[0.42]] · [[0.5], [0.25]]ᵀ",
        "  = [[0.21, 0.105]]  to x",
        "  ·  matrix product",
        "  ᵀ  transposed",
    ]
    assert last("n 4\neq", tape) == ["x is a leaf: its adjoint is the gradient, [[0.21, 0.105]]"]


def test_g_says_what_has_arrived_and_from_where():
    found = last("n 17\ng h_2")
    assert found[0].startswith("dL/dh_2 so far: float64[4, 1], norm ")
    assert [line.partition(":")[0] for line in found if "+=" in line] == ["  += W_hhᵀ · dL/dh_3"]
    assert found[-1] == "  1 more to come"
    found = last("tb h_2\nc\ng")
    assert found[0].startswith("dL/dh_2 complete: ")
    assert [line.partition(":")[0] for line in found if "+=" in line] == [
        "  += W_hhᵀ · dL/dh_3",
        "  += W_qhᵀ · dL/do_2",
    ]
    assert last("n\ng h_1") == ["dL/dh_1: nothing has arrived yet"]
    assert last("n\ng x_1") == ["dL/dx_1: no gradient reaches it"]


def test_p_evaluates_with_numpy_and_the_nodes_in_scope():
    assert last("p h_2.shape, W_hh.shape") == ["((4, 1), (4, 4))"]
    assert last(
        'tb h_2\nc\np np.array_equal(g, grad("h_2")), step.name, value("matmul@2").shape'
    ) == ["(True, 'h_2', (4, 1))"]
    assert last("p np.zeros(2)") == ["[0. 0.]"]
    assert last("p np.zeros((40, 40))") == ["float64[40, 40], norm 0, 0 to 0"]
    assert last("p tape['W_hh'].name") == ["W_hh"]
    assert (
        float(last("n 99\np np.abs(grad('W_hh')).sum()")[0])
        == np.abs(mg.grad(LINEAR.outputs[0], LINEAR["W_hh"])[0].data).sum()
    )


def test_w_leads_from_the_loss_with_lines_and_the_rule():
    found = last("tb h_2\nc\nw")
    assert [line.split()[0] for line in found[:-2]] == [
        "L",
        "stack",
        "multiply#2",
        "sum#2",
        "square#2",
        "subtract#2",
        "o_2",
    ]
    assert found[-2].startswith("> h_2 ")
    assert found[-2].endswith(f"[{LINEAR['h_2'].where}]")
    rule = r"minigrad/ops/elementwise\.py:\d+"
    assert re.fullmatch(f"  the rule of add: {rule}, {rule}", found[-1])


def test_a_long_path_keeps_its_ends():
    found = last("n 110\nw", mg.Tape.of(exploding()))
    assert len(found) < 30
    assert any(re.fullmatch(r"  \.\.\. \d+ steps \.\.\.", line) for line in found)


def test_l_shows_the_tape_around_here_marked():
    marks = {line[2:].split()[0]: line[0] for line in last("tb h_2\nc\nl 6")[:-1]}
    assert marks["h_2"] == ">"
    assert marks["o_2"] == "+"
    assert marks["matmul@2"] == "~"
    assert marks["h_1"] == " "
    assert marks["x_2"] == "x"
    assert len(last("l")) == 7  # the loss ends the tape


def test_s_steps_into_the_rules_on_the_same_numbers():
    out = io.StringIO()
    Debugger(LINEAR, stdin=io.StringIO("n 17\ns\np g.shape\nc\np a.shape\nq\nn\n"), out=out).run()
    found = out.getvalue()
    assert re.search(r"> .*minigrad/ops/products\.py\(\d+\)_matmul_a\(\)", found)
    assert re.search(r"> .*minigrad/ops/products\.py\(\d+\)_matmul_b\(\)", found)
    assert "(4, 1)" in found
    assert "[18/29] matmul@3 = matmul(W_hx, x_3)" in found
    assert last("n 99\nu 0\ns") == ["*** s: 'W_hx' is a leaf, no rule goes through it."]


def test_h_tells_of_every_command():
    assert [line.split()[0].rstrip(":,") for line in last("h")] == list(COMMANDS)
    assert "b |g|>10" in "\n".join(last("h b"))
    assert all(len(last(f"h {name}")) >= 1 for name in COMMANDS)


def test_q_and_the_end_of_input_leave():
    assert run("q\nn")[-1] == []
    assert len(run("q\nn")) == 1
    assert len(run("n")) == 1


def test_comments_and_empty_lines_in_a_script_do_nothing():
    assert last("n\n\n# to h_2\np step.name") == ["L"]


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("fly", "*** 'fly' is no command and no name; h lists the commands, l the names"),
        ("fly away", "*** 'fly' is no command, and the line no Python: invalid syntax"),
        ("!ls", "*** NameError: name 'ls' is not defined"),
        ("!ls -l x", "*** SyntaxError: invalid syntax (<mg>, line 1)"),
        ("h_7", "*** 'h_7' is no command and no name; h lists the commands, l the names"),
        ("h_7 + 1", "*** NameError: name 'h_7' is not defined"),
        ("x = 1/0", "*** ZeroDivisionError: division by zero"),
        ("pp", "*** pp: nothing to evaluate; write an expression, as pp np.abs(g).max()."),
        ("a", "*** no step is taken yet. n takes the first."),
        ("unt", "*** no step is taken yet. n takes the first."),
        ("undisplay y", "*** undisplay y: it is not displayed."),
        ("n x", "*** n x: expected a whole number from 1."),
        ("u 0", "*** u 0: expected a whole number from 1."),
        ("l -1", "*** l -1: expected a whole number from 1."),
        ("p", "*** p: nothing to evaluate; write an expression, as p np.abs(g).max()."),
        ("p 1/0", "*** ZeroDivisionError: division by zero"),
        ("p nosuch", "*** NameError: name 'nosuch' is not defined"),
        ("p (", "*** SyntaxError: '(' was never closed (<mg>, line 1)"),
        ("p grad('h_7')", "*** tape: no node is named 'h_7'; did you mean h_3 or h_2 or h_1."),
        ("g h_7", "*** tape: no node is named 'h_7'; did you mean h_3 or h_2 or h_1."),
        ("eq", "*** no step is taken yet. n takes the first."),
        ("w", "*** no step is taken yet. n takes the first."),
        ("g", "*** no step is taken yet. n takes the first."),
        ("cl 7", "*** cl 7: no such breakpoint; b lists them."),
        ("h fly", f"*** h fly: no such command; there are {', '.join(COMMANDS)}."),
        (
            "tb",
            "*** b : cannot read it; expected a node's name, t=3, op=tanh, |g|>10, |g|<1e-6, nan or file.py:75.",
        ),
        (
            "draw /no/such/folder/a.svg",
            "*** cannot write '/no/such/folder/a.svg': No such file or directory. "
            "Give a path in a folder that exists and that you may write to.",
        ),
        ("draw a.gif", "*** draw: 'a.gif'; expected a name ending in .svg or .html."),
    ],
)
def test_a_mistake_is_one_line_and_the_session_goes_on(command, line):
    answer, then = run(f"{command}\nn")
    assert answer == [line]
    assert then[0].startswith("[1/29] L = ")


def test_b_nan_stops_at_the_first_bad_value_and_w_says_why():
    found = run("b nan\nc\nw", mg.Tape.of(exploding()))
    assert found[1][0] == "breakpoint 1 (nan)"
    assert "  dL/dh_8 += dL/dh_9 · W_hhᵀ" in found[1]
    assert found[2][-1].startswith(
        "  the first bad value: backward through matmul: 'matmul@9#2' sends inf"
    )
    assert re.search(r"\[t=9, cases.py:\d+\]$", found[2][-1])


def test_draw_tells_visited_current_and_waiting_apart(tmp_path):
    assert last(f"tb h_2\nc\ndraw {tmp_path}/a.svg") == [f"wrote {tmp_path}/a.svg"]
    text = (tmp_path / "a.svg").read_text()
    assert all(
        f'class="node {state}' in text
        for state in ("visited", "current", "waiting", "ahead", "unreached")
    )
    assert last(f"draw {tmp_path}/a.html") == [f"wrote {tmp_path}/a.html"]
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")


def test_a_terminal_without_the_signs_gets_them_in_ascii():
    raw = io.BytesIO()
    run_to = io.TextIOWrapper(raw, encoding="ascii")
    Debugger(LINEAR, stdin=io.StringIO("n 17"), out=run_to).run()
    run_to.flush()
    assert b"dL/dh_2 += W_hh^T . dL/dh_3" in raw.getvalue()


def test_a_name_cannot_write_to_the_terminal_what_is_no_text():
    out = io.StringIO()
    x = mg.tensor([1.0], requires_grad=True, name="\x1b[2Jx\x9b\x07")
    Debugger(mg.Tape.of(np.sum(np.tanh(x))), stdin=io.StringIO("n 3\nl\ng\nw\n"), out=out).run()
    assert r"\x1b[2Jx\x9b\x07" in out.getvalue()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out.getvalue())


def test_names_complete():
    debugger = Debugger(LINEAR, stdin=io.StringIO(""), out=io.StringIO())
    assert debugger.completedefault("matmul@3", "g matmul@3", 2, 10) == ["matmul@3", "matmul@3#2"]
    assert set(debugger.completedefault("h_", "g h_", 2, 4)) == {"h_0", "h_1", "h_2", "h_3"}


def test_a_truncated_tape_ends_at_the_cut():
    tape = tf.truncate(LINEAR, every=1)
    assert last("c\ng h_0", tape) == ["dL/dh_0: no gradient reaches it"]
    assert [x.partition(":")[0] for x in last("c\ng h_2", tape) if "+=" in x] == [
        "  += W_qhᵀ · dL/do_2"
    ]
