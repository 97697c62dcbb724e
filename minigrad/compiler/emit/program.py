"""What is being emitted: calls, the lines of the listing, the memory of every node."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.shard_sections import BEFORE, CrossingError, outlives
from minigrad.compiler.strided import address, owner, viewed
from minigrad.core.array import Array
from minigrad.ops.indexing import getitem

Call = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function and its arguments; arrays among them are read and written where they lie."""
Calls = list[Call]
Keywords = dict[str, Any]
Operands = list[Array]
"""The arrays of a node's operands."""


def copying(out: Array, x: Array, *casting: str) -> Call:
    """The call that copies x to out."""
    return np.copyto, (out, x, *casting)


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
        numbers = len(self.family) * math.prod(first.shape)
        return numbers * first.dtype.itemsize


class Spot(NamedTuple):
    """Where an array lies.

    layout: its shape, strides, and whose memory it is; arrays of one layout can be stacked. begin:
    its address.
    """

    layout: tuple[Any, ...]
    begin: int

    @property
    def buffer(self) -> int:
        """Whose memory it is, as a number."""
        *_, buffer = self.layout
        return int(buffer)


class Program:
    """Calls in order, and the lines they belong to.

    arrays: the memory of leaves and results; views join as they are asked for. sections: the call
    with which the work before the shards begins, each shard, and the work after them. section: the
    one that is being emitted. line: the one that calls are added to. copies: transposed matrices in
    C order, by node and section. carrying: the calls after all others, which write to leaves.
    """

    def __init__(self, arrays: dict[Node, Array]) -> None:
        self.arrays = arrays
        self.calls: Calls = []
        self.carrying: Calls = []
        self.lines: list[Line] = []
        self.line: Line | None = None
        self.sections = [0]
        self.section = BEFORE
        self.copies: dict[tuple[Node, int], Array] = {}
        self._spots: dict[int, Spot] = {}

    def begin_line(self, line: Line) -> Line:
        """What is added from now on belongs to this line."""
        self.lines.append(line)
        self.line = line
        return line

    def add(self, calls: Calls) -> None:
        """Append calls to the running line."""
        start = len(self.calls)
        self.calls += calls
        if self.line is not None:
            self.line.calls += range(start, len(self.calls))

    def begin_section(self, section: int) -> None:
        """What is added from now on belongs to this section."""
        self.section = section
        self.sections.append(len(self.calls))

    def spot(self, array: Array) -> Spot:
        """Where the array of a node lies, looked up once.

        By its id: such an array lives as long as the program.
        """
        spot = self._spots.get(id(array))
        if spot is None:
            layout = (array.shape, array.strides, id(owner(array)))
            spot = Spot(layout, address(array))
            self._spots[id(array)] = spot
        return spot

    def array(self, node: Node) -> Array:
        """The memory of a node; a view that is none in this layout is copied out, once."""
        unknown = []
        source = node
        while source not in self.arrays:
            unknown.append(source)
            source = source.inputs[0]
        # without recursion: a chain of views may be long
        array = self.arrays[source]
        for n in reversed(unknown):
            view = _view(n, array)
            if view is None:
                view = self._copy_out(n, array)
            self.arrays[n] = array = view
        return array

    def _copy_out(self, node: Node, source: Array) -> Array:
        if not outlives(node.section, self.section):
            raise CrossingError(node, f"is copied in section {self.section}")
        copy = np.empty(node.shape, node.dtype)
        in_order = copy.reshape(source.shape)
        self.add([copying(in_order, source)])
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
