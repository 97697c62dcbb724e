"""Exponentials, powers and losses of scipy.special; imported with special.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from minigrad.ops.table import OPS, defvjp

# SciPy has ufuncs of its own for these.
for of_scipy, of_numpy in (
    (special.expm1, np.expm1),
    (special.log1p, np.log1p),
    (special.cbrt, np.cbrt),
    (special.exp2, np.exp2),
):
    row = OPS[of_numpy]
    defvjp(of_scipy, *row.rules, says=row.says)


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
EXPREL_SERIES = [n / float(special.factorial(n + 1)) for n in range(14, 0, -1)]

defvjp(special.exprel, _exprel, says="{g} ⊙ (exp({x}) - {y}) / {x}")


def _boxcox_exponent(g: Any, y: Any, x: Any, k: Any) -> Any:
    """The slope by the exponent of (x^k - 1) / k, with z = k log(x): log(x)² times exprel'(z)."""
    log = np.log(x)
    return _exprel(g * log * log, special.exprel(k * log), k * log)


defvjp(
    special.boxcox,
    lambda g, y, x, k: g * np.power(x, k - 1),
    _boxcox_exponent,
    says=(
        "{g} ⊙ {x}^({k} - 1)",
        "{g} ⊙ (log({x}) ⊙ {x}^{k} - {y}) / {k}",
    ),
)

# --- losses ---------------------------------------------------------------------------------------
# The first operand is where the quadratic part ends.
defvjp(
    special.huber,
    lambda g, y, d, r: g * np.maximum(np.absolute(r) - d, 0),
    lambda g, y, d, r: g * np.clip(r, -d, d),
    says=("{g} ⊙ maximum(abs({r}) - {d}, 0)", "{g} ⊙ clip({r}, -{d}, {d})"),
)
defvjp(
    special.pseudo_huber,
    lambda g, y, d, r: g * (2 * y / d - r * r / (d * np.hypot(1, r / d))),
    lambda g, y, d, r: g * r / np.hypot(1, r / d),
    says=(
        "{g} ⊙ (2 ⊙ {y} / {d} - {r}² / ({d} ⊙ hypot(1, {r} / {d})))",
        "{g} ⊙ {r} / hypot(1, {r} / {d})",
    ),
)
