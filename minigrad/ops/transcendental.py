"""Powers, exponentials, logarithms, angles and hyperbolic functions of each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .table import Templates, defvjp

LN2 = float(np.log(2))
LN10 = float(np.log(10))
PI = float(np.pi)
RADIANS_PER_DEGREE = PI / 180
DEGREES_PER_RADIAN = 180 / PI


# --- powers and roots -----------------------------------------------------------------------------
def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    """0 where the exponent is 0, even at a = 0, where a^(b - 1) would be infinite."""
    scaled = g * b
    both_zero = (a == 0) & (b == 0)
    exponent = np.where(both_zero, 1, b - 1)
    return scaled * np.power(a, exponent)


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """0 at a = 0, where the logarithm would be infinite."""
    return g * y * np.log(np.where(a == 0, 1, a))


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
    lambda g, y, x: g / (3 * y * y),
    says="{g} / (3 ⊙ {y}²)",
)
# At the origin, where the slope depends on the direction, it is 0.
defvjp(
    np.hypot,
    lambda g, y, a, b: g * a / np.where(y == 0, 1, y),
    lambda g, y, a, b: g * b / np.where(y == 0, 1, y),
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
    lambda g, y, x: g * (y + 1),
    says="{g} ⊙ ({y} + 1)",
)
defvjp(
    np.log,
    lambda g, y, x: g / x,
    says="{g} / {x}",
)
defvjp(
    np.log2,
    lambda g, y, x: g / (x * LN2),
    says="{g} / ({x} ⊙ log(2))",
)
defvjp(
    np.log10,
    lambda g, y, x: g / (x * LN10),
    says="{g} / ({x} ⊙ log(10))",
)
defvjp(
    np.log1p,
    lambda g, y, x: g / (1 + x),
    says="{g} / (1 + {x})",
)
defvjp(
    np.logaddexp,
    lambda g, y, a, b: g * np.exp(a - y),
    lambda g, y, a, b: g * np.exp(b - y),
    says=("{g} ⊙ exp({a} - {y})", "{g} ⊙ exp({b} - {y})"),
)
defvjp(
    np.logaddexp2,
    lambda g, y, a, b: g * np.exp2(a - y),
    lambda g, y, a, b: g * np.exp2(b - y),
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
defvjp(
    np.arcsin,
    lambda g, y, x: g / np.sqrt(1 - x * x),
    says="{g} / sqrt(1 - {x}²)",
)
defvjp(
    np.arccos,
    lambda g, y, x: -g / np.sqrt(1 - x * x),
    says="-{g} / sqrt(1 - {x}²)",
)
defvjp(
    np.arctan,
    lambda g, y, x: g / (1 + x * x),
    says="{g} / (1 + {x}²)",
)
defvjp(
    np.arctan2,
    lambda g, y, a, b: g * b / (a * a + b * b),
    lambda g, y, a, b: -g * a / (a * a + b * b),
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
    """At 0 the slope is 0 and its own slope -π²/3, which a plain 0 there would lose."""
    nonzero = np.where(x == 0, 1, x)
    at_zero = x == 0
    near_zero = x * (-PI * PI / 3)
    elsewhere = (np.cos(PI * x) - y) / nonzero
    return g * np.where(at_zero, near_zero, elsewhere)


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
    lambda g, y, x: g / np.sqrt(x * x + 1),
    says="{g} / sqrt({x}² + 1)",
)
defvjp(
    np.arccosh,
    lambda g, y, x: g / np.sqrt(x * x - 1),
    says="{g} / sqrt({x}² - 1)",
)
defvjp(
    np.arctanh,
    lambda g, y, x: g / (1 - x * x),
    says="{g} / (1 - {x}²)",
)
