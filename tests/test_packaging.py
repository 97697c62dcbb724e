"""One name is installed, and it works wherever Python finds it, with the user's own models and viz beside it."""

import os
import shutil
import sys
import tarfile
import tomllib
import zipfile

import pytest

from tests.installed import ROOT, build, checked_out, environment, install, run

USER = """
import minigrad as mg
from minigrad import models, viz
import minigrad.viz, minigrad.models
import models as own_models, viz as own_viz

assert own_models.answer == 42 and own_viz.answer == 43
tape = models.section(T=2).tape
assert viz.draw(tape).source.startswith("digraph")
assert models.RNNLM and minigrad.viz.draw is viz.draw
print(mg.__version__, minigrad.viz.__file__)
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return checked_out(tmp_path_factory.mktemp("holds"))


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory):
    built = build(checkout, "wheel", tmp_path_factory.mktemp("wheel"))
    shutil.rmtree(checkout / "build", ignore_errors=True)
    return built


@pytest.fixture
def project(tmp_path):
    """A project of a user's, with models and viz of its own."""
    folder = tmp_path / "project"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "__init__.py").write_text("answer = 42\n")
    (folder / "viz.py").write_text("answer = 43\n")
    (folder / "main.py").write_text(USER)
    return folder


def test_a_wheel_holds_one_top_level_name(wheel):
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"minigrad"}


def test_every_folder_is_a_package_that_is_installed():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "packages"
    ]
    inside = [path.parent.relative_to(ROOT) for path in (ROOT / "minigrad").rglob("__init__.py")]
    beside = [
        path.parent.relative_to(ROOT)
        for top in ("models", "viz")
        for path in (ROOT / top).rglob("__init__.py")
    ]
    packages = [".".join(path.parts) for path in inside] + [
        ".".join(("minigrad", *path.parts)) for path in beside
    ]
    assert sorted(declared) == sorted(packages)
    folders = {
        path.parent for top in ("minigrad", "models", "viz") for path in (ROOT / top).rglob("*.py")
    }
    assert all((folder / "__init__.py").exists() for folder in folders)


def test_installed_from_a_wheel(wheel, project, tmp_path):
    site = tmp_path / "site"
    install(wheel, site)
    said = run(sys.executable, "main.py", cwd=project, path=site)
    assert str(site) in said
    run(
        sys.executable,
        "-m",
        "minigrad",
        "figure",
        "unrolled",
        "-o",
        "a.svg",
        cwd=project,
        path=site,
    )
    assert (project / "a.svg").stat().st_size > 0


def test_from_a_checkout_that_is_not_installed(checkout, project):
    assert str(checkout / "viz") in run(sys.executable, "main.py", cwd=project, path=checkout)
    assert "Tape" in run(
        sys.executable, "-c", "import minigrad as mg; print(mg.Tape)", cwd=checkout
    )


@pytest.mark.skipif(
    os.name == "nt", reason="the paths of a virtual environment are those of POSIX here"
)
def test_installed_as_editable(checkout, project, tmp_path):
    python, _ = environment(tmp_path / "env")
    pip = [sys.executable, "-m", "pip", "--python", python]
    run(*pip, "install", "-q", "--no-deps", "--no-build-isolation", "-e", ".", cwd=checkout)
    assert "viz" in run(python, "main.py", cwd=project)
    # a folder named minigrad where Python starts is no package, and loses to the one that is installed
    assert "Tape" in run(python, "-c", "import minigrad; print(minigrad.Tape)", cwd=checkout.parent)
    assert "draw" in run(python, "-c", "from minigrad import viz; print(viz.draw)", cwd=checkout)
    shutil.rmtree(checkout / "build")


def test_a_source_archive_builds_the_same_wheel_and_passes_its_tests(checkout, wheel, tmp_path):
    archive = build(checkout, "sdist", tmp_path)
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    source = tmp_path / archive.name.removesuffix(".tar.gz")
    again = build(source, "wheel", tmp_path)
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())
    shutil.rmtree(source / "build", ignore_errors=True)
    quick = ["tests/minigrad/core/test_gates.py", "tests/viz/test_style.py"]
    run(sys.executable, "-m", "pytest", "-n", "0", *quick, cwd=source)
