"""Powers, exponentials, logarithms, angles and hyperbolic functions of each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .table import Rule, Templates, defvjp

LN2 = float(np.log(2))
LN10 = float(np.log(10))
PI = float(np.pi)
RADIANS_PER_DEGREE = PI / 180
DEGREES_PER_RADIAN = 180 / PI
SINC_TERMS = 11
"""The next one is 1e-17 of the sum where the series is used."""


# --- powers and roots -----------------------------------------------------------------------------
def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    """0 where the exponent is 0, even about a = 0, where a^(b - 1) would be infinite."""
    scaled = g * b
    smallest = np.finfo(y.dtype).smallest_normal
    both_zero = (np.absolute(a) < smallest) & (b == 0)
    exponent = np.where(both_zero, 1, b - 1)
    return scaled * np.power(a, exponent)


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """0 where y is, and at 0^0: there the logarithm would be infinite."""
    both_zero = (a == 0) & (b == 0)
    flat = both_zero | (y == 0)
    return g * y * np.log(np.where(flat, 1, a))


def _power_says(n: Any) -> Templates:
    """With a plain number for exponent, ``2 ⊙ x ⊙ g``."""
    exponent = n.inputs[1]
    by_exponent = "{g} ⊙ {y} ⊙ log({a})"
    unnamed_leaf = exponent.fn is None and exponent.name is None
    if not unnamed_leaf or exponent.size != 1 or exponent.requires_grad:
        return "{g} ⊙ {b} ⊙ {a}^({b} - 1)", by_exponent
    k = exponent.data.item()
    return f"{k:.4g} ⊙ {{a}}{_raised(k - 1)} ⊙ {{g}}", by_exponent


def _raised(exponent: float) -> str:
    """An exponent as it is written behind a letter: not at all if 1, bare if positive."""
    if exponent == 1:
        return ""
    if exponent > 0:
        return f"^{exponent:.4g}"
    return f"^({exponent:.4g})"


for power in (np.power, np.float_power):
    defvjp(power, _power_base, _power_exponent, says=_power_says)
defvjp(
    np.square,
    lambda g, y, x: g * 2 * x,
    says="2 ⊙ {x} ⊙ {g}",
)
defvjp(
    np.sqrt,
    lambda g, y, x: g / (2 * y),
    says="{g} / (2 ⊙ {y})",
)
defvjp(
    np.cbrt,
    lambda g, y, x: g / (3 * y) / y,
    says="{g} / (3 ⊙ {y}²)",
)


def _cosine(a: Any, y: Any) -> Any:
    """a / y. At the origin, where the slope depends on the direction, it is 0."""
    infinite = np.isinf(a)
    magnitude = np.where((y == 0) | infinite, 1, y)
    return np.where(infinite, np.sign(a), a) / magnitude


defvjp(
    np.hypot,
    lambda g, y, a, b: g * _cosine(a, y),
    lambda g, y, a, b: g * _cosine(b, y),
    says=("{g} ⊙ {a} / {y}", "{g} ⊙ {b} / {y}"),
)

# --- exponentials ---------------------------------------------------------------------------------
defvjp(
    np.exp,
    lambda g, y, x: g * y,
    says="{g} ⊙ {y}",
)
defvjp(
    np.exp2,
    lambda g, y, x: g * y * LN2,
    says="{g} ⊙ {y} ⊙ log(2)",
)
defvjp(
    np.expm1,
    lambda g, y, x: g * np.exp(x),
    says="{g} ⊙ exp({x})",
)
defvjp(
    np.log,
    lambda g, y, x: g / x,
    says="{g} / {x}",
)
defvjp(
    np.log2,
    lambda g, y, x: g / LN2 / x,
    says="{g} / ({x} ⊙ log(2))",
)
defvjp(
    np.log10,
    lambda g, y, x: g / LN10 / x,
    says="{g} / ({x} ⊙ log(10))",
)
defvjp(
    np.log1p,
    lambda g, y, x: g / (1 + x),
    says="{g} / (1 + {x})",
)


def _weights(log_sum: Any, exp: Any) -> tuple[Rule, Rule]:
    """The rules of a logaddexp: what each operand weighs in the sum, 1 / (1 + exp(other - own)).

    That is exp(own - y), but where both are large y is one of them to the last digit. Of two equal
    infinities each weighs half.
    """

    def weight(own: Any, other: Any) -> Any:
        both_infinite = np.isinf(own) & (own == other)
        own = np.where(both_infinite, 0, own)
        other = np.where(both_infinite, 0, other)
        return exp(-log_sum(0, other - own))

    return (
        lambda g, y, a, b: g * weight(a, b),
        lambda g, y, a, b: g * weight(b, a),
    )


defvjp(
    np.logaddexp,
    *_weights(np.logaddexp, np.exp),
    says=("{g} ⊙ exp({a} - {y})", "{g} ⊙ exp({b} - {y})"),
)
defvjp(
    np.logaddexp2,
    *_weights(np.logaddexp2, np.exp2),
    says=("{g} ⊙ exp2({a} - {y})", "{g} ⊙ exp2({b} - {y})"),
)

# --- angles ---------------------------------------------------------------------------------------
defvjp(
    np.sin,
    lambda g, y, x: g * np.cos(x),
    says="{g} ⊙ cos({x})",
)
defvjp(
    np.cos,
    lambda g, y, x: -g * np.sin(x),
    says="-{g} ⊙ sin({x})",
)
defvjp(
    np.tan,
    lambda g, y, x: g * (1 + y * y),
    says="{g} ⊙ (1 + {y}²)",
)
# 1 - x² and x² - 1 are products: a square near 1 would lose digits, and a large one overflow.
defvjp(
    np.arcsin,
    lambda g, y, x: g / np.sqrt((1 - x) * (1 + x)),
    says="{g} / sqrt(1 - {x}²)",
)
defvjp(
    np.arccos,
    lambda g, y, x: -g / np.sqrt((1 - x) * (1 + x)),
    says="-{g} / sqrt(1 - {x}²)",
)
defvjp(
    np.arctan,
    lambda g, y, x: g / (1 + x * x),
    says="{g} / (1 + {x}²)",
)


def _over_square(a: Any, b: Any) -> Any:
    """a / (a² + b²), 0 where one of them is infinite."""
    length = np.hypot(a, b)
    a = np.where(np.isinf(length), 0, a)
    return a / length / length


defvjp(
    np.arctan2,
    lambda g, y, a, b: g * _over_square(b, a),
    lambda g, y, a, b: -g * _over_square(a, b),
    says=("{g} ⊙ {b} / ({a}² + {b}²)", "-{g} ⊙ {a} / ({a}² + {b}²)"),
)
for to_radians in (np.deg2rad, np.radians):
    defvjp(
        to_radians,
        lambda g, y, x: g * RADIANS_PER_DEGREE,
        says="{g} ⊙ π / 180",
    )
for to_degrees in (np.rad2deg, np.degrees):
    defvjp(
        to_degrees,
        lambda g, y, x: g * DEGREES_PER_RADIAN,
        says="{g} ⊙ 180 / π",
    )


def _sinc(g: Any, y: Any, x: Any) -> Any:
    """Between -1/2 and 1/2, where the two terms cancel, the first terms of the Taylor series."""
    near = np.absolute(x) < 0.5
    small = np.where(near, x, 0)
    square = np.square(PI * small)
    series: Any = 1
    for k in reversed(range(1, SINC_TERMS)):
        series = 1 - square * series / (2 * k * (2 * k + 3))
    near_zero = small * series * (-PI * PI / 3)
    elsewhere = (np.cos(PI * x) - y) / np.where(near, 1, x)
    return g * np.where(near, near_zero, elsewhere)


defvjp(np.sinc, _sinc, says="{g} ⊙ (cos(π ⊙ {x}) - {y}) / {x}")

# --- hyperbolic functions -------------------------------------------------------------------------
defvjp(
    np.sinh,
    lambda g, y, x: g * np.cosh(x),
    says="{g} ⊙ cosh({x})",
)
defvjp(
    np.cosh,
    lambda g, y, x: g * np.sinh(x),
    says="{g} ⊙ sinh({x})",
)
defvjp(
    np.tanh,
    lambda g, y, x: g * (1 - y * y),
    says="{g} ⊙ (1 - {y}²)",
)
defvjp(
    np.arcsinh,
    lambda g, y, x: g / np.hypot(x, 1),
    says="{g} / sqrt({x}² + 1)",
)
defvjp(
    np.arccosh,
    lambda g, y, x: g / np.sqrt(x - 1) / np.sqrt(x + 1),
    says="{g} / sqrt({x}² - 1)",
)
defvjp(
    np.arctanh,
    lambda g, y, x: g / ((1 - x) * (1 + x)),
    says="{g} / (1 - {x}²)",
)
