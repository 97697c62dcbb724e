"""VJPs of the rest of NumPy's elementwise functions: roots, logarithms, trigonometry, remainders."""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementwise import POWER, share
from .table import COMPOSED, OPS, defvjp

LN2, LN10, PI = float(np.log(2)), float(np.log(10)), float(np.pi)

defvjp(np.float_power, *POWER)
for remainder in (
    np.remainder,
    np.fmod,
):  # the quotient that NumPy took: a / b itself may round across a whole number
    defvjp(remainder, lambda g, y, a, b: g, lambda g, y, a, b: -g * np.rint((a - y) / b))
defvjp(np.reciprocal, lambda g, y, x: -g * y * y)
defvjp(np.cbrt, lambda g, y, x: g / (3 * y * y))
defvjp(np.fabs, lambda g, y, x: g * np.sign(x))
defvjp(np.exp2, lambda g, y, x: g * y * LN2)
defvjp(np.expm1, lambda g, y, x: g * (y + 1))
defvjp(np.log2, lambda g, y, x: g / (x * LN2))
defvjp(np.log10, lambda g, y, x: g / (x * LN10))
defvjp(np.log1p, lambda g, y, x: g / (1 + x))
defvjp(np.logaddexp, lambda g, y, a, b: g * np.exp(a - y), lambda g, y, a, b: g * np.exp(b - y))
defvjp(np.logaddexp2, lambda g, y, a, b: g * np.exp2(a - y), lambda g, y, a, b: g * np.exp2(b - y))
defvjp(np.tan, lambda g, y, x: g * (1 + y * y))
defvjp(np.arcsin, lambda g, y, x: g / np.sqrt(1 - x * x))
defvjp(np.arccos, lambda g, y, x: -g / np.sqrt(1 - x * x))
defvjp(np.arctan, lambda g, y, x: g / (1 + x * x))
defvjp(
    np.arctan2,
    lambda g, y, a, b: g * b / (a * a + b * b),
    lambda g, y, a, b: -g * a / (a * a + b * b),
)
defvjp(
    np.hypot,  # 0 at the origin
    lambda g, y, a, b: g * a / np.where(y == 0, 1, y),
    lambda g, y, a, b: g * b / np.where(y == 0, 1, y),
)
defvjp(np.sinh, lambda g, y, x: g * np.cosh(x))
defvjp(np.cosh, lambda g, y, x: g * np.sinh(x))
defvjp(np.arcsinh, lambda g, y, x: g / np.sqrt(x * x + 1))
defvjp(np.arccosh, lambda g, y, x: g / np.sqrt(x * x - 1))
defvjp(np.arctanh, lambda g, y, x: g / (1 - x * x))
for fn in (np.deg2rad, np.radians):
    defvjp(fn, lambda g, y, x: g * (PI / 180))
for back in (np.rad2deg, np.degrees):
    defvjp(back, lambda g, y, x: g * (180 / PI))
for wins in (np.fmax, np.fmin):
    defvjp(wins, share, lambda g, y, a, b: share(g, y, b, a))


def _sinc(g: Any, y: Any, x: Any) -> Any:
    """At 0 the slope is 0 and its own slope -pi^2/3, which a plain 0 there would lose."""
    beside = np.where(x == 0, 1, x)
    return g * np.where(x == 0, x * (-PI * PI / 3), (np.cos(PI * x) - y) / beside)


defvjp(np.sinc, _sinc)
defvjp(np.copysign, lambda g, y, a, b: np.where(np.signbit(b), -g, g) * np.sign(a), None)
defvjp(np.heaviside, None, lambda g, y, a, b: np.where(a == 0, g, 0))
defvjp(
    np.nan_to_num,
    lambda g, y, x, nan=0.0, posinf=None, neginf=None: np.where(np.isfinite(x), g, 0),
)


# --- methods --------------------------------------------------------------------------------------------------------
def _outer(fn: np.ufunc) -> Any:
    def outer(a: Any, b: Any) -> Any:
        return fn(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)

    return outer


def _reduce(fn: Any) -> Any:
    def reduce(array: Any, axis: Any = 0, keepdims: bool = False) -> Any:
        return fn(array, axis=axis, keepdims=keepdims)

    return reduce


def _accumulate(fn: Any) -> Any:
    def accumulate(array: Any, axis: int = 0) -> Any:
        return fn(array, axis=axis)

    return accumulate


REDUCTIONS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
COMPOSED |= {fn.reduce: _reduce(as_) for fn, as_ in REDUCTIONS.items()}
COMPOSED |= {
    np.add.accumulate: _accumulate(np.cumsum),
    np.multiply.accumulate: _accumulate(np.cumprod),
}
COMPOSED |= {
    fn.outer: _outer(fn)
    for fn, op in OPS.items()
    if isinstance(fn, np.ufunc) and fn.nin == 2 and fn.signature is None and any(op.rules)
}
