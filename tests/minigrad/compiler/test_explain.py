"""The compiler's README shows what is printed after each phase, and has a line for every file."""

from pathlib import Path

import pytest

import minigrad.compiler
from minigrad.compiler.explain import example, phases

FOLDER = Path(minigrad.compiler.__path__[0])
README = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "text"), list(phases(example())))
def test_the_page_shows_each_phase(name, text):
    assert f"After `{name}`:\n\n```\n{text}\n```\n" in README


def test_the_page_has_a_line_for_every_pass_and_file():
    files = [p.name for p in FOLDER.glob("*.py")]
    files += [f"rewrite/{p.name}" for p in (FOLDER / "rewrite").glob("*.py")]
    listed = README.split("## One example")[0]
    missing = [name for name in files if f"`{name}`" not in listed]
    assert sorted(missing) == ["explain.py", "rewrite/__init__.py"]
