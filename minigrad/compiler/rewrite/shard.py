"""The batch in shards: the same graph for each part of the examples, so that each can run on a thread of its own.

What is added up over the examples (the loss, the gradients) is added up per shard, and then over the shards.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node, constant, is_view, ordered
from minigrad.compiler.schedule.sections import AFTER, BEFORE, FIRST_SHARD
from minigrad.ops.elementwise import cast
from minigrad.ops.indexing import getitem

from .batch import Batch, operands, summed
from .chains import total


def sharded(graph: Graph, batch: Batch, count: int) -> Graph:
    """The graph in so many shards; the same graph where one would have to wait for another."""
    bounds = [batch.size * i // count for i in range(count + 1)]
    split = _Split(batch, list(pairwise(bounds)))
    for n in graph.nodes:
        if not split.add(n):
            return graph
    outputs = [split.whole(o) for o in graph.outputs]
    found = ordered(tuple(o for o in outputs if o is not None))
    return found if None not in outputs and _one_after_the_other(found) else graph


class _Split:
    """The nodes of the new graph for those of the old one: one, or one per shard."""

    def __init__(self, batch: Batch, rows: list[tuple[int, int]]) -> None:
        self.batch, self.rows = batch, rows
        self.one: dict[Node, Node] = {}
        self.each: dict[Node, list[Node]] = {}  # has its examples, or a sum over them

    def add(self, n: Node) -> bool:
        """Write n; False: there is no way."""
        if n in self.batch.lies:
            self.each[n] = [self._part(n, s, *rows) for s, rows in enumerate(self.rows)]
            wanted = operands(n, self.batch) if n.fn is not None else ()
            return all(
                (x in self.batch.lies) == (lies is not None)
                for x, lies in zip(n.inputs, wanted, strict=True)
            )
        parts = [x for x in n.inputs if x in self.each]
        sums = [x for x in parts if x not in self.batch.lies]
        every = range(len(self.rows))
        if (summed(n, self.batch) and not sums) or (
            sums == parts and len(parts) == len(n.inputs) == 1 and _linear(n)
        ):
            self.each[n] = [self._copy(n, s, n.shape, sums=True) for s in every]
        elif (
            n.fn is total and len(sums) == len(parts) > 1 and all(x.shape == n.shape for x in parts)
        ):
            self.each[n] = [
                replace(n, inputs=terms, section=FIRST_SHARD + s)
                for s, terms in enumerate(zip(*[self.each[x] for x in parts], strict=True))
            ]
            rest = [self.one[x] for x in n.inputs if x not in self.each]
            if rest:
                self.one[n] = n.with_inputs((*self.each.pop(n), *rest))
        elif parts != sums:
            return False
        else:
            self.one[n] = n.with_inputs(tuple([self.sum(x) for x in n.inputs]))
        return True

    def sum(self, x: Node) -> Node:
        """x, or the sum over the shards."""
        if x not in self.one and is_view(x):
            self.one[x] = x.with_inputs((self.sum(x.inputs[0]), *x.inputs[1:]))
        elif x not in self.one:
            self.one[x] = replace(x, fn=total, inputs=tuple(self.each[x]), kwargs={})
        return self.one[x]

    def whole(self, o: Node) -> Node | None:
        """An output, of all examples."""
        if o not in self.batch.lies:
            return self.sum(o)
        axis, inner = self.batch.lies[o]
        if inner != 1 or o.shape[axis] != self.batch.size:
            return None
        parts = tuple(self.each[o])
        return replace(
            o,
            fn=np.concatenate,
            inputs=parts,
            kwargs={"axis": axis},
            time=None,
            leaf=None,
            value=None,
        )

    def _part(self, n: Node, s: int, start: int, stop: int) -> Node:
        shape = self.batch.shape(n, stop - start)
        if n.fn is not None:
            return self._copy(n, s, shape)
        axis, inner = self.batch.lies[n]
        size = self.batch.size
        apart = (
            *n.shape[:axis],
            n.shape[axis] // (size * inner),
            size,
            inner,
            *n.shape[axis + 1 :],
        )
        index: tuple[Any, ...] = (slice(None),) * (axis + 1) + (slice(start, stop), ...)
        if n.value is not None:
            return constant(np.ascontiguousarray(n.value.reshape(apart)[index].reshape(shape)))
        if inner == 1 and n.shape[axis] == size:
            return _view(n, shape, getitem, index=(*index[1:-1], ...))
        some = (*apart[: axis + 1], stop - start, *apart[axis + 2 :])
        return _reshaped(_view(_reshaped(n, apart), some, getitem, index=index), shape)

    def _copy(self, n: Node, s: int, shape: tuple[int, ...], sums: bool = False) -> Node:
        part = self.each if sums else self.batch.lies
        inputs = tuple([self.each[x][s] if x in part else self.sum(x) for x in n.inputs])
        start, stop = self.rows[s]
        kwargs = self.batch.keywords(n, shape, stop - start)
        return replace(n, inputs=inputs, kwargs=kwargs, shape=shape, section=FIRST_SHARD + s)


def _view(x: Node, shape: tuple[int, ...], fn: Any, **kwargs: Any) -> Node:
    return replace(x, fn=fn, inputs=(x,), kwargs=kwargs, shape=shape, name="", leaf=None)


def _reshaped(x: Node, shape: tuple[int, ...]) -> Node:
    return replace(
        x, fn=np.reshape, inputs=(x,), kwargs={"shape": shape}, shape=shape, name="", leaf=None
    )


def _linear(n: Node) -> bool:
    """Whether n of a sum is the sum of its n: not where reals are cut off, or truth values joined."""
    reals = n.dtype.kind == n.inputs[0].dtype.kind == "f"
    return is_view(n) or (
        reals and (n.fn in (np.sum, cast) or (n.fn is total and len(n.inputs) == 1))
    )


def _one_after_the_other(graph: Graph) -> bool:
    """Enter what comes after all shards. False where one of them would have to wait for it."""
    for n in graph.nodes:
        latest = max((x.section for x in n.inputs), default=BEFORE)
        if n.section == BEFORE < latest:
            n.section = AFTER
        elif latest == AFTER:
            return False
    return True
