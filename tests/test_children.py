"""Every child process of the tests has a time limit."""

import ast
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.children import running

TESTS = Path(__file__).parent
LIMITED = {"run", "call", "check_call", "check_output"}  # of subprocess: they take a timeout
ENDLESS = {
    "system",
    "popen",
    "fork",
    "forkpty",
    "posix_spawn",
    "spawnv",
    "spawnl",
    "spawnve",
}  # of os: nothing does


def without_limit(source):
    """The lines that start a child process which nothing ends, or by a name that this walk does not know."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module="subprocess" | "multiprocessing"):
                yield node.lineno
            case ast.alias(name="multiprocessing") | ast.alias(name="subprocess", asname=str()):
                yield node.lineno
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="subprocess"), attr=name), keywords=keywords
            ):
                if name not in LIMITED or "timeout" not in [k.arg for k in keywords]:
                    yield node.lineno
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr=name)) if (
                name in ENDLESS
            ):
                yield node.lineno


def test_every_child_process_has_a_time_limit():
    files = [file for file in TESTS.rglob("*.py") if file.name != "children.py"]
    found = [
        f"{file.relative_to(TESTS)}:{line}"
        for file in files
        for line in without_limit(file.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(['x'])",
        "subprocess.check_output(['x'], text=True)",
        "subprocess.Popen(['x'])",
        "with subprocess.Popen(['x']) as child: pass",
        "from subprocess import run",
        "import subprocess as s",
        "import multiprocessing",
        "os.system('x')",
        "f(lambda: subprocess.run(x, **how))",
    ],
)
def test_a_child_without_one_is_seen(source):
    assert list(without_limit(source)) == [1]


def test_a_reader_of_a_child_that_says_nothing_comes_to_the_end():
    command = [sys.executable, "-c", "import time; time.sleep(100)"]
    started = time.monotonic()
    with running(command, seconds=0.5, stdout=subprocess.PIPE) as child:
        assert child.stdout.read() == b""
    assert child.returncode == -signal.SIGKILL
    assert time.monotonic() - started < 60


def test_a_test_that_fails_ends_its_child():
    command = [sys.executable, "-c", "import time; time.sleep(100)"]
    started = time.monotonic()
    with pytest.raises(ZeroDivisionError), running(command) as child:
        1 / 0
    assert child.returncode == -signal.SIGKILL
    assert time.monotonic() - started < 60
