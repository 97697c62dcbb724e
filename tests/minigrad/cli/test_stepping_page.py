"""docs/stepping.md: its script is run, its commands are typed, and what it shows is what comes."""

import doctest
import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from minigrad.cli import main
from minigrad.debugger.terminal import COMMANDS, LONG_NAMES

PAGE = (Path(__file__).parents[3] / "docs" / "stepping.md").read_text(encoding="utf-8")
(SCRIPT,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
TRANSCRIPTS = re.findall(r"^```console\n\$ minigrad (.*?)\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.mark.parametrize(("command", "shown"), TRANSCRIPTS, ids=[c for c, _ in TRANSCRIPTS])
def test_a_transcript_is_what_comes(tmp_path, monkeypatch, capsys, command, shown):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    typed = re.findall(r"^\(mg\) (.*)$", shown, re.M)
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(typed)))
    assert main(shlex.split(command)) == 0
    found = capsys.readouterr().out
    checker = doctest.OutputChecker()
    example = doctest.Example("", shown)
    flags = doctest.ELLIPSIS
    assert checker.check_output(shown, found, flags), checker.output_difference(
        example, found, flags
    )


def test_the_page_names_every_command():
    text = re.sub(r"^```.*?^```$", "", PAGE, flags=re.M | re.S)
    code = " ".join(re.findall(r"`([^`]+)`", text))
    assert {name for name in COMMANDS if not re.search(rf"\b{name}\b", code)} == set()
    assert [
        name for name in ("next", "continue", "until", "where", "args") if name not in LONG_NAMES
    ] == []
    assert len(TRANSCRIPTS) >= 2
