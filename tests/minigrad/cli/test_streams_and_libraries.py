"""Pipes, and what is not installed: each line when it is said, each library when it is needed."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from tests import children
from tests.children import running

ROOT = Path(__file__).parents[3]
# Nothing about buffers.
BARE = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}


@pytest.mark.parametrize(
    ("args", "start"),
    [
        ("train --epochs 1000000", "text: "),
        ("train --epochs 1000000 --json", '{"event": '),
        ("anatomy --updates 1000000", "text: "),
        ("compare --updates 1000000", "text: "),
    ],
)
def test_a_pipe_carries_each_line_when_it_is_said(args, start, text, tmp_path):
    """Long before the run ends: it would take hours, and is killed where its first line does not come."""
    command = [sys.executable, "-m", "minigrad", *args.split(), "--text", text]
    env = BARE | {"PYTHONPATH": str(ROOT)}
    with running(
        command, seconds=60, stdout=subprocess.PIPE, text=True, env=env, cwd=tmp_path
    ) as run:
        first = run.stdout.readline()
        assert run.poll() is None
        run.kill()
    assert first.startswith(start)


def test_a_trainer_s_lines_reach_a_pipe_of_any_program(tmp_path):
    """A reporter in a program of the user's own, whose output nobody else flushes."""
    code = (
        "import time; from minigrad.models.train.reporter import Reporter; "
        "Reporter().say('epoch 1'); time.sleep(600)"
    )
    env = BARE | {"PYTHONPATH": str(ROOT)}
    with running(
        [sys.executable, "-c", code], seconds=60, stdout=subprocess.PIPE, env=env, cwd=tmp_path
    ) as run:
        assert run.stdout.readline() == b"epoch 1\n"
        run.kill()


def test_a_reader_who_leaves_is_no_traceback(text):
    command = (
        f"{shlex.quote(sys.executable)} -m minigrad train --text {text} --epochs 30 | head -n 1"
    )
    run = children.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, check=True
    )
    assert run.stdout.startswith("text: ")
    assert run.stderr == ""


def test_a_checkout_that_is_not_installed_knows_its_version(tmp_path):
    """Python without its site-packages: the checkout's folder and NumPy, no metadata of an installation."""
    (tmp_path / "minigrad").symlink_to(ROOT / "minigrad")
    numpys = Path(np.__file__).parents[1]
    for name in ("numpy", "numpy.libs"):  # the second holds the libraries of a wheel
        (tmp_path / name).symlink_to(numpys / name)
    command = [sys.executable, "-S", "-m", "minigrad", "--version"]
    env = BARE | {"PYTHONPATH": str(tmp_path)}
    run = children.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=env, cwd=tmp_path
    )
    assert (run.stdout, run.stderr) == (f"minigrad {mg.__version__}\n", "")


OPTIONAL = ("matplotlib", "tqdm", "safetensors", "graphviz", "pygraphviz", "threadpoolctl")


@pytest.mark.parametrize(
    ("args", "start"),
    [
        ("--help", "usage: minigrad"),
        ("figure unrolled --help", "usage: minigrad figure unrolled"),
        ("train --epochs 1 --steps 8 --hidden 2", "text: text.txt"),
        ("step --steps 2", "[1/"),
        ("compare exercises", "M^k x aligns with v_1"),
    ],
)
def test_a_command_asks_for_a_library_only_where_it_uses_it(args, start, text):
    """None in sys.modules is what Python has of a module that cannot be imported."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({OPTIONAL})); "
        "from minigrad.cli import main; sys.exit(main())"
    )
    more = ["--text", text.name] if args.startswith("train") else []
    run = children.run(
        [sys.executable, "-c", code, *args.split(), *more],
        capture_output=True,
        text=True,
        input="n\nq\n",
        timeout=120,
        check=False,
        cwd=text.parent,
        env=BARE | {"PYTHONPATH": str(ROOT)},
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert start in run.stdout


def test_the_version_is_said_without_the_models():
    code = (
        "import sys; from minigrad.cli import parser; parser(); "
        "print(*sorted({'minigrad.models', 'minigrad.viz'} & set(sys.modules)))"
    )
    run = children.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=BARE | {"PYTHONPATH": str(ROOT)},
    )
    assert run.stdout == "\n"
