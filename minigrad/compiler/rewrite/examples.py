"""The examples of a batch: how many there are, and the axis that they lie along in each array."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.graph import Node, Shape
from minigrad.compiler.views import index_entries
from minigrad.ops.indexing import getitem


class ExampleAxis(NamedTuple):
    """The axis that the examples lie along.

    It holds (n, B, inner) numbers in C order; that of T * B rows is one with inner 1.
    """

    axis: int
    inner: int


class MixesExamples(Exception):  # noqa: N818  (no error: the answer that there is no way)
    """Raised where an operation mixes the examples, so that the batch cannot be split."""


@dataclass(slots=True)
class Batch:
    """The number of examples, and where they lie in the nodes that have them."""

    size: int
    axis_of: dict[Node, ExampleAxis] = field(default_factory=dict)

    def __contains__(self, n: Node) -> bool:
        """Whether the node has examples."""
        return n in self.axis_of

    def shape(self, n: Node, rows: int) -> Shape:
        """The node's shape with so many examples."""
        shape = list(n.shape)
        axis = self.axis_of[n].axis
        shape[axis] = shape[axis] // self.size * rows
        return tuple(shape)

    def keywords(self, n: Node, shape: Shape, rows: int) -> dict[str, Any]:
        """The node's keywords where it has that shape and so many examples."""
        if n.fn in (np.reshape, np.broadcast_to):
            return {**n.kwargs, "shape": shape}
        if n.fn is not getitem or n.inputs[0] not in self:
            return n.kwargs
        x = n.inputs[0]
        axis = self.axis_of[x].axis
        entries = index_entries(n.kwargs["index"], x.ndim)
        places = [i for i, entry in enumerate(entries) if entry is not None]
        place = places[axis]
        start, stop, _ = entries[place].indices(x.shape[axis])
        first = start // self.size
        last = stop // self.size
        entries[place] = slice(first * rows, last * rows)
        return {"index": tuple(entries)}
