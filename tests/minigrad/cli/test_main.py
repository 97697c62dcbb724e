"""The commands that draw and tell, and the parser: what it names exists."""

import os
import re
import shlex
from pathlib import Path

import pytest

from minigrad.cli import compare, figure, main, parser
from minigrad.cli.laboratory_options import EXPERIMENTS
from minigrad.models.book import cases

ROOT = Path(__file__).parents[3]


def test_demo_tells_the_story_and_names_its_files(text, tmp_path, minigrad):
    run = minigrad("demo", "--text", text, "--epochs", 2, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "h_3: float64[4, 1] = add(matmul@3, matmul@3#2)" in run.stdout
    assert [float(d) < 1e-12 for d in re.findall(r"largest difference (\S+)", run.stdout)] == [
        True
    ] * 3
    written = re.search(r"wrote (.*) \(Fig. 9.7.2 and 9.7.1\)\n$", run.stdout)[1].split(", ")
    assert written == ["minigrad-demo/unrolled.svg", "minigrad-demo/strategies.svg"]
    assert all((tmp_path / w).stat().st_size > 1000 for w in written)


@pytest.mark.parametrize("kind", ["unrolled", "strategies"])
@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot"])
def test_figure_writes_what_the_suffix_says(kind, suffix, tmp_path):
    start = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}[suffix]
    assert main(["figure", kind, "-o", str(tmp_path / f"f.{suffix}")]) == 0
    assert (tmp_path / f"f.{suffix}").read_bytes().lstrip(b"\n").startswith(start)


def test_modules_of_the_users_own_are_not_in_the_way(tmp_path, minigrad):
    """Nearly every project has a models.py or a viz.py: neither is imported for ours, nor ours for theirs."""
    for name in ("models.py", "viz.py"):
        (tmp_path / name).write_text("raise SystemExit('this is the file of the user')\n")
    run = minigrad(
        "figure",
        "unrolled",
        "-o",
        "unrolled.svg",
        cwd=tmp_path,
        env={**os.environ, "PYTHONSAFEPATH": ""},
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "unrolled.svg").stat().st_size > 0


def test_the_readme_s_commands_parse():
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    commands = [
        m for block in blocks for m in re.findall(r"(?:^|/)minigrad ([a-z].*)$", block, re.M)
    ]
    assert len(commands) >= 1
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True))


def choices(command, option):
    """The values that an option of a command may take."""
    subcommands = parser()._subparsers._group_actions[0].choices
    return next(a.choices for a in subcommands[command]._actions if option in a.option_strings)


def test_what_the_parser_names_exists():
    """Its lists are spelled out, so that no command imports what it does not use."""
    assert set(EXPERIMENTS) == set(compare.EXPERIMENTS)
    assert set(choices("step", "--demo")) == set(cases.CASES)
    figures = parser()._subparsers._group_actions[0].choices["figure"]
    kinds = set(figures._subparsers._group_actions[0].choices)
    assert kinds == {*figure.FIGURES, "all", "gallery"}
