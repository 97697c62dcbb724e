"""The command line as a user meets it: real processes, one clear line for each mistake, nothing half-written."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigrad.__main__ import main, parser

ROOT = Path(__file__).parents[2]
PROSE = "It was the best of times, it was the worst of times, it was the age of wisdom. " * 20


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(PROSE)
    return file


def minigrad(*args, cwd=None, **kwargs):
    command = [sys.executable, "-m", "minigrad", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False, **kwargs)


@pytest.mark.parametrize(
    ("args", "line"),
    [("fly", "minigrad: argument COMMAND: invalid choice: 'fly' (choose from demo, train, sample, figure, "
      "anatomy, compare, step) (see minigrad --help)"),
     ("train --epochs 0", "minigrad train: argument --epochs: got '0', expected a whole number from 1 "
      "(see minigrad train --help)"),
     ("train --clip -1", "minigrad train: argument --clip: got '-1', expected a number above 0 "
      "(see minigrad train --help)"),
     ("train --clip nan", "minigrad train: argument --clip: got 'nan', expected a number above 0 "
      "(see minigrad train --help)"),
     ("figure strategies --keep 0 -o a.svg",
      "minigrad figure strategies: argument --keep: got '0', expected a probability above 0 and at most 1 "
      "(see minigrad figure strategies --help)"),
     ("figure unrolled", "minigrad figure unrolled: the following arguments are required: -o/--output "
      "(see minigrad figure unrolled --help)")],
)  # fmt: skip
def test_a_usage_error_is_one_line_and_exit_code_2(args, line, capsys):
    with pytest.raises(SystemExit) as exit:
        main(args.split())
    assert exit.value.code == 2
    commands = "demo, train, sample, figure, anatomy, compare, step"
    assert capsys.readouterr().err.replace("'" + commands.replace(", ", "', '") + "'", commands) == line + "\n"


@pytest.mark.parametrize(
    ("args", "line"),
    [("train --text {tmp}/none.txt", "minigrad: text: cannot read '{tmp}/none.txt': No such file or directory. "
      "Give the path of a plain text file."),
     ("train --text {tmp}", "minigrad: text: cannot read '{tmp}': Is a directory. Give the path of a plain text file."),
     ("train --text {tmp}/empty.txt", "minigrad: text: '{tmp}/empty.txt' is empty. Give a file with some text in it."),
     ("train --text {tmp}/short.txt", "minigrad: text: 5 characters after preprocessing, too few for windows of 32 "
      "steps. Give a text with at least 35 letters."),
     ("train --text {tmp}/text.txt --save {tmp}/no/m", "minigrad: cannot write '{tmp}/no/m': its folder does not "
      "exist. Make it first."),
     ("demo -o {tmp}/text.txt", "minigrad: cannot make the folder '{tmp}/text.txt': File exists. "
      "Name another folder with -o DIR.")],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_1(args, line, capsys, text):
    (text.parent / "empty.txt").touch()
    (text.parent / "short.txt").write_text("hello")
    assert main(args.format(tmp=text.parent).split()) == 1
    assert capsys.readouterr().err == line.format(tmp=text.parent) + "\n"
    assert len(list(text.parent.iterdir())) == 3


def test_train_prints_perplexities_and_a_continuation_and_saves(text, tmp_path):
    save = tmp_path / "m.safetensors"
    options = ["--cell", "gru", "--truncate", 8, "--epochs", 2, "--steps", 16, "--save", save]
    run = minigrad("train", "--text", text, *options)
    assert (run.returncode, run.stderr) == (0, "")
    assert re.search(r"epoch +2: perplexity +\d+\.\d\d train, +\d+\.\d\d validation\n'it has' continues", run.stdout)
    assert "BPTT truncated every 8 steps" in run.stdout
    assert run.stdout.endswith(f"wrote {save}\n")
    assert save.stat().st_size > 1000


def test_demo_tells_the_story_and_names_its_files(text, tmp_path):
    run = minigrad("demo", "--text", text, "--epochs", 2, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "h_3: float64[4, 1] = add(matmul@3, matmul@3#2)" in run.stdout
    assert [float(d) < 1e-12 for d in re.findall(r"largest difference (\S+)", run.stdout)] == [True] * 3
    written = re.search(r"wrote (.*) \(Fig. 9.7.2 and 9.7.1\)\n$", run.stdout)[1].split(", ")
    assert written == ["minigrad-demo/unrolled.svg", "minigrad-demo/strategies.svg"]
    assert all((tmp_path / w).stat().st_size > 1000 for w in written)


@pytest.mark.parametrize("kind", ["unrolled", "strategies"])
@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot"])
def test_figure_writes_what_the_suffix_says(kind, suffix, tmp_path):
    start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}[suffix]
    assert main(["figure", kind, "-o", str(tmp_path / f"f.{suffix}")]) == 0
    assert (tmp_path / f"f.{suffix}").read_bytes().lstrip(b"\n").startswith(start)


def test_an_interrupt_is_one_line_and_leaves_no_file(text, tmp_path):
    save = tmp_path / "m.safetensors"
    command = [sys.executable, "-m", "minigrad", "train", "--text", text, "--epochs", "100000", "--save", save]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline().startswith("text: ")
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        err = run.stderr.read()
    assert (run.returncode, err.strip()) == (130, "minigrad: interrupted")
    assert not save.exists()


def test_a_reader_who_leaves_is_no_traceback(text):
    command = f"{shlex.quote(sys.executable)} -m minigrad train --text {text} --epochs 30 | head -n 1"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout.startswith("text: ")
    assert run.stderr == ""


def test_a_models_module_of_the_users_own_is_named(text, tmp_path):
    (tmp_path / "models.py").write_text("answer = 42\n")
    run = minigrad("train", "--text", text, cwd=tmp_path, env={**os.environ, "PYTHONSAFEPATH": ""})
    assert run.returncode == 1
    assert run.stderr == (
        f"minigrad: package models: '{tmp_path}/models.py' stands in front of minigrad's own. "
        "Rename it, or run from another folder.\n"
    )


def test_the_readme_s_commands_parse():
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    commands = [m for block in blocks for m in re.findall(r"(?:^|/)minigrad ([a-z].*)$", block, re.M)]
    assert len(commands) >= 1
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True))
