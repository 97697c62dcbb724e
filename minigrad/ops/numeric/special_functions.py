"""Functions of scipy.special: logistic, normal, gamma, Bessel, entropies.

All are ufuncs: SciPy's functions written in Python, such as softmax, ask for plain arrays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.ops.table import dispatched

from .scipy_rows import row, special

ROOT_PI = math.sqrt(math.pi)
DENSITY = 1 / math.sqrt(2 * math.pi)
FAR = 50
"""Where erfcx is as its series at infinity."""


# --- helpers --------------------------------------------------------------------------------------
@dispatched
def polygamma(x: Any, n: int) -> Any:
    """The nth derivative of digamma."""
    return np.asarray(special.polygamma(n, x)).astype(x.dtype)


def _polygamma(g: Any, y: Any, x: Any, n: int = 1) -> Any:
    return g * polygamma(x, n=n + 1)


row(polygamma, _polygamma, says="{g} ⊙ polygamma({x}, {n} + 1)")


# --- logistic -------------------------------------------------------------------------------------
row(
    "expit",
    lambda g, y, x: g * y * special.expit(-x),
    says="{g} ⊙ {y} ⊙ expit(-{x})",
)
row(
    "logit",
    lambda g, y, x: g / (x * (1 - x)),
    says="{g} / ({x} ⊙ (1 - {x}))",
)
row(
    "log_expit",
    lambda g, y, x: g * special.expit(-x),
    says="{g} ⊙ expit(-{x})",
)


# --- the normal distribution ----------------------------------------------------------------------
def _erfcx(g: Any, y: Any, x: Any) -> Any:
    """Far out, where the two terms cancel, by the series at infinity."""
    nearer = np.minimum(x, FAR)
    near = 2 * nearer * special.erfcx(nearer) - 2 / ROOT_PI
    farther = np.maximum(x, FAR)
    square = 1 / (farther * farther)
    far = -square * (1 - 1.5 * square * (1 - 2.5 * square * (1 - 3.5 * square)))
    return g * np.where(x < FAR, near, far / ROOT_PI)


row(
    "erf",
    lambda g, y, x: g * np.exp(-x * x) * (2 / ROOT_PI),
    says="{g} ⊙ exp(-{x}²) ⊙ 2 / sqrt(π)",
)
row(
    "erfc",
    lambda g, y, x: -g * np.exp(-x * x) * (2 / ROOT_PI),
    says="-{g} ⊙ exp(-{x}²) ⊙ 2 / sqrt(π)",
)
row("erfcx", _erfcx, says="{g} ⊙ (2 ⊙ {x} ⊙ {y} - 2 / sqrt(π))")
row(
    "erfi",
    lambda g, y, x: g * np.exp(x * x) * (2 / ROOT_PI),
    says="{g} ⊙ exp({x}²) ⊙ 2 / sqrt(π)",
)
row(
    "erfinv",
    lambda g, y, x: g * np.exp(y * y) * (ROOT_PI / 2),
    says="{g} ⊙ exp({y}²) ⊙ sqrt(π) / 2",
)
row(
    "erfcinv",
    lambda g, y, x: -g * np.exp(y * y) * (ROOT_PI / 2),
    says="-{g} ⊙ exp({y}²) ⊙ sqrt(π) / 2",
)
row(
    "ndtr",
    lambda g, y, x: g * np.exp(-x * x / 2) * DENSITY,
    says="{g} ⊙ exp(-{x}² / 2) / sqrt(2 ⊙ π)",
)
row(
    "ndtri",
    lambda g, y, x: g * np.exp(y * y / 2) / DENSITY,
    says="{g} ⊙ exp({y}² / 2) ⊙ sqrt(2 ⊙ π)",
)
# exp(-x² / 2) / exp(y) in which nothing underflows
row(
    "log_ndtr",
    lambda g, y, x: g / special.erfcx(x * -math.sqrt(0.5)) * math.sqrt(2 / math.pi),
    says="{g} ⊙ exp(-{x}² / 2 - {y}) / sqrt(2 ⊙ π)",
)

# --- gamma and beta -------------------------------------------------------------------------------
for log_gamma in ("gammaln", "loggamma"):
    row(
        log_gamma,
        lambda g, y, x: g * special.psi(x),
        says="{g} ⊙ psi({x})",
    )
row(
    "gamma",
    lambda g, y, x: g * y * special.psi(x),
    says="{g} ⊙ {y} ⊙ psi({x})",
)
row(
    "psi",
    lambda g, y, x: g * polygamma(x, n=1),
    says="{g} ⊙ polygamma({x}, 1)",
)
row(
    "beta",
    lambda g, y, a, b: g * y * (special.psi(a) - special.psi(a + b)),
    lambda g, y, a, b: g * y * (special.psi(b) - special.psi(a + b)),
    says=(
        "{g} ⊙ {y} ⊙ (psi({a}) - psi({a} + {b}))",
        "{g} ⊙ {y} ⊙ (psi({b}) - psi({a} + {b}))",
    ),
)
row(
    "betaln",
    lambda g, y, a, b: g * (special.psi(a) - special.psi(a + b)),
    lambda g, y, a, b: g * (special.psi(b) - special.psi(a + b)),
    says=(
        "{g} ⊙ (psi({a}) - psi({a} + {b}))",
        "{g} ⊙ (psi({b}) - psi({a} + {b}))",
    ),
)


# --- Bessel functions -----------------------------------------------------------------------------
def _halved(y: Any, x: Any) -> Any:
    """y / x, which is 1/2 at 0 for the functions of order 1 (and has no slope there)."""
    at_zero = x == 0
    return np.where(at_zero, 0.5, y / np.where(at_zero, 1, x))


row(
    "j0",
    lambda g, y, x: -g * special.j1(x),
    says="-{g} ⊙ j1({x})",
)
row(
    "j1",
    lambda g, y, x: g * (special.j0(x) - _halved(y, x)),
    says="{g} ⊙ (j0({x}) - {y} / {x})",
)
row(
    "i0",
    lambda g, y, x: g * special.i1(x),
    says="{g} ⊙ i1({x})",
)
row(
    "i1",
    lambda g, y, x: g * (special.i0(x) - _halved(y, x)),
    says="{g} ⊙ (i0({x}) - {y} / {x})",
)
# Those with e are scaled by exp(-abs(x)).
row(
    "i0e",
    lambda g, y, x: g * (special.i1e(x) - np.sign(x) * y),
    says="{g} ⊙ (i1e({x}) - sign({x}) ⊙ {y})",
)
row(
    "i1e",
    lambda g, y, x: g * (special.i0e(x) - _halved(y, x) - np.sign(x) * y),
    says="{g} ⊙ (i0e({x}) - {y} / {x} - sign({x}) ⊙ {y})",
)
row(
    "jv",
    None,
    lambda g, y, v, x: g / 2 * (special.jv(v - 1, x) - special.jv(v + 1, x)),
    says=(None, "{g} / 2 ⊙ (jv({v} - 1, {x}) - jv({v} + 1, {x}))"),
)
row(
    "iv",
    None,
    lambda g, y, v, x: g / 2 * (special.iv(v - 1, x) + special.iv(v + 1, x)),
    says=(None, "{g} / 2 ⊙ (iv({v} - 1, {x}) + iv({v} + 1, {x}))"),
)


# --- entropies ------------------------------------------------------------------------------------
def _quotient(a: Any, b: Any) -> Any:
    """a / b, which is 0 where a is, whatever b is."""
    at_zero = a == 0
    return np.where(at_zero, 0, a / np.where(at_zero, 1, b))


# Where the first operand is 0 the slope by the second is 0, as the function is.
row(
    "xlogy",
    lambda g, y, a, b: g * np.log(b),
    lambda g, y, a, b: g * _quotient(a, b),
    says=("{g} ⊙ log({b})", "{g} ⊙ {a} / {b}"),
)
row(
    "xlog1py",
    lambda g, y, a, b: g * np.log1p(b),
    lambda g, y, a, b: g * _quotient(a, 1 + b),
    says=("{g} ⊙ log1p({b})", "{g} ⊙ {a} / (1 + {b})"),
)
row(
    "entr",
    lambda g, y, x: -g * (np.log(x) + 1),
    says="-{g} ⊙ (log({x}) + 1)",
)
row(
    "rel_entr",
    lambda g, y, a, b: g * (np.log(a / b) + 1),
    lambda g, y, a, b: -g * _quotient(a, b),
    says=("{g} ⊙ (log({a} / {b}) + 1)", "-{g} ⊙ {a} / {b}"),
)
row(
    "kl_div",
    lambda g, y, a, b: g * np.log(a / b),
    lambda g, y, a, b: g * (1 - _quotient(a, b)),
    says=("{g} ⊙ log({a} / {b})", "{g} ⊙ (1 - {a} / {b})"),
)
