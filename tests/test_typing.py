"""A user's annotated script is taken by ``mypy --strict``, read against the package as it is installed."""

import importlib.util
import shutil
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from tests import children

ROOT = Path(__file__).parents[1]
SECONDS = 300


@pytest.fixture
def python(tmp_path):
    """The Python of an environment where the package lies as a wheel lays it, and what it needs."""
    site = tmp_path / "site"
    shutil.copytree(ROOT / "minigrad", site / "minigrad")
    for beside in ("models", "viz"):
        shutil.copytree(ROOT / beside, site / "minigrad" / beside)
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    [packages] = (tmp_path / "env").glob("lib/python*/site-packages")
    others = Path(np.__file__).parents[1]
    (packages / "paths.pth").write_text(f"{site}\n{others}\n")
    return tmp_path / "env" / "bin" / "python"


@pytest.mark.skipif(sys.platform == "win32", reason="an environment lies elsewhere on Windows")
@pytest.mark.skipif(not importlib.util.find_spec("mypy"), reason="mypy is not installed")
def test_a_users_script_is_well_typed(python, tmp_path):
    script = shutil.copy(ROOT / "tests" / "annotated.py", tmp_path)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python]
    done = children.run(
        [*command, "--cache-dir", tmp_path / "cache", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
