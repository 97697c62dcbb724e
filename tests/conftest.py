"""What the tests share: the same hypothesis examples on every run, and central differences."""

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("minigrad", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("minigrad")


def _slope(f, x, eps=1e-3):
    """df/dx for every element of x, by central differences of fourth order."""
    out = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[i] = eps
        out[i] = (8 * (f(x + e) - f(x - e)) - f(x + 2 * e) + f(x - 2 * e)) / (12 * eps)
    return out


@pytest.fixture(scope="session")
def slope():
    return _slope
