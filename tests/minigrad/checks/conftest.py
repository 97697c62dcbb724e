"""Fixtures of the tests of checks."""

import numpy as np
import pytest

from minigrad.ops import OPS, defvjp, dispatched


@pytest.fixture
def silent_numpy():
    """NumPy's warnings are not the subject."""
    with np.errstate(all="ignore"):
        yield


@pytest.fixture
def double():
    """A private op, 2 x, whose rule each test gives; forgotten afterwards."""

    @dispatched
    def double(x):
        return 2 * x

    def define(rule):
        defvjp(double, rule)
        return double

    yield define
    OPS.pop(double, None)
