"""minigrad as users have it: built from a copy of the repository, installed into an environment of its own."""

import os
import shutil
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests import children

ROOT = Path(__file__).parents[1]
TRACKED = [".ci", "benchmarks", "docs", "minigrad", "models", "tests", "viz"]
SECONDS = 300  # for one child process


def bare_environment():
    """The variables of a child process that shall find nothing by ours."""
    env = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return env | {name: value for name, value in os.environ.items() if name.startswith("PIP_")}


def run(*command, cwd, path=""):
    """A child process in a bare environment; what it printed."""
    env = bare_environment()
    if path:
        env["PYTHONPATH"] = str(path)
    done = children.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def checked_out(folder):
    """A copy of the repository in a folder named minigrad, as a clone is."""
    copy = folder / "minigrad"
    copy.mkdir()
    for path in sorted(ROOT.iterdir()):
        if path.is_file():
            shutil.copy(path, copy)
    for name in TRACKED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def build(source, kind, folder):
    """The wheel or sdist of a source tree, built by its own back end."""
    call = f"import setuptools.build_meta as b; print(b.build_{kind}({str(folder)!r}))"
    name = run(sys.executable, "-c", call, cwd=source).splitlines()[-1]
    return folder / name


def environment(folder):
    """A new environment that sees the packages of the running one: its Python, its site-packages."""
    venv.create(folder, with_pip=False, symlinks=True)
    site = next((folder / "lib").glob("python*/site-packages"))
    # of pytest, which lies beside NumPy and the debuggers
    (site / "others.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    return folder / "bin" / "python", site


def install(wheel, site):
    """What pip does with a wheel of pure Python."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
