"""sigmoid far from 0: a few units in the last place at every exponent, eager and in a plan."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

import minigrad as mg

MAX_UNITS = 2


def at_every_exponent(dtype):
    form = np.finfo(dtype)
    exponents = range(int(form.minexp) - form.nmant, int(form.maxexp))
    numbers = [np.ldexp(m, e) for e in exponents for m in (1, 1.3, 1.7)]
    return dtype([sign * x for x in numbers if x <= form.max for sign in (1, -1)])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_exponent(dtype):
    x = at_every_exponent(dtype)
    with np.errstate(all="raise", under="ignore"):
        eager = mg.sigmoid(x)
        (planned,) = mg.compile(mg.Tape.of(mg.sigmoid(mg.tensor(x, name="x"))))()
    np.testing.assert_array_equal(planned, eager)
    with localcontext() as context:
        context.prec, context.Emin = 30, -999_999
        # below, 0 is nearest in any of the formats
        exact = [1 / (1 + Decimal(-v).exp()) if v > -1e4 else Decimal(0) for v in x.tolist()]
        for found, true in zip(eager.tolist(), exact, strict=True):
            unit = Decimal(float(np.spacing(dtype(float(true)))))
            assert abs(Decimal(found) - true) <= MAX_UNITS * unit


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_no_number(dtype):
    x = dtype([np.nan, np.inf, -np.inf])
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_array_equal(mg.sigmoid(x), dtype([np.nan, 1, 0]))
        plan = mg.compile(mg.Tape.of(mg.sigmoid(mg.tensor(x))))
        np.testing.assert_array_equal(plan()[0], dtype([np.nan, 1, 0]))


def test_its_gradient_far_from_0():
    x = mg.tensor(-40.0, requires_grad=True)
    mg.sigmoid(x).backward()
    assert x.grad == pytest.approx(np.exp(-40), rel=1e-14)
