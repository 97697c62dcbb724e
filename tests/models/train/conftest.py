"""A text, and the checkpoints of runs on it that nothing interrupted."""

import pytest

from tests.models.train.runs import PROSE, RUNS, run


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(PROSE)
    return file


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The checkpoints of the runs that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    text = folder / "text.txt"
    text.write_text(PROSE)
    for kind, options in RUNS.items():
        assert run(text, options, "--checkpoint", folder / kind, "--quiet").returncode == 0
    return folder
