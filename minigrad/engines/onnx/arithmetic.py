"""ONNX operators that compute: the name of each, and the function of its inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod, sqrt
from typing import Any

import numpy as np

from minigrad.ops.activations import log_softmax, logsumexp, relu, sigmoid, softmax

from .gate_functions import ACTIVATIONS
from .nodes import Node, Value

Operator = Callable[..., Any]
"""``(node, *inputs) -> output``, or a tuple of them: values, of which one left out is None."""


# --- of inputs alone ------------------------------------------------------------------------------
def _quotient(a: Value, b: Value) -> Value:
    """Of integers it is cut off towards zero."""
    if a.dtype.kind not in "iu":
        return a / b
    below = a // b
    return below + ((below < 0) & (below * b != a))


def _power(a: Value, b: Value) -> Value:
    return np.power(a, b).astype(a.dtype)


def _mean(*xs: Value) -> Value:
    return functools.reduce(np.add, xs) / xs[0].dtype.type(len(xs))


def _folded(fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: functools.reduce(fn, xs)


_OF_INPUTS: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Acos": np.arccos,
    "Acosh": np.arccosh,
    "Add": np.add,
    "And": np.logical_and,
    "Asin": np.arcsin,
    "Asinh": np.arcsinh,
    "Atan": np.arctan,
    "Atanh": np.arctanh,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Cosh": np.cosh,
    "Div": _quotient,
    "Equal": np.equal,
    "Exp": np.exp,
    "Floor": np.floor,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Identity": lambda x: x,
    "IsNaN": np.isnan,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Log": np.log,
    "MatMul": np.matmul,
    "Max": _folded(np.maximum),
    "Mean": _mean,
    "Min": _folded(np.minimum),
    "Mish": lambda x: x * np.tanh(np.logaddexp(x, x.dtype.type(0))),
    "Mul": np.multiply,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Or": np.logical_or,
    "PRelu": lambda x, slope: np.where(x > 0, x, slope * x),
    "Pow": _power,
    "Reciprocal": lambda x: 1 / x,
    "Relu": relu,
    "Round": np.round,
    "Sigmoid": sigmoid,
    "Sign": np.sign,
    "Sin": np.sin,
    "Sinh": np.sinh,
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Sum": _folded(np.add),
    "Tan": np.tan,
    "Tanh": np.tanh,
    "Where": np.where,
    "Xor": np.logical_xor,
}


# --- with attributes ------------------------------------------------------------------------------
def _activation(name: str, **defaults: float) -> Operator:
    """An operator that the recurrent ones know as an activation, with its own defaults."""
    fn = ACTIVATIONS[name][0]

    def operator(n: Node, x: Value) -> Value:
        return fn(x, *(n.get(key, default) for key, default in defaults.items()))

    return operator


def _selu(n: Node, x: Value) -> Value:
    alpha = n.get("alpha", 1.6732632423543772)
    gamma = n.get("gamma", 1.0507009873554805)
    return gamma * ACTIVATIONS["elu"][0](x, alpha)


def _celu(n: Node, x: Value) -> Value:
    alpha = n.get("alpha", 1.0)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def _gelu(n: Node, x: Value) -> Value:
    if n.get("approximate", "none") != "tanh":
        raise n.refuse("without approximate='tanh'")
    inner = sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)
    return 0.5 * x * (1 + np.tanh(inner))


def _modulo(n: Node, a: Value, b: Value) -> Value:
    return np.fmod(a, b) if n.get("fmod", 0) else np.mod(a, b)


def _cast(n: Node, x: Value) -> Value:
    return _as_type(x, n.attributes["to"])


def _cast_like(n: Node, x: Value, like: Value) -> Value:
    return _as_type(x, like.dtype)


def _as_type(x: Value, dtype: np.dtype[Any]) -> Value:
    return x if x.dtype == dtype else x.astype(dtype)


def _clip(n: Node, x: Value, low: Value = None, high: Value = None) -> Value:
    low = n.get("min") if low is None else low
    high = n.get("max") if high is None else high
    if low is not None:
        x = np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _dropout(n: Node, x: Value, ratio: Value = None, training: Value = None) -> Value:
    if training is not None and np.any(n.known("training_mode", training)):
        raise n.refuse("training_mode")
    return x, np.ones(x.shape, bool)


def _gemm(n: Node, a: Value, b: Value, c: Value = None) -> Value:
    a = a.T if n.get("transA", 0) else a
    b = b.T if n.get("transB", 0) else b
    y = _times(n.get("alpha", 1.0), a @ b)
    return y if c is None else y + _times(n.get("beta", 1.0), c)


def _times(factor: float, x: Value) -> Value:
    return x if factor == 1 else factor * x


def _over_axis(fn: Callable[..., Any]) -> Operator:
    """Softmax and its logarithm, which before opset 13 go over all axes from the named one on."""

    def operator(n: Node, x: Value) -> Value:
        if n.opset >= 13:
            return fn(x, axis=n.get("axis", -1))
        axis = n.get("axis", 1) % x.ndim
        rows = np.reshape(x, (prod(x.shape[:axis]), -1))
        return np.reshape(fn(rows, axis=-1), x.shape)

    return operator


def _layer_normalization(n: Node, x: Value, scale: Value, bias: Value = None) -> Value:
    axes = tuple(range(n.get("axis", -1) % x.ndim, x.ndim))
    mean = np.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    variance = np.mean(centred * centred, axis=axes, keepdims=True)
    deviation = np.sqrt(variance + n.get("epsilon", 1e-5))
    y = centred / deviation * scale
    return (y if bias is None else y + bias), mean, 1 / deviation


def _rms_normalization(n: Node, x: Value, scale: Value) -> Value:
    axes = tuple(range(n.get("axis", -1) % x.ndim, x.ndim))
    square = np.mean(x * x, axis=axes, keepdims=True)
    return x / np.sqrt(square + n.get("epsilon", 1e-5)) * scale


def _batch_normalization(
    n: Node, x: Value, scale: Value, bias: Value, mean: Value, variance: Value
) -> Value:
    if n.get("training_mode", 0) or len(n.outputs) > 1:
        raise n.refuse("training_mode")
    shape = (-1, *[1] * (x.ndim - 2))
    scale, bias, mean, variance = (np.reshape(p, shape) for p in (scale, bias, mean, variance))
    return (x - mean) / np.sqrt(variance + n.get("epsilon", 1e-5)) * scale + bias


def _einsum(n: Node, *xs: Value) -> Value:
    return np.einsum(n.attributes["equation"], *xs)


def _cumulative_sum(n: Node, x: Value, axis: Value) -> Value:
    axis = int(n.known("axis", axis))
    if n.get("reverse", 0):
        x = np.flip(x, axis)
    y = _as_type(np.cumsum(x, axis=axis), x.dtype)
    if n.get("exclusive", 0):
        y = y - x
    return np.flip(y, axis) if n.get("reverse", 0) else y


# --- reductions -----------------------------------------------------------------------------------
def _reduction(fn: Callable[..., Any]) -> Operator:
    def operator(n: Node, x: Value, axes: Value = None) -> Value:
        axis = n.axes(axes)
        if not axis:
            if n.get("noop_with_empty_axes", 0):
                return x
            axis = tuple(range(x.ndim))
        return _as_type(fn(x, axis=axis, keepdims=bool(n.get("keepdims", 1))), x.dtype)

    return operator


def _of(fn: Callable[..., Any], before: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, **over: fn(before(x), **over)


def _square(x: Value) -> Value:
    return x * x


def _index_of(fn: Callable[..., Any]) -> Operator:
    def operator(n: Node, x: Value) -> Value:
        if n.get("select_last_index", 0):
            raise n.refuse("select_last_index")
        axis = n.get("axis", 0)
        index = fn(x, axis=axis)
        return np.expand_dims(index, axis) if n.get("keepdims", 1) else index

    return operator


def _plain(fn: Callable[..., Any]) -> Operator:
    return lambda n, *xs: fn(*xs)


ARITHMETIC: dict[str, Operator] = {
    **{name: _plain(fn) for name, fn in _OF_INPUTS.items()},
    "ArgMax": _index_of(np.argmax),
    "ArgMin": _index_of(np.argmin),
    "BatchNormalization": _batch_normalization,
    "Cast": _cast,
    "CastLike": _cast_like,
    "Celu": _celu,
    "Clip": _clip,
    "CumSum": _cumulative_sum,
    "Dropout": _dropout,
    "Einsum": _einsum,
    "Elu": _activation("elu", alpha=1.0),
    "Gelu": _gelu,
    "Gemm": _gemm,
    "HardSigmoid": _activation("hardsigmoid", alpha=0.2, beta=0.5),
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": _activation("leakyrelu", alpha=0.01),
    "LogSoftmax": _over_axis(log_softmax),
    "Mod": _modulo,
    "RMSNormalization": _rms_normalization,
    "ReduceL1": _reduction(_of(np.sum, np.abs)),
    "ReduceL2": _reduction(lambda x, **over: np.sqrt(np.sum(x * x, **over))),
    "ReduceLogSum": _reduction(lambda x, **over: np.log(np.sum(x, **over))),
    "ReduceLogSumExp": _reduction(logsumexp),
    "ReduceMax": _reduction(np.max),
    "ReduceMean": _reduction(np.mean),
    "ReduceMin": _reduction(np.min),
    "ReduceProd": _reduction(np.prod),
    "ReduceSum": _reduction(np.sum),
    "ReduceSumSquare": _reduction(_of(np.sum, _square)),
    "Selu": _selu,
    "Softmax": _over_axis(softmax),
    "Softplus": _activation("softplus"),
    "Softsign": _activation("softsign"),
    "ThresholdedRelu": _activation("thresholdedrelu", alpha=1.0),
}
