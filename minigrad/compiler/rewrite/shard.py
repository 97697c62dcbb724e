"""The batch in shards: the same graph for each part of the examples, to run on its own thread.

What is added up over the examples (the loss, the gradients) is added up per shard, and then over
the shards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node, constant
from minigrad.compiler.primitives import total
from minigrad.compiler.schedule.sections import AFTER, BEFORE, FIRST_SHARD
from minigrad.compiler.views import is_view
from minigrad.ops.elementwise import cast
from minigrad.ops.indexing import getitem

from .batch import Batch, axes_in_operands, sums_examples


def split_batch(graph: Graph, batch: Batch, count: int) -> Graph:
    """The graph in so many shards; the same graph where one would have to wait for another."""
    bounds = [batch.size * i // count for i in range(count + 1)]
    split = _Split(batch, list(pairwise(bounds)))
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
    """

    batch: Batch
    rows: list[tuple[int, int]]
    one: dict[Node, Node] = field(default_factory=dict)
    each: dict[Node, list[Node]] = field(default_factory=dict)

    def add(self, n: Node) -> bool:
        """Write n; False: there is no way."""
        if n in self.batch:
            self.each[n] = self.per_shard(lambda shard: self._part(n, shard))
            return self._reads_examples_alike(n)
        parts = [x for x in n.inputs if x in self.each]
        sums = [x for x in parts if x not in self.batch]
        if self._is_sum_of_shards(n, parts, sums):
            self.each[n] = self.per_shard(lambda shard: self._copy(n, shard, self._sum_part))
        elif n.fn is total and len(sums) == len(parts) > 1 and _all_of_shape(parts, n.shape):
            self._add_total(n, parts)
        elif len(parts) > len(sums):
            return False
        else:
            self.one[n] = n.with_inputs(tuple([self.sum(x) for x in n.inputs]))
        return True

    def per_shard(self, node: Callable[[int], Node]) -> list[Node]:
        """A node for every shard."""
        return [node(shard) for shard in range(len(self.rows))]

    def sum(self, x: Node) -> Node:
        """x, or the sum over the shards."""
        if x in self.one:
            return self.one[x]
        if is_view(x):
            self.one[x] = x.with_inputs((self.sum(x.inputs[0]), *x.inputs[1:]))
        else:
            self.one[x] = replace(x, fn=total, inputs=tuple(self.each[x]), kwargs={})
        return self.one[x]

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

    def _is_sum_of_shards(self, n: Node, parts: list[Node], sums: list[Node]) -> bool:
        """Whether n, done in each shard, gives what is to be added up over the shards.

        parts: its operands that each shard has. sums: those that are sums over the examples
        themselves.
        """
        if sums_examples(n, self.batch) and not sums:
            return True
        return len(n.inputs) == len(parts) == len(sums) == 1 and _is_linear(n)

    def _add_total(self, n: Node, parts: list[Node]) -> None:
        """Add up the parts of each shard; where n has other terms too, all that once."""
        totals = []
        for shard in range(len(self.rows)):
            terms = [self.each[x][shard] for x in parts]
            totals.append(replace(n, inputs=tuple(terms), section=FIRST_SHARD + shard))
        rest = [self.one[x] for x in n.inputs if x not in self.each]
        if rest:
            self.one[n] = n.with_inputs((*totals, *rest))
        else:
            self.each[n] = totals

    def _part(self, n: Node, shard: int) -> Node:
        """The node for the examples of one shard."""
        start, stop = self.rows[shard]
        shape = self.batch.shape(n, stop - start)
        if n.fn is not None:
            return self._copy(n, shard, self._example_part, shape)
        return self._leaf_part(n, start, stop, shape)

    def _leaf_part(self, n: Node, start: int, stop: int, shape: tuple[int, ...]) -> Node:
        """The examples from start to stop of an input or constant. shape: of the result."""
        axis, inner = self.batch.axis_of[n]
        size = self.batch.size
        before, behind = n.shape[:axis], n.shape[axis + 1 :]
        count = n.shape[axis] // (size * inner)
        # with the examples on an axis of their own
        apart = (*before, count, size, inner, *behind)
        index: tuple[Any, ...] = (slice(None),) * (axis + 1) + (slice(start, stop), ...)
        if n.value is not None:
            values = n.value.reshape(apart)[index].reshape(shape)
            return constant(np.ascontiguousarray(values))
        if inner == 1 and count == 1:
            return n.made(getitem, n, shape=shape, index=(*index[1:-1], ...))
        taken = (*before, count, stop - start, inner, *behind)
        part = n.reshaped(apart)
        return part.made(getitem, part, shape=taken, index=index).reshaped(shape)

    def _copy(
        self,
        n: Node,
        shard: int,
        operand: Callable[[Node, int], Node],
        shape: tuple[int, ...] | None = None,
    ) -> Node:
        """The operation in one shard.

        operand: what it reads there for an operand. shape: of the result, if it changes.
        """
        start, stop = self.rows[shard]
        inputs = tuple([operand(x, shard) for x in n.inputs])
        shape = n.shape if shape is None else shape
        kwargs = self.batch.keywords(n, shape, stop - start)
        return replace(n, inputs=inputs, kwargs=kwargs, shape=shape, section=FIRST_SHARD + shard)

    def _sum_part(self, x: Node, shard: int) -> Node:
        """A shard's part of what has examples or is a sum over them; else what all share."""
        return self.each[x][shard] if x in self.each else self.sum(x)

    def _example_part(self, x: Node, shard: int) -> Node:
        """A shard's part of what has examples; else what all share, sums over all examples too."""
        return self.each[x][shard] if x in self.batch else self.sum(x)


def _all_of_shape(nodes: list[Node], shape: tuple[int, ...]) -> bool:
    return all(n.shape == shape for n in nodes)


def _is_linear(n: Node) -> bool:
    """Whether n of a sum is the sum of n of its terms: not where reals are cut off."""
    if is_view(n):
        return True
    if n.dtype.kind != "f" or n.inputs[0].dtype.kind != "f":
        return False
    return n.fn in (np.sum, cast) or (n.fn is total and len(n.inputs) == 1)


def _one_after_the_other(graph: Graph) -> bool:
    """Enter what comes after all shards. False where one of them would have to wait for it.

    Mutates the sections of nodes that depend on shards, which only the new graph has.
    """
    for n in graph.nodes:
        latest = max((x.section for x in n.inputs), default=BEFORE)
        if n.section == BEFORE < latest:
            n.section = AFTER
        elif latest == AFTER:
            return False
    return True
