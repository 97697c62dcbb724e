"""Elementwise functions as ONNX nodes: they broadcast, so they do many rows at once, too."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from minigrad.compiler import primitives
from minigrad.ops import activations, elementwise

from . import composed_nodes as composed
from .numbers import Elementwise, common, floating, number
from .written import BOOL, INT64, Graph, Value


# --- kinds of functions ---------------------------------------------------------------------------
def _unary(op: str) -> Elementwise:
    return lambda g, x: g.each(op, *common(g, x))


def _of_floats(op: str) -> Elementwise:
    return lambda g, x: g.each(op, floating(g, x))


def _joined(op: str) -> Elementwise:
    """Of two operands or more, one after another."""

    def of(
        g: Graph,
        *xs: Value,
    ) -> Value:
        return reduce(lambda x, y: g.each(op, x, y), common(g, *xs))

    return of


def _compared(op: str) -> Elementwise:
    def of(
        g: Graph,
        x: Value,
        y: Value,
    ) -> Value:
        x, y = common(g, x, y)
        if x.dtype == bool:
            x, y = g.cast(x, INT64), g.cast(y, INT64)
        return g.each(op, x, y, dtype=BOOL)

    return of


def _logical(op: str) -> Elementwise:
    def of(
        g: Graph,
        *xs: Value,
    ) -> Value:
        return g.each(op, *[g.cast(x, bool) for x in xs])

    return of


def _bitwise(
    of_bools: str,
    of_integers: str,
) -> Elementwise:
    def of(
        g: Graph,
        *xs: Value,
    ) -> Value:
        xs = tuple(common(g, *xs))
        return g.each(of_bools if xs[0].dtype == bool else of_integers, *xs)

    return of


def _scaled(factor: float) -> Elementwise:
    def of(
        g: Graph,
        x: Value,
    ) -> Value:
        x = floating(g, x)
        return g.each("Mul", x, number(g, factor, x))

    return of


def _logarithm(base: float) -> Elementwise:
    def of(
        g: Graph,
        x: Value,
    ) -> Value:
        y = g.each("Log", floating(g, x))
        return g.each("Div", y, number(g, np.log(base), y))

    return of


ELEMENTWISE: dict[Any, Elementwise] = {
    np.positive: lambda g, x: x,
    np.absolute: _unary("Abs"),
    np.fabs: _of_floats("Abs"),
    np.negative: _unary("Neg"),
    np.sign: _unary("Sign"),
    np.square: composed.square,
    np.reciprocal: _of_floats("Reciprocal"),
    np.sqrt: _of_floats("Sqrt"),
    np.cbrt: composed.cbrt,
    np.exp: _of_floats("Exp"),
    np.exp2: composed.exp2,
    np.expm1: composed.expm1,
    np.log: _of_floats("Log"),
    np.log2: _logarithm(2.0),
    np.log10: _logarithm(10.0),
    np.log1p: composed.log1p,
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
    np.divide: composed.divide,
    np.power: _joined("Pow"),
    np.float_power: lambda g, x, y: g.each("Pow", g.cast(x, np.float64), g.cast(y, np.float64)),
    np.maximum: _joined("Max"),
    np.minimum: _joined("Min"),
    np.fmax: composed.of_numbers("Max"),
    np.fmin: composed.of_numbers("Min"),
    np.fmod: lambda g, x, y: g.each("Mod", *common(g, x, y), fmod=1),
    np.remainder: composed.remainder,
    np.floor_divide: composed.floor_divide,
    np.hypot: composed.hypot,
    np.logaddexp: composed.logaddexp,
    np.less: _compared("Less"),
    np.less_equal: _compared("LessOrEqual"),
    np.greater: _compared("Greater"),
    np.greater_equal: _compared("GreaterOrEqual"),
    np.equal: _compared("Equal"),
    np.not_equal: lambda g, x, y: g.each("Not", _compared("Equal")(g, x, y)),
    np.logical_and: _logical("And"),
    np.logical_or: _logical("Or"),
    np.logical_xor: _logical("Xor"),
    np.logical_not: _logical("Not"),
    np.bitwise_and: _bitwise("And", "BitwiseAnd"),
    np.bitwise_or: _bitwise("Or", "BitwiseOr"),
    np.bitwise_xor: _bitwise("Xor", "BitwiseXor"),
    np.invert: _bitwise("Not", "BitwiseNot"),
    np.where: composed.where,
    np.isnan: composed.isnan,
    np.isinf: composed.isinf,
    np.isfinite: composed.isfinite,
    primitives.total: _joined("Add"),
    primitives.product: _joined("Mul"),
    elementwise.accumulate: _joined("Add"),
    activations.sigmoid: _of_floats("Sigmoid"),
    activations.relu: composed.relu,
}
