"""Elementwise functions as expressions of C, each an entry of one table."""

from __future__ import annotations

from typing import Any

import numpy as np

C_TYPES = {
    np.dtype(np.float32): "float",
    np.dtype(np.float64): "double",
    np.dtype(np.bool_): "unsigned char",
    np.dtype(np.int64): "int64_t",
    np.dtype(np.int32): "int32_t",
}
"""The types of numbers that are read and written; computed is with REALS, and with truth values."""
REALS = (np.dtype(np.float32), np.dtype(np.float64))
BOOL = np.dtype(np.bool_)

OF_REALS: dict[Any, str] = {
    np.add: "{0} + {1}",
    np.subtract: "{0} - {1}",
    np.multiply: "{0} * {1}",
    np.true_divide: "{0} / {1}",
    np.negative: "-{0}",
    np.square: "{0} * {0}",
    np.reciprocal: "1 / {0}",
    np.absolute: "absolute_{real}({0})",
    np.power: "({real})pow({0}, {1})",
    np.sqrt: "sqrt_{real}({0})",
    np.exp: "exp_{real}({0})",
    np.log: "log_{real}({0})",
    np.tanh: "tanh_{real}({0})",
    np.sign: "sign_{real}({0})",
    np.maximum: "maximum_{real}({0}, {1})",
    np.minimum: "minimum_{real}({0}, {1})",
    np.less: "{0} < {1}",
    np.less_equal: "{0} <= {1}",
    np.greater: "{0} > {1}",
    np.greater_equal: "{0} >= {1}",
    np.equal: "{0} == {1}",
    np.not_equal: "{0} != {1}",
}
OF_TRUTHS: dict[Any, str] = {
    np.logical_not: "!{0}",
    np.logical_and: "{0} && {1}",
    np.logical_or: "{0} || {1}",
}


def expression(fn: Any, dtypes: list[Any]) -> str | None:
    """A ufunc as an expression of its operands; None where it has none for these dtypes.

    ``{0}`` stands for the first operand, and so on; each is converted to what NumPy computes with.
    """
    if fn in OF_TRUTHS and all(dtype == BOOL for dtype in dtypes):
        return OF_TRUTHS[fn]
    if fn not in OF_REALS:
        return None
    *computed, _ = fn.resolve_dtypes((*dtypes, None))
    (dtype, *others) = set(computed)
    if others or dtype not in REALS:
        return None
    real = C_TYPES[dtype]
    converted = {str(i): f"({real}){{{i}}}" for i in range(len(dtypes))}
    template = OF_REALS[fn]
    for i, text in converted.items():
        template = template.replace(f"{{{i}}}", text)
    return template.replace("{real}", real)
