"""What is being emitted: the calls so far, the lines of the listing they belong to, the memory of every node."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.sections import BEFORE, CrossingError, through
from minigrad.core.tensor import Array
from minigrad.ops.indexing import getitem

from .kernels import Call, address, owner, viewed


@dataclass(eq=False, slots=True)
class Line:
    """One line of the listing: a family, how it runs, and its calls among those of the plan."""

    family: Family
    unit: int
    how: str
    why: str = ""  # not all at once
    calls: list[int] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """The bytes of all results together."""
        n = self.family.first
        return len(self.family) * math.prod(n.shape) * n.dtype.itemsize


@dataclass(eq=False, slots=True)
class Program:
    """Calls in order, and the lines they belong to."""

    arrays: dict[Node, Array]  # leaves and results; views join as they are asked for
    calls: list[Call] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    line: Line | None = None
    # transposed matrices in C order, for each section its own
    copies: dict[tuple[Node, int], Array] = field(default_factory=dict)
    spots: dict[int, tuple[Any, int]] = field(default_factory=dict)
    sections: list[int] = field(
        default_factory=lambda: [0]
    )  # where the calls before, in and after the shards begin
    section: int = BEFORE  # the one that is being emitted

    def add(self, found: list[Call]) -> None:
        """Append calls to the running line."""
        if self.line is not None:
            self.line.calls += range(len(self.calls), len(self.calls) + len(found))
        self.calls += found

    def spot(self, x: Array) -> tuple[Any, int]:
        """The shape and strides of an array, and whose memory it is; where it begins. Stacks keep but one memory alive.

        The array must be one that a node has: those live as long as the program.
        """
        if id(x) not in self.spots:
            self.spots[id(x)] = (x.shape, x.strides, id(owner(x))), address(x)
        return self.spots[id(x)]

    def array(self, node: Node) -> Array:
        """The memory of a node; a view that is none in this layout is copied out, once."""
        chain = []
        while node not in self.arrays:
            chain.append(node)
            node = node.inputs[0]
        for n in reversed(chain):
            x = self.arrays[n.inputs[0]]
            found = _view(n, x)
            if found is None:
                if not through(n.section, self.section):
                    raise CrossingError(n, f"is copied in section {self.section}")
                found = np.empty(n.shape, n.dtype)
                self.add([(np.copyto, (found.reshape(x.shape), x))])
            self.arrays[n] = found
        return self.arrays[chain[0] if chain else node]


def _view(n: Node, x: Array) -> Array | None:
    """What n looks at in x."""
    fn: Any = n.fn
    if fn is np.reshape:
        return viewed(x, n.shape)
    if fn is getitem:
        index = n.kwargs["index"]
        found: Array = x[index if Ellipsis in index else (*index, ...)]
        return found
    return np.asarray(fn(x, **n.kwargs))
