"""``minigrad step FILE.py``: the last backward pass of an ordinary script, however it is written and ends."""

import io
import os
import re
import signal
import sys
import textwrap
from pathlib import Path

import pytest

from minigrad.cli import main, parser
from tests import children
from tests.viz.page.reading import data_of

ROOT = Path(__file__).parents[3]
TRAIN = """
import numpy as np
import minigrad as mg

rng = np.random.default_rng(0)
W = mg.tensor(rng.normal(size=(3, 3)) * 0.3, requires_grad=True, name="W")
opt = mg.optim.SGD([W], lr=0.1, momentum=0.9)
for epoch in range(3):
    h, loss = mg.tensor(np.zeros((1, 3)), name="h_0"), 0
    for t in range(1, 5):
        with mg.timestep(t):
            h = np.tanh(rng.normal(size=(1, 3)) + h @ W).named(f"h_{t}")
        loss = loss + np.sum(h ** 2)
    loss.backward()
    print("epoch", epoch, W.grad.sum().hex())
    opt.step()
    opt.zero_grad()
"""
HEAD = (
    "import numpy as np, minigrad as mg, sys\nw = mg.tensor([3.0], requires_grad=True, name='w')\n"
)


@pytest.fixture
def step(tmp_path, monkeypatch, capsys):
    """Run ``minigrad step`` on a script; exit code, what was printed, what was said of mistakes."""
    monkeypatch.chdir(tmp_path)

    def run(script, *args, commands="c\n", file="train.py"):
        if script is not None:
            (tmp_path / file).write_text(textwrap.dedent(script))
        monkeypatch.setattr(sys, "stdin", io.StringIO(commands))
        kept = sys.path[:], sys.argv, sys.modules["__main__"], Path.cwd()
        code = main(["step", *map(str, args or (file,))])
        assert kept == (sys.path, sys.argv, sys.modules["__main__"], Path.cwd())
        done = capsys.readouterr()
        return code, done.out, done.err

    return run


def gradient_of(out):
    """What ``p grad("w").tolist()`` printed."""
    return re.search(r"^\(mg\) p grad.*\n(.*)", out, re.M)[1]


# --- which pass ---------------------------------------------------------------------------------------------------
def epochs_of(out):
    return re.findall(r"^epoch \d (\S+)", out, re.M)


@pytest.mark.parametrize(("options", "epoch"), [("", 2), ("--pass 1", 0), ("--pass -2", 1)])
def test_a_training_script_is_stepped_with_the_values_of_then(step, options, epoch):
    commands = 'c\np grad("W").sum().hex()\n'
    code, out, err = step(TRAIN, "train.py", *options.split(), commands=commands)
    assert (code, err) == (0, "")
    assert gradient_of(out) == epochs_of(out)[epoch]
    line = TRAIN[: TRAIN.index("loss.backward")].count("\n") + 1
    title = f"pass {epoch + 1} of 3: backward() [train.py:{line}], values as they were then"
    assert f"\n{title}\n" in out


def test_its_page_is_written_and_the_tape_rewritten(step, tmp_path):
    code, out, err = step(TRAIN, "train.py", "--truncate", "2", "--untie", "--html", "x.html")
    assert (code, err) == (0, "")
    assert out.endswith("wrote x.html\n")
    assert len(data_of(tmp_path / "x.html")["tapes"]) == 2
    out = step(None, "train.py", "--truncate", "1", commands="c\ng h_1\n")[1]
    assert "+= W" not in out.partition("(mg) g h_1")[2]


def test_main_functions_modules_and_arguments_after_two_dashes(step, tmp_path):
    script = """
    from __future__ import annotations
    import argparse, pickle, sys
    from dataclasses import dataclass
    import numpy as np, minigrad as mg
    import neighbour

    @dataclass
    class Config:
        lr: float

    def main():
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float)
        config = pickle.loads(pickle.dumps(Config(parser.parse_args().lr)))
        w = mg.tensor([3.0], requires_grad=True, name="w")
        objective = np.sum(w * w) * config.lr * neighbour.SCALE
        objective.backward()
        w.assign([0.0])
        print(__name__, __file__ == sys.argv[0], sys.argv[1:], sys.modules["__main__"].Config is Config)
        sys.exit(0)

    if __name__ == "__main__":
        main()
    """
    (tmp_path / "neighbour.py").write_text("SCALE = 2.0\n")
    commands = 'c\np grad("w").tolist()\n'
    file = tmp_path / "train.py"
    code, out, err = step(script, file, "--", "--lr", "0.5", commands=commands)
    assert (code, err) == (0, "")
    assert "__main__ True ['--lr', '0.5'] True\n" in out
    assert gradient_of(out) == "[6.0]"


def test_a_module_runs_as_python_runs_it(step, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "scale.py").write_text("SCALE = 2.0\n")
    script = (
        HEAD
        + "from .scale import SCALE\n(np.sum(w * w) * SCALE).backward()\nprint(__spec__.name)\n"
    )
    for module, file in (("package.train", "train.py"), ("package", "__main__.py")):
        (package / file).write_text(script)
        code, out, err = step(None, "-m", module, commands='c\np grad("w").tolist()\n')
        assert (code, err) == (0, "")
        assert gradient_of(out) == "[12.0]"
        assert f"{module.partition('.')[0]}." in out
    assert step(None, "-m", "package.nosuch")[::2] == (
        1,
        "minigrad: step -m package.nosuch: no module 'package.nosuch' that runs.\n",
    )


def test_the_loss_goes_by_the_name_that_it_has_where_backward_is_called(step):
    script = HEAD + (
        "def evaluate():\n"
        "    val_loss = np.sum(w * 10)\n"
        "    val_loss.backward()\n"
        "evaluate()\n"
        "loss = np.sum(w * w)\n"
        "loss.backward()\n"
        "unused = np.sum(w * 7)\n"
    )
    commands = 'c\np grad("w").tolist()\n'
    for options, gradient in (
        ([], "[6.0]"),
        (["--loss", "val_loss"], "[10.0]"),
        (["--loss", "unused"], "[7.0]"),
        (["--loss", "loss", "--pass", "1"], "[6.0]"),
    ):
        code, out, err = step(script, "train.py", *options, commands=commands)
        assert (code, err, gradient_of(out)) == (0, "", gradient)
    assert step(None, "train.py", "--loss", "ce")[2] == (
        "minigrad: step train.py: no backward pass from a `ce`, and it leaves no Tensor of that name; "
        "there were passes from loss, val_loss.\n"
    )
    # before the script has run
    for page, said in (
        ("page.gif", "ends in .html"),
        ("no/page.html", "its folder does not exist"),
    ):
        code, out, err = step(None, "train.py", "--html", page)
        assert (code, out) == (1, "")
        assert said in err
    assert step(None, "train.py", "--pass", "7")[2] == (
        "minigrad: step train.py: --pass 7; backward passes: 2; 1 to 2, or -1 for the last.\n"
    )


@pytest.mark.parametrize(
    ("body", "title", "gradient"),
    [
        ("mg.Tape.of(np.sum(w * w)).backward()", "pass 1 of 1: backward()", "[6.0]"),
        (
            "g, = mg.grad(np.sum(w * w), [w]); w.assign(w.data - g.data)",
            "pass 1 of 1: grad()",
            "[6.0]",
        ),
        ("mg.grad(np.sum(w), w); np.sum(w * w).backward()", "pass 1 of 1: backward()", "[6.0]"),
        ("(w * w).backward([0.5])", "pass 1 of 1: backward()", "[3.0]"),
        ("loss = np.sum(w * w)", "Tape(", "[6.0]"),
        ("loss = mg.Tape.of(np.sum(w * w))", "Tape(", "[6.0]"),
        ("loss = np.sum(w * w); mg.grad(np.sum(w), w)", "pass 1 of 1: grad()", "[1.0]"),
        ("loss = np.sum(w * w); mg.hessian(lambda w: np.sum(w * w * w), w)", "Tape(", "[6.0]"),
        ("loss = np.sum(w * w); sys.exit()", "Tape(", "[6.0]"),
        ("[_ for _ in mg.Tape.of(np.sum(w * w)).steps()]", "pass 1 of 1: steps()", "[6.0]"),
    ],
)
def test_what_counts_as_a_pass(step, body, title, gradient):
    code, out, err = step(HEAD + body, commands='c\np grad("w").tolist()\n')
    assert (code, err, gradient_of(out)) == (0, "", gradient)
    assert out.startswith(title)


def test_of_a_compiled_step_it_says_what_it_can_show(step):
    script = HEAD + (
        "x = mg.tensor([1.0], name='x')\n"
        "plan = mg.compile(mg.transforms.differentiate(mg.Tape.of(np.sum(w * w * x))))\n"
        "for _ in range(2):\n"
        "    loss, g = plan({'x': [2.0]})\n"
        "    w.assign(w.data - 0.1 * g)\n"
    )
    code, out, err = step(script, commands='c\np grad("w").tolist()\n')
    assert (code, err, gradient_of(out)) == (0, "", "[6.0]")
    assert (
        "pass 1 of 1: differentiate() [train.py:4], values as they were then\n"
        "  what mg.compile() makes of it records nothing: these are the values it was given\n"
    ) in out


def test_of_a_fitted_model_it_says_so_too(step):
    script = """
    import numpy as np, minigrad as mg
    from minigrad import models
    tokens = np.random.default_rng(0).integers(0, 5, 81, dtype=np.uint8)
    lm = models.RNNLM("rnn", hidden=4, vocab=5)
    chunks = models.stream.epochs(models.stream.Rows(tokens, batch=4, steps=5, reset="epoch"), 1)
    optimizer = mg.optim.SGD(models.parameters(lm), lr=0.1)
    models.train.fit(lm, chunks, lambda tape: tape, 1.0, optimizer)
    """
    code, out, err = step(script, commands="n\n")
    assert (code, err) == (0, "")
    assert out.startswith(
        "pass 1 of 1: differentiate() [train.py:8], values as they were then\n  what mg"
    )


# --- how scripts end ----------------------------------------------------------------------------------------------
BACK = HEAD + "for i in range(4):\n    np.sum(w * w).backward()\n    w.assign(w.data + 1)\n"


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("", ""),
        ("sys.exit(0)", ""),
        ("sys.exit(3)", "it ends with SystemExit(3)."),
        ("a = 1 / 0", "it fails: ZeroDivisionError: division by zero. [train.py:6]"),
        ("raise KeyboardInterrupt", "interrupted. [train.py:6]"),
        ("np.sum(w * np.ones(3) @ np.ones(4))", "it fails: matmul: 'multiply' is (3,) and "),
    ],
)
def test_however_a_script_ends_its_last_pass_is_stepped(step, end, said):
    code, out, err = step(BACK + end, commands='c\np grad("w").tolist()\n')
    assert (code, gradient_of(out)) == (0, "[12.0]")
    assert "pass 4 of 4" in out
    if said:
        assert err.startswith(f"minigrad: step train.py: {said}")
    assert len(err.splitlines()) == bool(said)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            None,
            "no such file. Name a script that calls loss.backward(), or leaves a Tensor `loss`.",
        ),
        (
            "x = 1",
            "no backward pass in the main thread, and it leaves no `loss`. Call loss.backward() in it, or name a "
            "Tensor that it leaves with --loss NAME.",
        ),
        (
            "loss = 1.5",
            "no backward pass in the main thread, and its `loss` is a float. Call loss.backward() in it, or name a "
            "Tensor that it leaves with --loss NAME.",
        ),
        ("import sys\nsys.exit(3)", "it ends with SystemExit(3)."),
        ("a = 1\nb = a / 0", "it fails: ZeroDivisionError: division by zero. [train.py:2]"),
        ("a = (", "it fails: SyntaxError: '(' was never closed (train.py, line 1). [train.py]"),
    ],
)
def test_a_script_without_anything_to_step_is_one_line(step, text, line):
    assert step(text) == (1, "", f"minigrad: step train.py: {line}\n")


def test_what_a_script_leaves_open_or_changed_ends_with_it(step):
    script = BACK + (
        "import os, io\n"
        "mg.timestep(3).__enter__(); mg.no_grad().__enter__()\n"
        "os.chdir('/'); sys.path.insert(0, '/nowhere'); sys.path.remove('/nowhere')\n"
        "sys.stdout = io.StringIO(); sys.argv = []\n"
    )
    out = step(script)[1]
    assert "(mg) c\nthe end: every gradient is complete\n  dL/dw: float64[1], norm 12" in out


def test_a_script_reads_its_own_input_first(step):
    script = HEAD + "name = input()\nprint('hello', name)\nnp.sum(w * w).backward()\n"
    code, out, err = step(script, commands="Ada\nn\n")
    assert (code, err) == (0, "")
    assert out.startswith("hello Ada\npass 1 of 1")
    assert "(mg) n\n[1/3] sum" in out


# --- options ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            ["--pass", "1"],
            "minigrad: step --pass: no script to run. Name a script: minigrad step FILE.py.\n",
        ),
        (
            ["--", "--lr", "1"],
            "minigrad: step --: no script to run. Name a script: minigrad step FILE.py.\n",
        ),
    ],
)
def test_options_of_scripts_need_one(step, args, line):
    assert step(None, *args) == (1, "", line)


def test_arguments_of_the_script_go_behind_two_dashes(capsys):
    read = parser().parse_args(
        ["step", "train.py", "--html", "x.html", "--", "--html", "y", "--", "z"]
    )
    assert (read.file, read.html, read.arguments) == (
        "train.py",
        "x.html",
        ["--html", "y", "--", "z"],
    )
    with pytest.raises(SystemExit):
        parser().parse_args(["step", "train.py", "--lr", "0.5"])
    assert capsys.readouterr().err == (
        "minigrad step: unrecognized arguments: --lr 0.5; those of a script go after -- (see minigrad step --help)\n"
    )
    with pytest.raises(SystemExit):
        parser().parse_args(["step", "train.py", "--pass", "0"])
    assert "got '0', expected a whole number, not 0" in capsys.readouterr().err


# --- as processes -------------------------------------------------------------------------------------------------
def process(tmp_path, script, commands, **how):
    (tmp_path / "train.py").write_text(script)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return children.run(
        [sys.executable, "-m", "minigrad", "step", "train.py"],
        input=commands,
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        encoding="utf-8",
        **how,
    )


def test_an_interrupted_script_is_stepped(tmp_path):
    script = BACK + (
        f"import os, signal, time\nsignal.signal({int(signal.SIGINT)}, signal.default_int_handler)\n"
        f"os.kill(os.getpid(), {int(signal.SIGINT)})\ntime.sleep(60)\n"
    )
    done = process(tmp_path, script, 'c\np grad("w").tolist()\n')
    assert (done.returncode, gradient_of(done.stdout)) == (0, "[12.0]")
    assert done.stderr == "minigrad: step train.py: interrupted. [train.py:8]\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("end", ["pass", "sys.exit(0)"])
def test_a_child_that_a_script_forked_ends_as_it_would(tmp_path, end):
    script = BACK + (
        f"import os, sys\npid = os.fork()\nif pid == 0:\n    {end}\nelse:\n"
        "    print('child:', os.waitpid(pid, 0)[1], flush=True)\n"
    )
    done = process(tmp_path, script, 'c\np grad("w").tolist()\n')
    assert (done.returncode, done.stderr, gradient_of(done.stdout)) == (0, "", "[12.0]")
    assert "child: 0\n" in done.stdout
    assert done.stdout.count("the end: every gradient is complete") == 1


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_script_that_closes_where_it_would_be_stepped_is_one_line(tmp_path, stream):
    done = process(tmp_path, BACK + f"import sys\nsys.{stream}.close()\n", "c\n")
    line = f"it closed sys.{stream}; expected it open, for you to step through the pass."
    assert (done.returncode, done.stderr) == (1, f"minigrad: step train.py: {line}\n")


def test_a_guard_lets_workers_begin(tmp_path):
    script = (
        "import multiprocessing\n"
        "def square(x): return x * x\n"
        "if __name__ == '__main__':\n"
        "    import numpy as np, minigrad as mg\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        numbers = pool.map(square, [1, 2, 3])\n"
        "    w = mg.tensor(numbers, requires_grad=True, name='w')\n"
        "    np.sum(w * w).backward()\n"
    )
    done = process(tmp_path, script, 'c\np grad("w").tolist()\n')
    assert (done.returncode, done.stderr, gradient_of(done.stdout)) == (0, "", "[2.0, 8.0, 18.0]")
