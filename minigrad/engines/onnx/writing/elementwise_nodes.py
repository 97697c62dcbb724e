"""Elementwise functions as ONNX nodes: they broadcast, so they do many rows at once, too."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from minigrad.compiler import primitives
from minigrad.ops import activations, elementwise

from .written import BOOL, INT64, Graph, Value

Elementwise = Callable[..., Value]
# onnxruntime computes integers in these
MIN_INT_BYTES = 4


def floating(g: Graph, x: Value) -> Value:
    """As floats: NumPy computes what is no float in float64."""
    return x if x.dtype.kind == "f" else g.cast(x, np.float64)


def common(g: Graph, *xs: Value) -> list[Value]:
    """All in the dtype that NumPy computes in; narrow integers in int64."""
    dtype = np.result_type(*[x.dtype for x in xs])
    if dtype.kind == "u" or (dtype.kind == "i" and dtype.itemsize < MIN_INT_BYTES):
        dtype = INT64
    return [g.cast(x, dtype) for x in xs]


# --- kinds of functions ---------------------------------------------------------------------------
def _unary(op: str) -> Elementwise:
    return lambda g, x: g.each(op, *common(g, x))


def _of_floats(op: str) -> Elementwise:
    return lambda g, x: g.each(op, floating(g, x))


def _joined(op: str) -> Elementwise:
    """Of two operands or more, one after another."""

    def of(g: Graph, *xs: Value) -> Value:
        return reduce(lambda x, y: g.each(op, x, y), common(g, *xs))

    return of


def _compared(op: str) -> Elementwise:
    def of(g: Graph, x: Value, y: Value) -> Value:
        x, y = common(g, x, y)
        if x.dtype == bool:
            x, y = g.cast(x, INT64), g.cast(y, INT64)
        return g.each(op, x, y, dtype=BOOL)

    return of


def _logical(op: str) -> Elementwise:
    def of(g: Graph, *xs: Value) -> Value:
        return g.each(op, *[g.cast(x, bool) for x in xs])

    return of


def _bitwise(of_bools: str, of_integers: str) -> Elementwise:
    def of(g: Graph, *xs: Value) -> Value:
        xs = tuple(common(g, *xs))
        return g.each(of_bools if xs[0].dtype == bool else of_integers, *xs)

    return of


def number(g: Graph, x: float, like: Value) -> Value:
    """A number in the dtype of a value."""
    return g.constant(x, like.dtype)


def _scaled(factor: float) -> Elementwise:
    def of(g: Graph, x: Value) -> Value:
        x = floating(g, x)
        return g.each("Mul", x, number(g, factor, x))

    return of


def _logarithm(base: float) -> Elementwise:
    def of(g: Graph, x: Value) -> Value:
        y = g.each("Log", floating(g, x))
        return g.each("Div", y, number(g, np.log(base), y))

    return of


# --- single functions -----------------------------------------------------------------------------
def _divide(g: Graph, x: Value, y: Value) -> Value:
    x, y = common(g, x, y)
    return g.each("Div", floating(g, x), floating(g, y))


def _remainder(g: Graph, x: Value, y: Value) -> Value:
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


def _floor_divide(g: Graph, x: Value, y: Value) -> Value:
    x, y = common(g, x, y)
    rest = _remainder(g, x, y)
    quotient = g.each("Div", g.each("Sub", x, rest), y)
    return g.each("Round", quotient) if x.dtype.kind == "f" else quotient


def _square(g: Graph, x: Value) -> Value:
    (x,) = common(g, x)
    return g.each("Mul", x, x)


def _exp2(g: Graph, x: Value) -> Value:
    x = floating(g, x)
    return g.each("Pow", number(g, 2, x), x)


def _expm1(g: Graph, x: Value) -> Value:
    # exp(x) - 1 without the difference, which is nothing but rounding near 0
    x = floating(g, x)
    half = g.each("Tanh", g.each("Mul", x, number(g, 0.5, x)))
    return g.each("Mul", half, g.each("Add", g.each("Exp", x), number(g, 1, x)))


def _log1p(g: Graph, x: Value) -> Value:
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


def _cbrt(g: Graph, x: Value) -> Value:
    x = floating(g, x)
    root = g.each("Pow", g.each("Abs", x), number(g, 1 / 3, x))
    return g.each("Mul", g.each("Sign", x), root)


def _hypot(g: Graph, x: Value, y: Value) -> Value:
    x, y = common(g, x, y)
    x, y = g.each("Abs", x), g.each("Abs", y)
    larger, smaller = g.each("Max", x, y), g.each("Min", x, y)
    one, zero = number(g, 1, x), number(g, 0, x)
    is_zero = g.each("Equal", larger, zero, dtype=BOOL)
    ratio = g.each("Div", smaller, g.each("Where", is_zero, one, larger))
    root = g.each("Sqrt", g.each("Add", one, g.each("Mul", ratio, ratio)))
    return g.each("Mul", larger, root)


def _logaddexp(g: Graph, x: Value, y: Value) -> Value:
    x, y = common(g, x, y)
    # of equal operands too, infinite ones among them
    gap = g.each("Abs", g.each("Sub", x, y))
    gap = g.each("Where", g.each("Equal", x, y, dtype=BOOL), number(g, 0, x), gap)
    return g.each("Add", g.each("Max", x, y), _log1p(g, g.each("Exp", g.each("Neg", gap))))


def _where(g: Graph, condition: Value, x: Value, y: Value) -> Value:
    x, y = common(g, x, y)
    condition = g.cast(condition, bool)
    if x.dtype != bool:
        return g.each("Where", condition, x, y)
    numbers = g.each("Where", condition, g.cast(x, INT64), g.cast(y, INT64))
    return g.cast(numbers, bool)


def _not_equal(g: Graph, x: Value, y: Value) -> Value:
    return g.each("Not", _compared("Equal")(g, x, y))


def _isnan(g: Graph, x: Value) -> Value:
    return g.each("IsNaN", floating(g, x), dtype=BOOL)


def _isfinite(g: Graph, x: Value) -> Value:
    size = g.each("Abs", floating(g, x))
    return g.each("Less", size, number(g, np.inf, size), dtype=BOOL)


def _isinf(g: Graph, x: Value) -> Value:
    size = g.each("Abs", floating(g, x))
    return g.each("Equal", size, number(g, np.inf, size), dtype=BOOL)


def _of_numbers(of: str) -> Elementwise:
    """The larger or the smaller; of a number and no number the number."""

    def write(g: Graph, x: Value, y: Value) -> Value:
        x, y = common(g, x, y)
        if x.dtype.kind != "f":
            return g.each(of, x, y)
        is_none = [g.each("IsNaN", operand, dtype=BOOL) for operand in (x, y)]
        return g.each(of, g.each("Where", is_none[0], y, x), g.each("Where", is_none[1], x, y))

    return write


def _relu(g: Graph, x: Value) -> Value:
    return g.each("Max", *common(g, x, number(g, 0, x)))


ELEMENTWISE: dict[Any, Elementwise] = {
    np.positive: lambda g, x: x,
    np.absolute: _unary("Abs"),
    np.fabs: _of_floats("Abs"),
    np.negative: _unary("Neg"),
    np.sign: _unary("Sign"),
    np.square: _square,
    np.reciprocal: _of_floats("Reciprocal"),
    np.sqrt: _of_floats("Sqrt"),
    np.cbrt: _cbrt,
    np.exp: _of_floats("Exp"),
    np.exp2: _exp2,
    np.expm1: _expm1,
    np.log: _of_floats("Log"),
    np.log2: _logarithm(2.0),
    np.log10: _logarithm(10.0),
    np.log1p: _log1p,
    np.floor: _of_floats("Floor"),
    np.ceil: _of_floats("Ceil"),
    np.rint: _of_floats("Round"),
    np.sin: _of_floats("Sin"),
    np.cos: _of_floats("Cos"),
    np.tan: _of_floats("Tan"),
    np.arcsin: _of_floats("Asin"),
    np.arccos: _of_floats("Acos"),
    np.arctan: _of_floats("Atan"),
    np.sinh: _of_floats("Sinh"),
    np.cosh: _of_floats("Cosh"),
    np.tanh: _of_floats("Tanh"),
    np.arcsinh: _of_floats("Asinh"),
    np.arccosh: _of_floats("Acosh"),
    np.arctanh: _of_floats("Atanh"),
    np.deg2rad: _scaled(np.pi / 180),
    np.radians: _scaled(np.pi / 180),
    np.rad2deg: _scaled(180 / np.pi),
    np.degrees: _scaled(180 / np.pi),
    np.add: _joined("Add"),
    np.subtract: _joined("Sub"),
    np.multiply: _joined("Mul"),
    np.divide: _divide,
    np.power: _joined("Pow"),
    np.float_power: lambda g, x, y: g.each("Pow", g.cast(x, np.float64), g.cast(y, np.float64)),
    np.maximum: _joined("Max"),
    np.minimum: _joined("Min"),
    np.fmax: _of_numbers("Max"),
    np.fmin: _of_numbers("Min"),
    np.fmod: lambda g, x, y: g.each("Mod", *common(g, x, y), fmod=1),
    np.remainder: _remainder,
    np.floor_divide: _floor_divide,
    np.hypot: _hypot,
    np.logaddexp: _logaddexp,
    np.less: _compared("Less"),
    np.less_equal: _compared("LessOrEqual"),
    np.greater: _compared("Greater"),
    np.greater_equal: _compared("GreaterOrEqual"),
    np.equal: _compared("Equal"),
    np.not_equal: _not_equal,
    np.logical_and: _logical("And"),
    np.logical_or: _logical("Or"),
    np.logical_xor: _logical("Xor"),
    np.logical_not: _logical("Not"),
    np.bitwise_and: _bitwise("And", "BitwiseAnd"),
    np.bitwise_or: _bitwise("Or", "BitwiseOr"),
    np.bitwise_xor: _bitwise("Xor", "BitwiseXor"),
    np.invert: _bitwise("Not", "BitwiseNot"),
    np.where: _where,
    np.isnan: _isnan,
    np.isinf: _isinf,
    np.isfinite: _isfinite,
    primitives.total: _joined("Add"),
    primitives.product: _joined("Mul"),
    elementwise.accumulate: _joined("Add"),
    activations.sigmoid: _of_floats("Sigmoid"),
    activations.relu: _relu,
}
