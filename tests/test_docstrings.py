"""Every example in a docstring runs."""

import doctest
import importlib
import pkgutil

import pytest

import minigrad
from minigrad import models, viz
from tests.extras import NEEDED

TOP = [*pkgutil.walk_packages(minigrad.__path__[:1], "minigrad.")]
BESIDE = [
    *pkgutil.walk_packages(models.__path__, "minigrad.models."),
    *pkgutil.walk_packages(viz.__path__, "minigrad.viz."),
]
NAMES = sorted(
    {"minigrad", "minigrad.models", "minigrad.viz", *(m.name for m in [*TOP, *BESIDE])}
    - {"minigrad.__main__"}
)
FINDER = doctest.DocTestFinder(exclude_empty=True)


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name, tmp_path, monkeypatch):
    if name in NEEDED:
        pytest.importorskip(NEEDED[name], reason=f"{NEEDED[name]} is not installed")
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for example in FINDER.find(importlib.import_module(name)):
        runner.run(example)
    assert runner.summarize(verbose=False).failed == 0
