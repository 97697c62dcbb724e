"""Exponentials, logarithms, angles and hyperbolic functions of each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .table import defvjp

LN2 = float(np.log(2))
LN10 = float(np.log(10))
PI = float(np.pi)
RADIANS_PER_DEGREE = PI / 180
DEGREES_PER_RADIAN = 180 / PI

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
