"""The functions that gates of RNN, GRU and LSTM may be of, by their names in ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.ops.activations import relu, sigmoid

from .nodes import Node

Activation = Callable[[Any], Any]


def _softplus(x: Any) -> Any:
    return np.logaddexp(x, x.dtype.type(0))


# The function, and its alpha and beta where none are given; None where it takes none.
ACTIVATIONS: dict[str, tuple[Callable[..., Any], float | None, float | None]] = {
    "affine": (lambda x, a, b: a * x + b, 1.0, 0.0),
    "elu": (lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))), 1.0, None),
    "hardsigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), 0.2, 0.5),
    "leakyrelu": (lambda x, a: np.where(x > 0, x, a * x), 0.01, None),
    "relu": (relu, None, None),
    "scaledtanh": (lambda x, a, b: a * np.tanh(b * x), 1.0, 1.0),
    "sigmoid": (sigmoid, None, None),
    "softplus": (_softplus, None, None),
    "softsign": (lambda x: x / (1 + np.abs(x)), None, None),
    "tanh": (np.tanh, None, None),
    "thresholdedrelu": (lambda x, a: np.where(x > a, x, x * 0), 1.0, None),
}


def activations(n: Node, defaults: Sequence[str]) -> list[Activation]:
    """The functions of all directions, in the order in which they are named.

    Each behind the clip, but for that of a memory cell: onnxruntime does not clip what it reads.
    """
    names = n.get("activations") or defaults
    alphas = iter(n.get("activation_alpha", ()))
    betas = iter(n.get("activation_beta", ()))
    chosen = []
    for k, name in enumerate(names):
        if name.lower() not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise n.refuse(f"activation {name!r}", expected=f"expected one of {known}")
        fn, alpha, beta = ACTIVATIONS[name.lower()]
        settings = []
        # as onnxruntime reads them: a list serves those that take one, in their order
        for default, values in ((alpha, alphas), (beta, betas)):
            if default is not None:
                settings.append(next(values, default))
        clip = n.get("clip") if k % 3 != 2 or n.op != "LSTM" else None
        chosen.append(_activation(fn, settings, clip))
    return chosen


def _activation(
    fn: Callable[..., Any],
    settings: list[float],
    clip: float | None,
) -> Activation:
    if clip is None:
        return lambda x: fn(x, *settings)
    return lambda x: fn(np.clip(x, -clip, clip), *settings)
