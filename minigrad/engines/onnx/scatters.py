"""ONNX operators that put values at indices."""

from __future__ import annotations

import numpy as np

from minigrad.ops.indexing import PART, scatter
from minigrad.ops.selection import put_along

from .nodes import Node, Value


def scatter_elements(
    n: Node,
    x: Value,
    indices: Value,
    updates: Value,
) -> Value:
    """Each update goes where its index says: is added there, or, of one axis, stands there."""
    reduction = n.get("reduction", "none")
    if reduction == "add":
        axis = n.get("axis", 0) % x.ndim
        places = np.where(indices < 0, indices + x.shape[axis], indices)
        return x + put_along(updates, places, axis, x.shape)
    if x.ndim != 1 or reduction != "none":
        raise n.refuse("more than one axis, or a reduction that is not 'add'")
    places = np.arange(len(x))
    hits = indices[:, None] % len(x) == places
    new = np.sum(np.where(hits, updates[:, None], updates.dtype.type(0)), axis=0)
    return np.where(np.any(hits, axis=0), new.astype(x.dtype), x)


def scatter_nd(n: Node, x: Value, indices: Value, updates: Value) -> Value:
    """The last axis of the indices is an index: what is there is added to."""
    if n.get("reduction", "none") != "add":
        raise n.refuse("a reduction that is not 'add'")
    count = indices.shape[-1]
    columns = [indices[..., i] for i in range(count)]
    return x + scatter(updates, *columns, indices=((PART,) * count,), shape=x.shape)
