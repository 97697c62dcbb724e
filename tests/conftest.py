"""Hypothesis: the same examples on every run (ci, a few of them: brief), or many new ones (nightly)."""

import gc
import os

import pytest
from hypothesis import settings

from minigrad.ops import OPS

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("brief", deadline=None, derandomize=True, max_examples=5)
settings.register_profile("nightly", deadline=None, derandomize=False, max_examples=500)
# the debugger's transcripts are compared without colour, whatever the terminal of the test run says
os.environ.pop("FORCE_COLOR", None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_finish():
    """What was collected stays to the end: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def no_gc_callbacks():
    """Hypothesis listens to the collector, where Python swallows what a handler of signals raises."""
    # in place: the collector holds this very list
    listeners = gc.callbacks.copy()
    gc.callbacks.clear()
    yield
    gc.callbacks.extend(listeners)


@pytest.fixture
def own_operations():
    """What a test declares by ``mg.op`` is gone after it: other tests list the table."""
    before = set(OPS)
    yield
    for fn in OPS.keys() - before:
        del OPS[fn]
