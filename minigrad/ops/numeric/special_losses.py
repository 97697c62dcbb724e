"""Exponentials, powers and losses of scipy.special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.ops import transcendental  # noqa: F401  (fills the rows that are read here)
from minigrad.ops.table import OPS, op_name

from .scipy_rows import row, special

# SciPy has ufuncs of its own for these.
for fn in (np.expm1, np.log1p, np.cbrt, np.exp2):
    op = OPS[fn]
    row(op_name(fn), *op.rules, says=op.says)


# --- exponentials and powers ----------------------------------------------------------------------
def _exprel(g: Any, y: Any, x: Any) -> Any:
    """(exp(x) - y) / x; near 0, where that cancels, the series 1/2 + x/3 + x²/8 ..."""
    near = np.absolute(x) < NEAR
    small = np.where(near, x, 0)
    series: Any = 0
    for coefficient in EXPREL_SERIES:
        series = series * small + coefficient
    far = np.where(near, 1, x)
    return g * np.where(near, series, (np.exp(far) - special.exprel(far)) / far)


NEAR = 0.5
# n / (n + 1)! for n = 14 ... 1, the highest power first: the slope of the series of exprel
EXPREL_SERIES = [n / math.factorial(n + 1) for n in range(14, 0, -1)]

row("exprel", _exprel, says="{g} ⊙ (exp({x}) - {y}) / {x}")


def _boxcox_exponent(g: Any, y: Any, x: Any, k: Any) -> Any:
    """The slope by the exponent of (x^k - 1) / k, with z = k log(x): log(x)² times exprel'(z)."""
    log = np.log(x)
    return _exprel(g * log * log, special.exprel(k * log), k * log)


row(
    "boxcox",
    lambda g, y, x, k: g * np.power(x, k - 1),
    _boxcox_exponent,
    says=(
        "{g} ⊙ {x}^({k} - 1)",
        "{g} ⊙ (log({x}) ⊙ {x}^{k} - {y}) / {k}",
    ),
)

# --- losses ---------------------------------------------------------------------------------------
# The first operand is where the quadratic part ends.
row(
    "huber",
    lambda g, y, d, r: g * np.maximum(np.absolute(r) - d, 0),
    lambda g, y, d, r: g * np.clip(r, -d, d),
    says=("{g} ⊙ maximum(abs({r}) - {d}, 0)", "{g} ⊙ clip({r}, -{d}, {d})"),
)
row(
    "pseudo_huber",
    lambda g, y, d, r: g * (2 * y / d - r * r / (d * np.hypot(1, r / d))),
    lambda g, y, d, r: g * r / np.hypot(1, r / d),
    says=(
        "{g} ⊙ (2 ⊙ {y} / {d} - {r}² / ({d} ⊙ hypot(1, {r} / {d})))",
        "{g} ⊙ {r} / hypot(1, {r} / {d})",
    ),
)
