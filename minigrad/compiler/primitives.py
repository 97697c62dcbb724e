"""Functions that only graphs have, which passes write in the stead of NumPy's."""

from __future__ import annotations

import functools
from typing import Any, NoReturn

import numpy as np

from minigrad.ops.rows.one_hot import one_hot, refuse_other_indices
from minigrad.ops.rows.row_sums import add_rows


def total(*terms: Any) -> Any:
    """The sum of the terms, in any order."""
    return functools.reduce(np.add, terms)


def product(*factors: Any) -> Any:
    """The product of the factors, in any order."""
    return functools.reduce(np.multiply, factors)


PAIRWISE: dict[Any, np.ufunc] = {
    total: np.add,
    product: np.multiply,
}
"""The functions of any number of operands, chains, and what joins two operands of each."""


def pick(x: Any, labels: Any) -> Any:
    """x[..., labels], one element of the last axis each.

    Raises: ArgumentError for labels that are none.
    """
    valid = refuse_other_indices("cross_entropy: targets", labels, x.shape[-1])
    column = valid[..., np.newaxis]
    picked = np.take_along_axis(x, column, axis=-1)
    return picked[..., 0]


def softmax_minus_one_hot(e: Any, s: Any, labels: Any, c: Any) -> Any:
    """(e / s - one_hot(labels)) * c: the gradient of the cross-entropy, in two passes over memory.

    e: exponentials of the logits. s: their sums over the last axis. c: one number, or
    one of each row.
    """
    classes = e.shape[-1]
    hot = one_hot(labels, classes, e.dtype)
    return (e / s - hot) * c


def added_rows(*operands: Any, classes: int) -> Any:
    """Zeros (classes, d) with every row of each g added where its indices say.

    The operands are a g (..., d), its indices (...), the next g, and so on: what many look-ups
    send to one table. Raises: ArgumentError for indices that are none.
    """
    first = operands[0]
    out = np.zeros((classes, first.shape[-1]), first.dtype)
    for g, indices in zip(operands[::2], operands[1::2], strict=True):
        valid = refuse_other_indices("embedding: indices", indices, classes)
        add_rows(out, valid, g)
    return out


def counted(indices: Any, classes: int) -> Any:
    """The numbers of the rows that an index of NumPy's means: those below 0 count from the end.

    Raises: IndexError, in NumPy's words, for one that is none.
    """
    indices = np.asarray(indices)
    wrong = indices[(indices < -classes) | (indices >= classes)]
    if wrong.size:
        refuse_row(int(wrong[0]), classes)
    # widened first: a narrow integer may not hold the number of the last row
    places = indices.astype(np.intp)
    return np.where(places < 0, places + classes, places)


def refuse_row(index: int, rows: int) -> NoReturn:
    """Refuse the number of a row that there is not, as NumPy does."""
    raise IndexError(f"index {index} is out of bounds for axis 0 with size {rows}")


def kept(x: Any) -> Any:
    """A copy of what is read again on the way back through a checkpointed tape.

    The memory of the steps around it is used again meanwhile.
    """
    return x


def joined_rows(
    *arrays: Any,
    stacked: tuple[bool, ...],
    rows: Any,
) -> Any:
    """Arrays of one shape as rows of one, in another order.

    stacked: which arrays are rows already. rows: a slice, or the numbers of those wanted.
    """
    parts = []
    for array, is_stacked in zip(arrays, stacked, strict=True):
        parts.append(array if is_stacked else np.expand_dims(array, 0))
    together = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return together[rows if isinstance(rows, slice) else list(rows)]
