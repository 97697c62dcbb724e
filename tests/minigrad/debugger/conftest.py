"""What sessions of real debuggers share: a script of a user's, and minigrad installed as the user has it."""

import shutil

import pytest

from tests.installed import ROOT, build, checked_out, environment, install
from tests.minigrad.debugger.page import TRAIN


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The Python of an environment where minigrad is installed from its wheel."""
    folder = tmp_path_factory.mktemp("installed")
    python, site = environment(folder / "env")
    install(build(checked_out(folder), "wheel", folder), site)
    shutil.rmtree(folder / "minigrad")
    return python


@pytest.fixture(scope="session")
def editable(tmp_path_factory):
    """The Python of an environment that finds minigrad in the repository itself."""
    python, site = environment(tmp_path_factory.mktemp("editable") / "env")
    (site / "minigrad.pth").write_text(f"{ROOT}\n")
    return python


@pytest.fixture
def script(tmp_path):
    """A training script in a folder of its own."""
    file = tmp_path / "train.py"
    file.write_text(TRAIN)
    return file
