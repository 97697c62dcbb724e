"""The rows of scipy.special: none where SciPy is not installed."""

import importlib.util

import numpy as np
from hypothesis import strategies as st

from tests.minigrad.ops.strategies import each, numbers, together


@st.composite
def positive_pair(draw, fn):
    return fn, numbers(draw, (2,), (2,), positive=True)


def rows():
    from scipy import special

    from minigrad.ops.numeric.scipy_rows import entered
    from minigrad.ops.numeric.special_functions import polygamma

    assert entered(special.expit)

    def inside(fn):
        """fn at 0.1 ... 0.9."""
        return lambda x: fn(0.5 + 0.4 * np.tanh(x))

    def of_order(fn):
        return lambda x: fn(np.full((2,), 2.5, x.dtype), x * x)

    vector = (2,)
    everywhere = [
        *(special.expit, special.log_expit, special.erf, special.erfc, special.erfcx, special.erfi),
        *(special.ndtr, special.log_ndtr, special.j0, special.j1, special.i0, special.i1),
        *(special.i0e, special.i1e, special.expm1, special.cbrt, special.exp2, special.exprel),
    ]
    positive = [
        *(special.gammaln, special.loggamma, special.gamma, special.psi, special.entr),
        special.log1p,
    ]
    of_share = [special.logit, special.ndtri, special.erfinv, special.erfcinv]
    of_two = [
        *(special.beta, special.betaln, special.xlogy, special.xlog1py, special.rel_entr),
        *(special.kl_div, special.boxcox, special.pseudo_huber),
    ]
    return [
        *((fn, "", together(fn, vector)) for fn in everywhere),
        *((fn, "", each(fn, positive=True)) for fn in positive),
        *((fn, "", together(inside(fn), vector)) for fn in of_share),
        *((fn, "", positive_pair(fn)) for fn in of_two),
        *((fn, "", together(of_order(fn), vector)) for fn in (special.jv, special.iv)),
        (
            special.huber,
            "",
            together(lambda d, r: special.huber(d * d + 0.1, r * 9), *[vector] * 2),
        ),
        (polygamma, "", each(lambda x: polygamma(x, n=1), positive=True)),
    ]


SPECIAL = rows() if importlib.util.find_spec("scipy") else []
