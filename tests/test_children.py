"""Every child process of the tests is started by tests/children.py: it has a time limit and hears Ctrl-C."""

import ast
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import children
from tests.children import running

TESTS = Path(__file__).parent
STARTS = {
    "subprocess": {"run", "call", "check_call", "check_output", "getoutput", "Popen"},
    "os": {"system", "popen", "fork", "forkpty", "posix_spawn", "spawnv", "spawnl", "spawnve"},
    "pty": {"fork", "spawn"},
    "asyncio": {"create_subprocess_exec", "create_subprocess_shell"},
}


def started_elsewhere(source):
    """The lines that start a child process by themselves, or by a name that this walk does not know."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module="subprocess" | "multiprocessing" | "pty"):
                yield node.lineno
            case ast.alias(name="multiprocessing") | ast.alias(name="subprocess", asname=str()):
                yield node.lineno
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in STARTS.get(
                module, ()
            ):
                yield node.lineno


def test_every_child_process_is_started_by_children():
    files = [file for file in TESTS.rglob("*.py") if file.name != "children.py"]
    found = [
        f"{file.relative_to(TESTS)}:{line}"
        for file in files
        for line in started_elsewhere(file.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(['x'], timeout=60)",
        "subprocess.check_output(['x'], text=True)",
        "subprocess.Popen(['x'])",
        "with subprocess.Popen(['x']) as child: pass",
        "start = subprocess.Popen",
        "from subprocess import run",
        "import subprocess as s",
        "import multiprocessing",
        "os.system('x')",
        "pty.spawn('x')",
        "f(lambda: subprocess.run(x, **how))",
    ],
)
def test_a_child_that_is_started_elsewhere_is_seen(source):
    assert list(started_elsewhere(source)) == [1]


SLEEP = "import time; print('asleep', flush=True); time.sleep(100)"


def test_a_reader_of_a_child_that_says_nothing_comes_to_the_end():
    started = time.monotonic()
    with running(
        [sys.executable, "-c", "import time; time.sleep(100)"], seconds=0.5, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.read() == b""
    assert child.returncode == -signal.SIGKILL
    assert time.monotonic() - started < 60


def test_who_waits_for_a_child_that_does_not_end_is_told():
    started = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        children.run([sys.executable, "-c", SLEEP], timeout=0.5, capture_output=True)
    assert time.monotonic() - started < 60


def test_a_test_that_fails_ends_its_child():
    started = time.monotonic()
    with pytest.raises(ZeroDivisionError), running([sys.executable, "-c", SLEEP]) as child:
        1 / 0
    assert child.returncode == -signal.SIGKILL
    assert time.monotonic() - started < 60


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def ignored(request):
    """A signal that the tests ignore, as in a background job."""
    before = signal.signal(request.param, signal.SIG_IGN)
    yield request.param
    signal.signal(request.param, before)


def test_a_child_hears_what_the_tests_ignore(ignored):
    with running([sys.executable, "-c", SLEEP], seconds=60, stdout=-1, stderr=-1) as child:
        assert child.stdout.readline() == b"asleep\n"
        child.send_signal(ignored)
        child.communicate()
    assert child.returncode == -ignored
    code = f"import os, time; os.kill(os.getpid(), {ignored:d}); time.sleep(100)"
    ended = children.run([sys.executable, "-c", code], timeout=60, check=False, stderr=-1)
    assert ended.returncode == -ignored
    assert signal.getsignal(ignored) is signal.SIG_IGN
