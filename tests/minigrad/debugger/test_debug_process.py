"""``minigrad step`` as a process: from a pipe, on a script, at a terminal."""

import os
import pty
import select
import sys
import termios
from contextlib import contextmanager

import pytest

from tests import children
from tests.children import running
from tests.viz.page.reading import data_of


def minigrad(*args, commands="", **kwargs):
    command = [sys.executable, "-m", "minigrad", "step", *map(str, args)]
    return children.run(
        command,
        input=commands,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        encoding="utf-8",
        **kwargs,
    )


def test_minigrad_step_reads_commands_from_a_pipe():
    done = minigrad(commands="b h_2\nc\neq\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "(mg) b h_2\nbreakpoint 1 at h_2\n(mg) c\nbreakpoint 1 (h_2)\n" in done.stdout
    assert "dL/dadd@2#2 += dL/dh_2 ⊙ (1 - h_2²)" in done.stdout


@pytest.mark.parametrize(
    "options",
    [
        "--cell lstm --steps 2",
        "--cell gru --truncate 1",
        "--cell linear --untie",
        "--demo vanishing --steps 5",
        "--demo exploding",
    ],
)
def test_minigrad_step_has_networks_to_learn_on(options):
    done = minigrad(*options.split(), commands="n\nc\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "the end: every gradient is complete" in done.stdout


def test_two_networks_at_once_are_refused(tmp_path):
    for options in (["--demo", "vanishing", "--cell", "gru"], [tmp_path / "a.py", "--steps", 3]):
        done = minigrad(*options)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.endswith(
            "another network too; one of FILE.py, -m MODULE, --demo and --cell.\n"
        )


def test_the_page_from_the_command_line(tmp_path):
    done = minigrad("--cell", "linear", "--truncate", 1, "--html", tmp_path / "a.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"wrote {tmp_path}/a.html\n", "")
    full, truncated = data_of(tmp_path / "a.html")["tapes"]
    assert full["title"] != truncated["title"]
    done = minigrad("--html", tmp_path / "a.gif")
    assert (done.returncode, done.stderr) == (
        1,
        f"minigrad: cannot write '{tmp_path}/a.gif': of no format that is known by its ending; "
        "expected one that ends in .html.\n",
    )


# --- at a terminal --------------------------------------------------------------------------------------------------
class Terminal:
    """`minigrad step` at a pseudo-terminal, typed to."""

    def __init__(self, process, ours):
        self.process, self.ours, self.seen = process, ours, ""

    def until(self, text):
        """What is shown from now up to that text."""
        while text not in self.seen:
            assert select.select([self.ours], [], [], 60)[0], f"no {text!r} after {self.seen!r}"
            self.seen += os.read(self.ours, 65536).decode("utf-8").replace("\r", "")
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, keys, until="(mg) "):
        os.write(self.ours, keys.encode())
        return self.until(until)

    def interrupt(self):
        """Ctrl-C, again where nothing comes: readline misses a signal in the moment before it waits for keys."""
        os.write(self.ours, b"\x03")
        while not select.select([self.ours], [], [], 3)[0]:
            os.write(self.ours, b"\x03")
        return self.until("(mg) ")


@contextmanager
def at_a_terminal(folder, name="dumb", columns=100):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, columns))
    # of who runs the tests: how they want colours, and how wide their own terminal is
    theirs_alone = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"}
    env = {
        **{key: value for key, value in os.environ.items() if key not in theirs_alone},
        "TERM": name,
        "XDG_STATE_HOME": str(folder),
        "PYTHONIOENCODING": "utf-8",
        "TERMINAL": os.ttyname(theirs),
    }
    opening = 'exec "$0" -m minigrad step "$@" <>"$TERMINAL" >&0 2>&0'  # a session's leader
    command = ["sh", "-c", opening, sys.executable, "--cell", "linear"]
    with running(command, env=env, start_new_session=True) as process:
        started = Terminal(process, ours)
        started.opening = started.until("(mg) ")
        os.close(theirs)  # not before the other end is open
        yield started
        process.kill()
    os.close(ours)


@pytest.fixture
def terminal(tmp_path):
    with at_a_terminal(tmp_path) as started:
        yield started


def test_at_a_terminal_names_complete_and_lines_come_back(terminal):
    pytest.importorskip("readline")
    assert "breakpoint 1 at W_hh" in terminal.type("b W_hh\t\n")
    assert "breakpoint 2 at o_2" in terminal.type("b o_2\n")
    assert "breakpoint 3 at o_2" in terminal.type("\x1b[A\n")  # the up arrow
    assert "[1/29] L = mean(stack)" in terminal.type("n\n")
    assert "[2/29] stack" in terminal.type("\n")  # an empty line is the last command again


def test_at_a_terminal_an_interrupt_keeps_the_session_and_the_end_leaves(terminal):
    assert "[1/29]" in terminal.type("n\n")
    assert "interrupted; q leaves" in terminal.interrupt()
    assert "interrupted after 1 steps" in terminal.type(
        "p __import__('os').kill(__import__('os').getpid(), 2)\n"
    )
    assert "[2/29]" in terminal.type("n\n")
    os.write(terminal.ours, b"\x04")
    assert terminal.process.wait(timeout=60) == 0


def test_at_a_terminal_there_is_colour_width_and_yesterdays_history(tmp_path):
    pytest.importorskip("readline")
    with at_a_terminal(tmp_path) as terminal:
        assert "\x1b" not in terminal.type("unt h_2\n")
        os.write(terminal.ours, b"\x04")
        assert terminal.process.wait(timeout=60) == 0
    with at_a_terminal(tmp_path, "xterm", columns=60) as terminal:
        assert "29 steps\n    back. n takes one" in terminal.opening
        shown = terminal.type("\x1b[A\n")  # the up arrow
        assert "\x1b[32mbreakpoint 1 (h_2)\x1b[0m" in shown
        assert "\x1b[1mh_2\x1b[0m = add(" in shown
        assert "\x1b[35mdL/dh_2\x1b[0m: float64[4, 1]" in shown
