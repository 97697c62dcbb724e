"""Elementwise functions that are made of several ONNX nodes."""

from __future__ import annotations

import numpy as np

from .numbers import Elementwise, common, floating, number
from .written import BOOL, INT64, Graph, Value


def divide(
    g: Graph,
    x: Value,
    y: Value,
) -> Value:
    """np.divide."""
    x, y = common(g, x, y)
    return g.each("Div", floating(g, x), floating(g, y))


def remainder(
    g: Graph,
    x: Value,
    y: Value,
) -> Value:
    """np.remainder."""
    x, y = common(g, x, y)
    if x.dtype.kind != "f":
        return g.each("Mod", x, y)
    rest = g.each("Mod", x, y, fmod=1)
    # with the sign of y, where fmod has that of x
    zero = number(g, 0, x)
    differs = g.each(
        "Less", g.each("Mul", g.each("Sign", rest), g.each("Sign", y)), zero, dtype=BOOL
    )
    return g.each("Where", differs, g.each("Add", rest, y), rest)


def floor_divide(
    g: Graph,
    x: Value,
    y: Value,
) -> Value:
    """np.floor_divide."""
    x, y = common(g, x, y)
    rest = remainder(g, x, y)
    quotient = g.each("Div", g.each("Sub", x, rest), y)
    return g.each("Round", quotient) if x.dtype.kind == "f" else quotient


def square(
    g: Graph,
    x: Value,
) -> Value:
    """np.square."""
    (x,) = common(g, x)
    return g.each("Mul", x, x)


def exp2(
    g: Graph,
    x: Value,
) -> Value:
    """np.exp2."""
    x = floating(g, x)
    return g.each("Pow", number(g, 2, x), x)


def expm1(
    g: Graph,
    x: Value,
) -> Value:
    """np.expm1."""
    # exp(x) - 1 without the difference, which is nothing but rounding near 0
    x = floating(g, x)
    half = g.each("Tanh", g.each("Mul", x, number(g, 0.5, x)))
    return g.each("Mul", half, g.each("Add", g.each("Exp", x), number(g, 1, x)))


def log1p(
    g: Graph,
    x: Value,
) -> Value:
    """np.log1p."""
    x = floating(g, x)
    one = number(g, 1, x)
    u = g.each("Add", x, one)
    # what 1 + x lost, in first order
    lost = g.each("Sub", x, g.each("Sub", u, one))
    is_huge = g.each("Less", number(g, 1e6, x), x, dtype=BOOL)
    correction = g.each("Div", lost, u)
    near_zero = g.each("Equal", u, one, dtype=BOOL)
    y = g.each("Add", g.each("Log", u), g.each("Where", is_huge, number(g, 0, x), correction))
    return g.each("Where", near_zero, x, y)


def cbrt(
    g: Graph,
    x: Value,
) -> Value:
    """np.cbrt."""
    x = floating(g, x)
    root = g.each("Pow", g.each("Abs", x), number(g, 1 / 3, x))
    return g.each("Mul", g.each("Sign", x), root)


def hypot(
    g: Graph,
    x: Value,
    y: Value,
) -> Value:
    """np.hypot, without overflow."""
    x, y = common(g, x, y)
    x, y = g.each("Abs", x), g.each("Abs", y)
    larger, smaller = g.each("Max", x, y), g.each("Min", x, y)
    one, zero = number(g, 1, x), number(g, 0, x)
    is_zero = g.each("Equal", larger, zero, dtype=BOOL)
    ratio = g.each("Div", smaller, g.each("Where", is_zero, one, larger))
    root = g.each("Sqrt", g.each("Add", one, g.each("Mul", ratio, ratio)))
    return g.each("Mul", larger, root)


def logaddexp(
    g: Graph,
    x: Value,
    y: Value,
) -> Value:
    """np.logaddexp, without overflow."""
    x, y = common(g, x, y)
    # of equal operands too, infinite ones among them
    gap = g.each("Abs", g.each("Sub", x, y))
    gap = g.each("Where", g.each("Equal", x, y, dtype=BOOL), number(g, 0, x), gap)
    return g.each("Add", g.each("Max", x, y), log1p(g, g.each("Exp", g.each("Neg", gap))))


def where(
    g: Graph,
    condition: Value,
    x: Value,
    y: Value,
) -> Value:
    """np.where."""
    x, y = common(g, x, y)
    condition = g.cast(condition, bool)
    if x.dtype != bool:
        return g.each("Where", condition, x, y)
    numbers = g.each("Where", condition, g.cast(x, INT64), g.cast(y, INT64))
    return g.cast(numbers, bool)


def isnan(
    g: Graph,
    x: Value,
) -> Value:
    """np.isnan."""
    return g.each("IsNaN", floating(g, x), dtype=BOOL)


def isfinite(
    g: Graph,
    x: Value,
) -> Value:
    """np.isfinite."""
    size = g.each("Abs", floating(g, x))
    return g.each("Less", size, number(g, np.inf, size), dtype=BOOL)


def isinf(
    g: Graph,
    x: Value,
) -> Value:
    """np.isinf."""
    size = g.each("Abs", floating(g, x))
    return g.each("Equal", size, number(g, np.inf, size), dtype=BOOL)


def of_numbers(of: str) -> Elementwise:
    """The larger or the smaller; of a number and no number the number."""

    def write(
        g: Graph,
        x: Value,
        y: Value,
    ) -> Value:
        x, y = common(g, x, y)
        if x.dtype.kind != "f":
            return g.each(of, x, y)
        is_none = [g.each("IsNaN", operand, dtype=BOOL) for operand in (x, y)]
        return g.each(of, g.each("Where", is_none[0], y, x), g.each("Where", is_none[1], x, y))

    return write


def relu(
    g: Graph,
    x: Value,
) -> Value:
    """max(x, 0)."""
    return g.each("Max", *common(g, x, number(g, 0, x)))
