"""Results side by side as columns of one: where each lies, the nodes that join and take them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.compiler.graph import Node, constant
from minigrad.ops.indexing import getitem

Nodes = tuple[Node, ...]


class Columns(NamedTuple):
    """Where a result lies: in which wide result, from which column on."""

    wide: Node
    start: int


def join_columns(parts: Nodes, time: int | None) -> Node:
    """The concatenation along the last axis; of constants another constant."""
    x = parts[0]
    widths = [part.shape[-1] for part in parts]
    width = sum(widths)
    shape = (*x.shape[:-1], width)
    keywords = {"axis": x.ndim - 1}
    values = [part.value for part in parts if part.value is not None]
    if len(values) == len(parts):
        return constant(np.concatenate(values, axis=-1))
    return Node(np.concatenate, parts, keywords, shape, x.dtype, time, x.place)


def take_columns(x: Node, start: int, stop: int) -> Node:
    """x[:, start:stop]."""
    rows, width = x.shape
    if start == 0 and stop == width:
        return x
    everything = slice(None)
    index = everything, slice(start, stop)
    shape = (rows, stop - start)
    keywords = {"index": index}
    return Node(getitem, (x,), keywords, shape, x.dtype, x.time, x.place)
