"""Dtypes that elementwise nodes compute in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .written import INT64, Graph, Value

Elementwise = Callable[..., Value]
# onnxruntime computes integers in these
MIN_INT_BYTES = 4


def floating(
    g: Graph,
    x: Value,
) -> Value:
    """As floats: NumPy computes what is no float in float64."""
    return x if x.dtype.kind == "f" else g.cast(x, np.float64)


def common(
    g: Graph,
    *xs: Value,
) -> list[Value]:
    """All in the dtype that NumPy computes in; narrow integers in int64."""
    dtype = np.result_type(*[x.dtype for x in xs])
    if dtype.kind == "u" or (dtype.kind == "i" and dtype.itemsize < MIN_INT_BYTES):
        dtype = INT64
    return [g.cast(x, dtype) for x in xs]


def number(
    g: Graph,
    x: float,
    like: Value,
) -> Value:
    """A number in the dtype of a value."""
    return g.constant(x, like.dtype)
