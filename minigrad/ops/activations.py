"""The few functions that NumPy lacks: activations and losses, numerically stable."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DTypeError, ShapeError

from . import defvjp, dispatched


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


def _below(what: str, labels: Any, classes: int) -> Any:
    """The labels as an array; refuse what is no integer in 0..classes-1."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise DTypeError(what, got=f"{labels.dtype}", expected="expected integers")
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ArgumentError(what, got=f"{wrong[0]}", expected=f"expected 0..{classes - 1}")
    return labels


@dispatched
def one_hot(indices: Any, classes: int, dtype: Any = np.float64) -> Any:
    """Rows of the identity matrix: indices of any shape -> (*shape, classes)."""
    return np.eye(classes, dtype=dtype)[_below("one_hot: indices", indices, classes)]


@dispatched
def cross_entropy(logits: Any, targets: Any) -> Any:
    """Mean cross-entropy in nats; exp of it is the perplexity.

    Shapes: logits (..., V), targets (...) of integers in 0..V-1, result ().
    Raises ShapeError, DTypeError or ArgumentError where they do not fit together.
    """
    labels = np.asarray(targets)
    if labels.shape != logits.shape[:-1]:
        raise ShapeError(
            "cross_entropy",
            got=f"logits {logits.shape} and targets {labels.shape}",
            expected=f"targets must be {logits.shape[:-1]}",
        )
    labels = _below("cross_entropy: targets", labels, logits.shape[-1])
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
    bind=lambda logits, targets: (
        (logits, targets if hasattr(targets, "dtype") else np.asarray(targets)),
        {},
    ),
)
