"""Truncation by reach: a node in one version for each reach that arrives at it.

What enters the steps at step t may go back so far and no further: that is its reach. Two gradients
of different reach cannot share a node, or one would go as far as the other; so each has a copy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from minigrad.core import gates
from minigrad.core.recurrence.state import Reading
from minigrad.core.tape import Edge, Tape
from minigrad.core.tensor import Tensor

from .rewrite import gated, rebuilt


class Reach(NamedTuple):
    """The steps that a gradient may go back to; the highest is for edges from the future."""

    lowest: int
    highest: int

    def allows(self, start: int, end: int) -> bool:
        """Whether a gradient in step ``start`` may go back to step ``end``."""
        if end < start:
            return self.lowest <= end
        return end == start or end <= self.highest


class Version(NamedTuple):
    """A node for the gradients of one reach; None: they have entered no step yet, or never will."""

    node: Tensor
    reach: Reach | None


Source = tuple[Version, bool]
"""What a version reads, and whether the edge to it leaves the version's reach."""
Reads = defaultdict[Tensor, dict[Version, list[Source]]]
"""The versions of each node that are needed, and what each of them reads."""


def split_by_reach(tape: Tape, reading: Reading, reach_from: Callable[[int], Reach]) -> Tape:
    """Cut the recurrent edges that leave the reach of what goes back along them.

    ``reading`` says which are recurrent, ``reach_from(t)`` is the reach of what enters the steps at
    step t.
    """
    return _Split(tape, reading, reach_from).rebuild()


class _Split:
    """A tape that is being split into versions."""

    def __init__(self, tape: Tape, reading: Reading, reach_from: Callable[[int], Reach]) -> None:
        self.tape = tape
        self.reading = reading
        self.times = reading.times
        # What enters the steps at a node, or at none.
        self.entry: dict[Tensor, Version] = {}
        # The nodes with a step at or before them: no others can change.
        self.stateful: set[Tensor] = set()
        self.new: dict[Version, Tensor] = {}
        self.cuts: dict[Any, Tensor] = {}
        for n in tape.nodes:
            t = self.times[n]
            reach = None if t is None else reach_from(t)
            self.entry[n] = Version(n, reach)
            if self._is_stateful(n):
                self.stateful.add(n)

    def _is_stateful(self, n: Tensor) -> bool:
        """Whether some function in a step computed n, or what n was computed from."""
        if n.fn is None:
            return False
        is_stamped = self.times[n] is not None
        return is_stamped or any(x in self.stateful for x in n.inputs)

    def rebuild(self) -> Tape:
        """The tape of all versions that the outputs need, cut where an edge leaves the reach."""
        reads = self._reads()
        for node in self.tape.nodes:
            for version, sources in reads[node].items():
                inputs = self._inputs(version, sources)
                self.new[version] = node.with_inputs(inputs)
        outputs = {o: self.new[self.entry[o]] for o in self.tape.outputs}
        return rebuilt(self.tape, outputs)

    def _reads(self) -> Reads:
        """What the outputs need, in the order in which a walk back meets it."""
        reads: Reads = defaultdict(dict)
        for o in self.tape.outputs:
            # What it reads is found when the walk comes to it.
            reads[o][self.entry[o]] = []
        for node in reversed(self.tape.nodes):
            for version, sources in reads[node].items():
                sources.extend(self._sources(version))
                for source, _ in sources:
                    reads[source.node].setdefault(source, [])
        return reads

    def _sources(self, reader: Version) -> Iterator[Source]:
        """The versions that a version reads, one for each of its node's inputs."""
        node, reach = reader
        for x in node.inputs:
            # No step lies at or before x: the same node for every reach.
            if x not in self.stateful:
                yield Version(x, None), False
            # The gradient enters the steps here, if x is in one.
            elif reach is None or self.reading.is_collecting(x, node):
                yield self.entry[x], False
            elif not self._leaves(reach, x, node):
                yield Version(x, reach), False
            # Behind a cut the values still count: the version that a new entry would have.
            else:
                yield self.entry[x], True

    def _leaves(self, reach: Reach, x: Tensor, n: Tensor) -> bool:
        """Whether x is state of a step that a gradient of this reach may not enter from n."""
        start = self.times[n]
        end = self.times[x]
        if start is None or end is None or not self.reading.is_recurrent(x, n):
            return False
        return not reach.allows(start, end)

    def _inputs(self, reader: Version, sources: list[Source]) -> tuple[Tensor, ...]:
        """What the copy of a version reads, through a gate where the edge leaves the reach."""
        inputs = []
        for slot, (source, is_outside) in enumerate(sources):
            if is_outside and Edge(source.node, reader.node, slot).carries_gradient:
                inputs.append(self._cut(source, reader))
            else:
                inputs.append(self.new[source])
        return tuple(inputs)

    def _cut(self, source: Version, reader: Version) -> Tensor:
        """The gate between two versions; the readers of one source in one step share it."""
        key = (source.node, self.times[reader.node], reader.reach)
        if key not in self.cuts:
            self.cuts[key] = gated(gates.detach, self.new[source], reader.node)
        return self.cuts[key]
