"""What is being emitted: the calls so far, the lines of the listing they belong to, the memory of every node."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.sections import BEFORE, CrossingError, outlives
from minigrad.compiler.strided import address, owner, viewed
from minigrad.core.array import Array
from minigrad.ops.indexing import getitem

Call = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function and its arguments; arrays among them are read and written where they lie."""


@dataclass(eq=False, slots=True)
class Line:
    """One line of the listing: a family, how it runs, and its calls among those of the plan.

    batching: how many steps run at once, as text. reason: why not all of them.
    """

    family: Family
    unit: int
    batching: str = ""
    reason: str = ""
    calls: list[int] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """The bytes of all results together."""
        first = self.family.first
        return len(self.family) * math.prod(first.shape) * first.dtype.itemsize


class Spot(NamedTuple):
    """Where an array lies: shape, strides and whose memory it is; in bytes, where it begins.

    Two spots of one layout are a step of a stack apart.
    """

    layout: tuple[tuple[int, ...], tuple[int, ...], int]
    begin: int


@dataclass(eq=False, slots=True)
class Program:
    """Calls in order, and the lines they belong to.

    arrays: the memory of leaves and results; views join as they are asked for. line: the one that calls are added to.
    copies: transposed matrices in C order, for each section its own. sections: the call with which the work before
    the shards begins, each shard, and the work after them. section: the one that is being emitted.
    """

    arrays: dict[Node, Array]
    calls: list[Call] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    line: Line | None = None
    copies: dict[tuple[Node, int], Array] = field(default_factory=dict)
    spots: dict[int, Spot] = field(default_factory=dict)
    sections: list[int] = field(default_factory=lambda: [0])
    section: int = BEFORE

    def add(self, calls: list[Call]) -> None:
        """Append calls to the running line."""
        if self.line is not None:
            self.line.calls += range(len(self.calls), len(self.calls) + len(calls))
        self.calls += calls

    def begin_section(self, section: int) -> None:
        """What is added from now on belongs to this section."""
        self.section = section
        self.sections.append(len(self.calls))

    def spot(self, array: Array) -> Spot:
        """Where the array of a node lies, looked up once: such arrays live as long as the program, and so do their ids."""
        key = id(array)
        if key not in self.spots:
            layout = (array.shape, array.strides, id(owner(array)))
            self.spots[key] = Spot(layout, address(array))
        return self.spots[key]

    def array(self, node: Node) -> Array:
        """The memory of a node; a view that is none in this layout is copied out, once."""
        if node in self.arrays:
            return self.arrays[node]
        unknown = []
        source = node
        while source not in self.arrays:
            unknown.append(source)
            source = source.inputs[0]
        for n in reversed(unknown):
            source_array = self.arrays[n.inputs[0]]
            view = _view(n, source_array)
            if view is None:
                view = self._copy_out(n, source_array)
            self.arrays[n] = view
        return self.arrays[node]

    def _copy_out(self, node: Node, source: Array) -> Array:
        if not outlives(node.section, self.section):
            raise CrossingError(node, f"is copied in section {self.section}")
        copy = np.empty(node.shape, node.dtype)
        self.add([(np.copyto, (copy.reshape(source.shape), source))])
        return copy


def _view(node: Node, source: Array) -> Array | None:
    """What a view looks at in its source; None where that takes a copy."""
    fn: Any = node.fn
    if fn is np.reshape:
        return viewed(source, node.shape)
    if fn is getitem:
        index = node.kwargs["index"]
        if Ellipsis not in index:
            # without an ellipsis a whole index gives a number, not an array of no axes
            index = (*index, ...)
        return np.asarray(source[index])
    return np.asarray(fn(source, **node.kwargs))
