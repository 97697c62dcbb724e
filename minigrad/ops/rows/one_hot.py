"""Rows of the identity matrix, and which integers number rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DTypeError
from minigrad.ops.table import defvjp, dispatched


@dispatched
def one_hot(indices: Any, classes: int, dtype: Any = np.float64) -> Any:
    """Rows of the identity matrix.

    Shapes: indices (...) of integers in 0..classes-1, result (..., classes).
    Raises DTypeError or ArgumentError for other indices.

    >>> import minigrad as mg
    >>> mg.one_hot([2, 0], classes=3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    rows = refuse_other_indices("one_hot: indices", indices, classes)
    out = np.zeros((*rows.shape, classes), dtype)
    out.reshape(rows.size, classes)[np.arange(rows.size), rows.reshape(-1)] = 1
    return out


def refuse_other_indices(subject: str, labels: Any, classes: int) -> Any:
    """The labels as an array; refuse what is no integer in 0..classes-1."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise DTypeError(subject, got=f"{labels.dtype}", expected="expected integers")
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        expected = f"expected 0..{classes - 1}"
        raise ArgumentError(subject, got=f"{wrong[0]}", expected=expected)
    return labels


defvjp(one_hot, None)
