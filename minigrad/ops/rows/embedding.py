"""Rows of a table by their numbers: the product with one-hot rows, without the product."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ShapeError
from minigrad.ops.indexing import PART, Scattered
from minigrad.ops.rows.one_hot import refuse_other_indices
from minigrad.ops.table import defvjp, dispatched


@dispatched
def embedding(indices: Any, weight: Any) -> Any:
    """weight[indices], row by row: what ``one_hot(indices, V) @ weight`` is, as a look-up.

    The gradient of weight is dense and adds each row up where it was looked up, as often as it
    was; no other row is touched.

    Shapes: indices (...) of integers in 0..V-1, weight (V, d), result (..., d).
    Raises ShapeError for another weight, DTypeError or ArgumentError for other indices.
    Source: torch.nn.functional.embedding, whose order of arguments it has.

    >>> import minigrad as mg
    >>> W = mg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True, name="W")
    >>> rows = mg.embedding([2, 0, 2], W)
    >>> rows.data.tolist()
    [[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]
    >>> np.sum(rows).backward()
    >>> W.grad.tolist()
    [[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]
    """
    table = np.asarray(weight)
    if table.ndim != 2:
        raise ShapeError("embedding: weight", got=f"{table.shape}", expected="expected (V, d)")
    return table[refuse_other_indices("embedding: indices", indices, len(table))]


def _bind_embedding(indices: Any, weight: Any) -> tuple[tuple[Any, Any], dict[str, Any]]:
    if not hasattr(indices, "dtype"):
        indices = np.asarray(indices)
    return (indices, weight), {}


def _embedding(g: Any, y: Any, indices: Any, weight: Any) -> Any:
    return Scattered(g, (indices,), (PART,), weight.shape)


defvjp(
    embedding,
    None,
    _embedding,
    bind=_bind_embedding,
    says=(None, "{g} at [{indices}], 0 elsewhere"),
)
