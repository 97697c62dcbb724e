"""Functions that are made of several ONNX operators, those of scipy.special among them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .elementwise_nodes import ELEMENTWISE
from .numbers import Elementwise, common, floating, number
from .written import BOOL, Graph, Value


def special(fn: Any) -> Elementwise | None:
    """What writes the nodes of a function of scipy.special, whoever imported it."""
    library = sys.modules.get("scipy.special")
    for name, write in SPECIAL.items():
        if library is not None and getattr(library, name, None) is fn:
            return write
    return None


def _softplus(
    g: Graph,
    x: Value,
) -> Value:
    """log(1 + exp(x)), without overflow."""
    return ELEMENTWISE[np.logaddexp](g, x, number(g, 0, x))


def _log_expit(
    g: Graph,
    x: Value,
) -> Value:
    return g.each("Neg", _softplus(g, g.each("Neg", floating(g, x))))


def _logit(
    g: Graph,
    x: Value,
) -> Value:
    x = floating(g, x)
    return g.each("Log", g.each("Div", x, g.each("Sub", number(g, 1, x), x)))


def _erfc(
    g: Graph,
    x: Value,
) -> Value:
    erf = g.each("Erf", floating(g, x))
    return g.each("Sub", number(g, 1, erf), erf)


def _xlogy(
    g: Graph,
    x: Value,
    y: Value,
) -> Value:
    x, y = common(g, x, y)
    x, y = floating(g, x), floating(g, y)
    is_zero = g.each("Equal", x, number(g, 0, x), dtype=BOOL)
    y = g.each("Where", is_zero, number(g, 1, x), y)
    return g.each("Mul", x, g.each("Log", y))


def _entr(
    g: Graph,
    x: Value,
) -> Value:
    return g.each("Neg", _xlogy(g, x, x))


SPECIAL: dict[str, Elementwise] = {
    "expit": lambda g, x: g.each("Sigmoid", floating(g, x)),
    "log_expit": _log_expit,
    "logit": _logit,
    "erf": lambda g, x: g.each("Erf", floating(g, x)),
    "erfc": _erfc,
    "xlogy": _xlogy,
    "entr": _entr,
    "cbrt": ELEMENTWISE[np.cbrt],
    "exp2": ELEMENTWISE[np.exp2],
    "expm1": ELEMENTWISE[np.expm1],
    "log1p": ELEMENTWISE[np.log1p],
}
