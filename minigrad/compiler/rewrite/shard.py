"""The batch in shards: the same graph for each part of the examples, to run on its own thread.

What is added up over the examples (the loss, the gradients) is added up per shard, and then over
the shards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node, Shape, constant
from minigrad.compiler.primitives import total
from minigrad.compiler.schedule.shard_sections import AFTER, BEFORE, FIRST_SHARD
from minigrad.compiler.views import is_view
from minigrad.ops.elementwise import cast
from minigrad.ops.indexing import getitem

from .example_axes import axes_in_operands, sums_examples
from .examples import Batch


def split_batch(graph: Graph, batch: Batch, count: int) -> Graph:
    """The graph in so many shards; the same graph where one would have to wait for another."""
    bounds = [batch.size * i // count for i in range(count + 1)]
    rows = list(pairwise(bounds))
    split = _Split(batch, rows)
    for n in graph.nodes:
        if not split.add(n):
            return graph
    outputs = []
    for output in graph.outputs:
        whole = split.whole(output)
        if whole is None:
            return graph
        outputs.append(whole)
    sharded = Graph.of(tuple(outputs))
    return sharded if _one_after_the_other(sharded) else graph


@dataclass(frozen=True, slots=True)
class _Split:
    """The nodes of the new graph for those of the old one.

    rows: the first example of every shard, and the one after its last. one: the new node, where
    there is one. each: one per shard, for what has its examples, or is a sum over them.
    given: what follows from inputs alone, outside all steps, such as the number of targets that
    count: its sums over the examples are computed before the shards, which may read them.
    """

    batch: Batch
    rows: list[tuple[int, int]]
    one: dict[Node, Node] = field(default_factory=dict)
    each: dict[Node, list[Node]] = field(default_factory=dict)
    given: set[Node] = field(default_factory=set)

    def add(self, n: Node) -> bool:
        """Write n; False: there is no way."""
        if _follows_from_inputs(n, self.given):
            self.given.add(n)
            if n not in self.batch:
                self.one[n] = n
                return True
        if n in self.batch:
            self.each[n] = [self._part(n, shard) for shard in self.shards]
            return self._reads_examples_alike(n)
        parts = [x for x in n.inputs if x in self.each]
        only_sums = self.batch.axis_of.keys().isdisjoint(parts)
        if self._is_sum_of_shards(n, parts, only_sums):
            self.each[n] = [self._sum_part(n, shard) for shard in self.shards]
        elif only_sums and _is_total_of(n, parts):
            self._add_total(n, parts)
        elif only_sums:
            sums = [self.sum(x) for x in n.inputs]
            self.one[n] = n.with_inputs(tuple(sums))
        else:
            return False
        return True

    @property
    def shards(self) -> range:
        """The number of every shard."""
        return range(len(self.rows))

    def sum(self, x: Node) -> Node:
        """x, or the sum over the shards."""
        if x in self.one:
            return self.one[x]
        if is_view(x):
            source = self.sum(x.inputs[0])
            new = x.with_inputs((source, *x.inputs[1:]))
        else:
            parts = tuple(self.each[x])
            new = replace(x, fn=total, inputs=parts, kwargs={})
        self.one[x] = new
        return new

    def whole(self, output: Node) -> Node | None:
        """An output, of all examples; None: their parts cannot be put together."""
        if output not in self.batch:
            return self.sum(output)
        axis, inner = self.batch.axis_of[output]
        if inner != 1 or output.shape[axis] != self.batch.size:
            return None
        return replace(
            output,
            fn=np.concatenate,
            inputs=tuple(self.each[output]),
            kwargs={"axis": axis},
            time=None,
            leaf=None,
            value=None,
        )

    def _reads_examples_alike(self, n: Node) -> bool:
        """Whether those operands have examples that must, for n to have them where it does."""
        if n.fn is None:
            return True
        axes = axes_in_operands(n, self.batch)
        pairs = zip(n.inputs, axes, strict=True)
        return all((x in self.batch) == (axis is not None) for x, axis in pairs)

    def _is_sum_of_shards(self, n: Node, parts: list[Node], only_sums: bool) -> bool:
        """Whether n, done in each shard, gives what is to be added up over the shards.

        parts: its operands that each shard has. only_sums: they are sums over the examples.
        """
        if sums_examples(n, self.batch):
            return all(x in self.batch for x in parts)
        alone = len(parts) == len(n.inputs) == 1
        return alone and only_sums and _is_linear(n)

    def _add_total(self, n: Node, parts: list[Node]) -> None:
        """Add up the parts of each shard; where n has other terms too, all that once."""
        totals = []
        for shard in self.shards:
            terms = tuple([self.each[x][shard] for x in parts])
            section = FIRST_SHARD + shard
            totals.append(replace(n, inputs=terms, section=section))
        rest = [self.one[x] for x in n.inputs if x not in self.each]
        if rest:
            self.one[n] = n.with_inputs((*totals, *rest))
        else:
            self.each[n] = totals

    def _part(self, n: Node, shard: int) -> Node:
        """The node for the examples of one shard; it reads sums over the examples of all shards."""
        start, stop = self.rows[shard]
        shape = self.batch.shape(n, stop - start)
        if n.fn is None:
            return self._leaf_part(n, shard, shape)
        inputs = []
        for x in n.inputs:
            if x in self.batch:
                inputs.append(self.each[x][shard])
            else:
                inputs.append(self.sum(x))
        return self._copy(n, inputs, shape, shard)

    def _sum_part(self, n: Node, shard: int) -> Node:
        """The part of a sum over the examples that one shard gives; it reads sums of its own."""
        inputs = []
        for x in n.inputs:
            if x in self.each:
                inputs.append(self.each[x][shard])
            else:
                inputs.append(self.sum(x))
        return self._copy(n, inputs, n.shape, shard)

    def _copy(self, n: Node, inputs: list[Node], shape: Shape, shard: int) -> Node:
        """The operation on other operands in one shard. shape: of the result there."""
        start, stop = self.rows[shard]
        return replace(
            n,
            inputs=tuple(inputs),
            kwargs=self.batch.keywords(n, shape, stop - start),
            shape=shape,
            section=FIRST_SHARD + shard,
        )

    def _leaf_part(self, n: Node, shard: int, shape: Shape) -> Node:
        """The examples of an input or constant. shape: of the result."""
        axis, inner = self.batch.axis_of[n]
        size = self.batch.size
        before = n.shape[:axis]
        behind = n.shape[axis + 1 :]
        count = n.shape[axis] // (size * inner)
        # with the examples on an axis of their own
        apart = (*before, count, size, inner, *behind)
        everything = slice(None)
        start, stop = self.rows[shard]
        rows = slice(start, stop)
        lead = [everything] * axis
        index: tuple[Any, ...] = (*lead, everything, rows, ...)
        if n.value is not None:
            values = n.value.reshape(apart)[index]
            return constant(np.ascontiguousarray(values.reshape(shape)))
        if inner == 1 and count == 1:
            index = (*lead, rows, ...)
            return n.made(getitem, n, shape=shape, index=index)
        taken = (*before, count, stop - start, inner, *behind)
        whole = n.reshaped(apart)
        part = whole.made(getitem, whole, shape=taken, index=index)
        return part.reshaped(shape)


def _follows_from_inputs(n: Node, given: set[Node]) -> bool:
    """Whether n is an input, or made of what follows from inputs, outside all steps."""
    if n.fn is None:
        return n.leaf is None or not n.leaf.requires_grad
    return n.time is None and given.issuperset(n.inputs)


def _is_total_of(n: Node, parts: list[Node]) -> bool:
    """Whether n adds up several parts of its shape."""
    if n.fn is not total or len(parts) < 2:
        return False
    return all(x.shape == n.shape for x in parts)


def _is_linear(n: Node) -> bool:
    """Whether n of a sum is the sum of n of its terms: not where reals are cut off."""
    if is_view(n):
        return True
    if not n.is_real or not n.inputs[0].is_real:
        return False
    if n.fn is total:
        return len(n.inputs) == 1
    return n.fn in (np.sum, cast)


def _one_after_the_other(graph: Graph) -> bool:
    """Enter what comes after all shards. False where one of them would have to wait for it.

    Mutates the sections of nodes that depend on shards, which only the new graph has.
    """
    for n in graph.nodes:
        sections = [x.section for x in n.inputs]
        latest = max(sections, default=BEFORE)
        if n.section == BEFORE < latest:
            n.section = AFTER
        elif latest == AFTER:
            return False
    return True
