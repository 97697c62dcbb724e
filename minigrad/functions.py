"""The few functions that NumPy lacks: activations and losses, numerically stable, each one op on the tape."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ArgumentError, DTypeError, ShapeError
from .scope import here
from .vjps import defvjp, dispatched


@dispatched
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), written with tanh so that nothing overflows."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


@dispatched
def relu(x: Any) -> Any:
    """max(x, 0); the gradient at 0 is 0."""
    return np.maximum(x, 0)


@dispatched
def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along axis."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    e /= np.sum(e, axis=axis, keepdims=True)
    return e


@dispatched
def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of softmax, x - log(sum(exp(x))) along axis."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    shifted -= np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    return shifted


@dispatched
def one_hot(indices: Any, classes: int, dtype: Any = np.float64) -> Any:
    """Rows of the identity matrix: indices of any shape -> (*shape, classes)."""
    index = np.asarray(indices)
    if index.dtype.kind not in "iu":
        raise DTypeError("one_hot", got=f"indices of dtype {index.dtype}", expected="expected integers", where=here())
    if index.size and not (index.min() >= 0 and index.max() < classes):
        wrong = index[(index < 0) | (index >= classes)].flat[0]
        raise ArgumentError("one_hot", got=f"index {wrong}", expected=f"expected 0..{classes - 1}", where=here())
    return np.eye(classes, dtype=dtype)[index]


@dispatched
def cross_entropy(logits: Any, targets: Any) -> Any:
    """Mean cross-entropy in nats; exp of it is the perplexity.

    Shapes: logits (..., V), targets (...) of integers in 0..V-1, result ().
    Raises ShapeError, DTypeError or ArgumentError where they do not fit together.
    """
    labels = np.asarray(targets)
    if labels.shape != logits.shape[:-1]:
        raise ShapeError("cross_entropy", got=f"logits {logits.shape} and targets {labels.shape}",
                         expected=f"targets must be {logits.shape[:-1]}", where=here())  # fmt: skip
    if labels.dtype.kind not in "iu":
        raise DTypeError("cross_entropy", got=f"targets are {labels.dtype}", expected="expected integers", where=here())
    classes = logits.shape[-1]
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        wrong = labels[(labels < 0) | (labels >= classes)].flat[0]
        raise ArgumentError("cross_entropy", got=f"target {wrong}", expected=f"expected 0..{classes - 1}", where=here())
    top = np.max(logits, axis=-1, keepdims=True)
    mass = np.log(np.sum(np.exp(logits - top), axis=-1)) + top[..., 0]
    return np.mean(mass - np.take_along_axis(logits, labels[..., None], axis=-1)[..., 0])


def mse(a: Any, b: Any) -> Any:
    """Mean squared difference."""
    return np.mean(np.square(a - b))


def _softmax(g: Any, y: Any, x: Any, axis: int = -1) -> Any:
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def _log_softmax(g: Any, y: Any, x: Any, axis: int = -1) -> Any:
    return g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)


def _cross_entropy(g: Any, y: Any, x: Any, t: Any) -> Any:
    return (softmax(x) - one_hot(t, classes=x.shape[-1], dtype=x.dtype)) * (g / max(t.size, 1))


defvjp(sigmoid, lambda g, y, x: g * y * (1 - y))
defvjp(relu, lambda g, y, x: g * (x > 0))
defvjp(softmax, _softmax)
defvjp(log_softmax, _log_softmax)
defvjp(one_hot, None)
defvjp(
    cross_entropy,
    _cross_entropy,
    None,
    bind=lambda logits, targets: ((logits, targets if hasattr(targets, "dtype") else np.asarray(targets)), {}),
)
