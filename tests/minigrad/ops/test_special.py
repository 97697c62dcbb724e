"""scipy.special at the edges, where its formulas would overflow or cancel."""

import math
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import UnsupportedError

special = pytest.importorskip("scipy.special", reason="the extra scipy is not installed")

# function, place, slope: limits and series by hand
EDGES = [
    ("expit", 40.0, math.exp(-40)),
    ("expit", -800.0, 0.0),
    ("log_expit", -800.0, 1.0),
    ("log_ndtr", -1e4, 1e4 * (1 + 1e-8)),
    ("log_ndtr", 50.0, 0.0),
    ("erfcx", 1e6, -1 / math.sqrt(math.pi) * 1e-12),
    ("exprel", 0.0, 0.5),
    ("exprel", 1e-9, 0.5 + 1e-9 / 3),
    ("j1", 0.0, 0.5),
    ("i1", 0.0, 0.5),
    ("gammaln", 1.0, -0.5772156649015329),
    ("loggamma", 1e10, math.log(1e10)),
]


@pytest.mark.parametrize(("name", "x", "slope"), EDGES)
def test_slopes_at_the_edges(name, x, slope):
    t = mg.tensor(x, requires_grad=True)
    y = getattr(special, name)(t)
    np.testing.assert_allclose(mg.grad(y, [t])[0].data, slope, rtol=1e-10)


def test_nothing_times_a_logarithm_is_nothing():
    a = mg.tensor([0.0, 2.0], requires_grad=True)
    b = mg.tensor([0.0, 4.0], requires_grad=True)
    g = mg.grad(np.sum(special.xlogy(a, b)), [b])[0]
    np.testing.assert_array_equal(g.data, [0.0, 0.5])


def test_what_has_no_row_is_refused_by_its_own_name():
    x = mg.tensor([0.5], requires_grad=True, name="x")
    with pytest.raises(UnsupportedError, match=re.escape("scipy.special.airy: 'x' needs a grad")):
        special.airy(x)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_what_is_written_for_plain_arrays_says_so_and_what_stands_for_it(name):
    x = mg.tensor([0.5, 1.0], requires_grad=True, name="x")
    with pytest.raises(UnsupportedError) as caught:
        getattr(special, name)(x)
    assert str(caught.value).startswith(f"scipy.special.{name}: 'x' needs a gradient")
    assert f"minigrad.{name} has a gradient" in str(caught.value)
    np.testing.assert_allclose(getattr(mg, name)(x).data, getattr(special, name)(x.data))
