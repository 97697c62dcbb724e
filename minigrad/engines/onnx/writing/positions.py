"""Indices as positions in the flat array: one mechanism for all of NumPy's forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.ops.indexing import PART

from .written import INT64, Graph, Shape, Value

Entries = tuple[Any, ...]


def written_out(
    index: Entries,
    ndim: int,
) -> list[Any]:
    """The index with slices in the place of its ellipsis and of what it leaves out."""
    entries = list(index)
    named = [entry for entry in entries if entry is not None and entry is not Ellipsis]
    full = [slice(None)] * (ndim - len(named))
    if not any(entry is Ellipsis for entry in entries):
        return entries + full
    at = next(i for i, entry in enumerate(entries) if entry is Ellipsis)
    entries[at : at + 1] = full
    return entries


def read_basic(
    g: Graph,
    x: Value,
    entries: Sequence[Any],
) -> Value:
    """x[entries] of numbers, slices and new axes."""
    slices = []
    for entry in entries:
        if isinstance(entry, slice):
            slices.append(entry)
        elif entry is not None:
            slices.append(slice(entry, entry + 1 or None))
    shape = np.broadcast_to(0, x.shape)[tuple(entries)].shape
    return g.reshape(g.slice(x, slices), shape)


def positions(
    g: Graph,
    shape: Shape,
    index: Entries,
    parts: Sequence[Value],
) -> Value:
    """Where in the flat array the elements lie that x[index] reads, in the shape of the result.

    parts: the integers that stand in the index.
    """
    entries = written_out(index, len(shape))
    first = [np.zeros(part.shape, int) for part in parts]
    waiting = iter(first)
    filled = tuple([next(waiting) if entry is PART else entry for entry in entries])
    # with zeros for the integers: what all other entries contribute
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    total = g.constant(numbers[filled], INT64)
    if not parts:
        return total
    block = np.broadcast_shapes(*[part.shape for part in parts])
    behind = total.ndim - _block_start(entries) - len(block)
    left = iter(parts)
    axis = 0
    for entry in entries:
        if entry is PART:
            part = g.cast(next(left), INT64)
            stride = int(np.prod(shape[axis + 1 :]))
            term = g.each("Mul", counted(g, part, shape[axis]), g.constant(stride))
            total = g.each("Add", total, g.reshape(term, (*part.shape, *[1] * behind)))
        axis += entry is not None
    return total


def _block_start(entries: Sequence[Any]) -> int:
    """The axis of the result where those of the arrays lie."""
    # beside arrays a number is one of them
    is_array = [entry is PART or isinstance(entry, int) for entry in entries]
    places = [i for i, here in enumerate(is_array) if here]
    apart = places[-1] - places[0] >= len(places)
    return 0 if apart else places[0]


def counted(
    g: Graph,
    indices: Value,
    length: int,
) -> Value:
    """Those below 0 counted from the end."""
    wide = g.cast(indices, INT64)
    from_end = g.each("Add", wide, g.constant(length))
    is_below = g.each("Less", wide, g.constant(0), dtype=np.dtype(bool))
    return g.each("Where", is_below, from_end, wide)
