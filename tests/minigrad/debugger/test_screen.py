"""Colour where a terminal has it, lines wrapped by words, and a history that outlives the session."""

import io
import re
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.debugger.keyboard import history_file, keyboard
from minigrad.debugger.screen import ESCAPE, WORD, Screen, columns, has_colour, painted, wrapped

LINES = [
    "[17/29] h_2 = tanh(add@2)  [t=2, train.py:6]",
    "  dL/dh_2 += W_hhᵀ · dL/dh_3",
    "  dL/dW: float64[2], norm 1, 1 to 1, 1 NaN",
    "*** 'fly' is no command",
    "> h_2 = tanh(add@2)  [1, 3]  [t=2, train.py:6]",
    "x h_0 = constant  [4, 1]  [section.py:71]",
    "breakpoint 1 (h_2)",
    "nothing to see",
]
texts = st.text(alphabet="ab·ᵀ  字\u0301[]:=/d19", max_size=60)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("is_terminal", "environment", "colour"),
    [
        (True, {}, True),
        (True, {"TERM": "xterm"}, True),
        (False, {}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_there_is_colour_where_the_terminal_has_it(monkeypatch, is_terminal, environment, colour):
    monkeypatch.setattr("sys.platform", "linux")
    assert has_colour(is_terminal, environment) == colour


@given(texts | st.sampled_from(LINES))
def test_paint_changes_no_letter(line):
    assert ESCAPE.sub("", painted(line)) == line


def test_parts_of_a_line_are_told_apart():
    counts = [len(re.findall("\x1b\\[0m", painted(line))) for line in LINES]
    assert counts == [3, 2, 2, 1, 2, 1, 1, 0]


@given(texts | st.sampled_from(LINES), st.integers(1, 80), st.booleans())
def test_lines_are_wrapped_between_words_and_nothing_is_lost(line, width, colour):
    text = painted(line) if colour else line
    rows = wrapped(text, width).split("\n")
    assert " ".join(rows).split() == text.split()
    if columns(line) <= width:
        assert rows == [text]
    for row in rows:
        is_one_word = len(WORD.findall(row.strip())) <= 1
        assert columns(row) <= width or is_one_word


def test_columns_are_those_of_a_terminal():
    assert [columns(text) for text in ("abc", "字a", "e\u0301", "\x1b[31mab\x1b[0m", "W_hhᵀ")] == [
        3,
        3,
        1,
        2,
        5,
    ]


def test_a_file_gets_neither_colour_nor_line_ends(monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("TERM", "xterm")
    line = LINES[0]
    assert Screen(io.StringIO()).shown(line) == line
    shown = Screen(Terminal()).shown(line)
    assert ESCAPE.sub("", shown) == "[17/29] h_2 = tanh(add@2)\n    [t=2, train.py:6]"
    assert shown != ESCAPE.sub("", shown)


# --- history ----------------------------------------------------------------------------------------------------------
def lines_of(readline):
    return [readline.get_history_item(i + 1) for i in range(readline.get_current_history_length())]


def test_history_is_kept_between_sessions_and_apart_from_the_programs(tmp_path, monkeypatch):
    readline = pytest.importorskip("readline")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    readline.clear_history()
    readline.add_history("the program's")
    before = readline.get_completer_delims(), readline.get_history_length()
    for said, known in (("n 3", []), ("g h_2", ["n 3"])):
        with keyboard():
            assert lines_of(readline) == known
            readline.add_history(said)
        assert lines_of(readline) == ["the program's"]
    assert before == (readline.get_completer_delims(), readline.get_history_length())
    assert "n 3\ng h_2\n" in history_file().read_text()
    assert stat.S_IMODE(history_file().parent.stat().st_mode) == 0o700
    readline.clear_history()


def test_a_history_that_cannot_be_written_is_no_reason_to_fail(tmp_path, monkeypatch):
    readline = pytest.importorskip("readline")
    (tmp_path / "state").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with keyboard():
        readline.add_history("n")
    assert (tmp_path / "state").is_file()


def test_the_history_lies_where_state_belongs(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert str(history_file()) == "/home/ada/.local/state/minigrad/history"
    monkeypatch.setenv("XDG_STATE_HOME", "/var/ada")
    assert str(history_file()) == "/var/ada/minigrad/history"


def test_where_there_is_no_readline_nothing_happens(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "readline", None)
    with keyboard():
        pass
