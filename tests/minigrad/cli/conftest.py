"""What the tests of the command line share: a text to learn from, and a process of its own."""

import sys

import pytest

from tests import children

PROSE = "It was the best of times, it was the worst of times, it was the age of wisdom. " * 20


@pytest.fixture
def text(tmp_path):
    """A short text in a file."""
    file = tmp_path / "text.txt"
    file.write_text(PROSE)
    return file


@pytest.fixture
def minigrad():
    """Run ``python -m minigrad`` with arguments; what it printed and how it ended."""

    def run(*args, **how):
        command = [sys.executable, "-m", "minigrad", *map(str, args)]
        return children.run(
            command, capture_output=True, text=True, timeout=120, check=False, **how
        )

    return run
