"""Where the examples of a batch lie in every array of a graph, found from one product outwards in all directions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.compiler.capabilities import elementwise
from minigrad.compiler.graph import Graph, Node, is_view
from minigrad.ops.indexing import getitem

from .expand import pick, softmax_minus_one_hot

Lies = tuple[int, int]
"""(axis, inner): the axis holds (n, B, inner) in C order, as that of T*B rows does with inner 1."""


class Mixed(Exception):  # noqa: N818  (no error: the answer that there is no way)
    """An operation that the examples do not go through one by one."""


@dataclass(slots=True)
class Batch:
    """The number of examples, and where they lie in the nodes that have them; all other nodes are shared by all."""

    size: int
    lies: dict[Node, Lies]

    def shape(self, n: Node, rows: int) -> tuple[int, ...]:
        """The node's shape with so many examples."""
        axis, _ = self.lies[n]
        return tuple(k // self.size * rows if i == axis else k for i, k in enumerate(n.shape))

    def keywords(self, n: Node, shape: tuple[int, ...], rows: int) -> dict[str, Any]:
        """The node's keywords where it has that shape and so many examples."""
        if n.fn in (np.reshape, np.broadcast_to):
            return {**n.kwargs, "shape": shape}
        x = n.inputs[0] if n.inputs else n
        if n.fn is not getitem or x not in self.lies:
            return n.kwargs
        index, axis = written_out(n.kwargs["index"], x.ndim), self.lies[x][0]
        at = [i for i, entry in enumerate(index) if entry is not None][axis]
        start, stop, _ = index[at].indices(x.shape[axis])
        index[at] = slice(start // self.size * rows, stop // self.size * rows)
        return {"index": tuple(index)}


def product_of_examples(graph: Graph) -> Node | None:
    """The first product, in a step, of rows of examples and a parameter."""
    for n in graph.nodes:
        if n.fn is np.matmul and n.time is not None and n.ndim == 2 and _parameter(n.inputs[1]):
            return None if _parameter(n.inputs[0]) or n.inputs[0].ndim != 2 else n
    return None


def batch_of(graph: Graph, seed: Node) -> Batch | None:
    """The batch whose examples are the rows of that product. None: they do not go through the graph one by one."""
    try:
        return _spread(graph, seed, seed.shape[0])
    except Mixed:
        return None


def _parameter(x: Node) -> bool:
    while is_view(x):
        x = x.inputs[0]
    return x.leaf is not None and x.leaf.requires_grad


def _spread(graph: Graph, seed: Node, size: int) -> Batch:
    """From every node to its operands and readers, until nothing new is learnt. Cost: linear."""
    batch, stack = Batch(size, {seed: (0, 1)}), [seed]
    readers = defaultdict[Node, dict[Node, int]](dict)  # with the first slot in which each reads it
    for n in graph.nodes:
        for slot, x in enumerate(n.inputs):
            readers[x].setdefault(n, slot)

    def learn(n: Node, lies: Lies | None) -> None:
        if lies is not None and batch.lies.setdefault(n, lies) != lies:
            raise Mixed
        if lies is not None and n not in told:
            told.add(n)
            stack.append(n)

    told = {seed}
    while stack:
        n = stack.pop()
        if n.fn is None and n.leaf is not None and n.leaf.requires_grad:
            raise Mixed
        for x, lies in zip(n.inputs, operands(n, batch) if n.fn is not None else (), strict=True):
            learn(x, lies)
        for r, slot in readers[n].items():
            if not summed(r, batch):
                learn(r, result(r, slot, batch))
            elif r.fn is np.matmul:
                for axis, x in zip((1, 0), r.inputs, strict=True):
                    learn(x, (axis, batch.lies[n][1]))
    return batch


def summed(n: Node, batch: Batch) -> bool:
    """Whether n adds up over the examples: a sum over their axis, a product of two matrices along it."""
    if n.fn not in (np.sum, np.matmul):
        return False
    at = [batch.lies[x][0] if x in batch.lies else None for x in n.inputs]
    if n.fn is np.sum:
        return at[0] in _axes(n, n.inputs[0])
    return all(x.ndim == 2 for x in n.inputs) and (at[0] == 1 or at[1] == 0)


def operands(n: Node, batch: Batch) -> Iterator[Lies | None]:
    """Where the examples lie in each operand of n (None: nowhere), from where they lie in n. Raises Mixed."""
    axis, inner = batch.lies[n]
    fn: Any = n.fn
    if fn is np.matmul:
        if axis != n.ndim - 2 or any(x.ndim != 2 for x in n.inputs):
            raise Mixed
        yield from [(0, inner), None]
    elif elementwise(fn) or fn in (np.broadcast_to, softmax_minus_one_hot):
        for x in n.inputs:
            own = axis - n.ndim + x.ndim + (fn is softmax_minus_one_hot and x.ndim == n.ndim - 1)
            yield None if own < 0 or x.shape[own] == 1 != n.shape[axis] else (own, inner)
    elif fn is pick:
        yield from [(axis, inner), (axis, inner)]
    elif fn in (np.concatenate, np.stack):
        along = n.kwargs.get("axis", 0)
        yield from [_joined(n, along, axis, inner)] * len(n.inputs)
    elif fn is np.reshape:
        yield _reshaped(n.shape, (axis, inner), n.inputs[0].shape, batch.size)
    else:
        x = n.inputs[0]
        found = [own for own in range(x.ndim) if _moved(n, x, own, inner, batch) == (axis, inner)]
        if len(n.inputs) > 1 or len(found) != 1:
            raise Mixed
        yield found[0], inner


def result(n: Node, slot: int, batch: Batch) -> Lies:
    """Where the examples lie in n, from where they lie in the operand in that slot. Raises Mixed."""
    x, fn = n.inputs[slot], n.fn
    axis, inner = batch.lies[x]
    if fn is np.matmul and slot == 0 and axis == 0 and x.ndim == n.inputs[1].ndim == 2:
        return 0, inner
    if elementwise(fn) or fn in (np.broadcast_to, softmax_minus_one_hot):
        return axis + n.ndim - x.ndim - (
            fn is softmax_minus_one_hot and x.ndim == n.ndim - 1
        ), inner
    if fn is pick and axis < n.ndim:
        return axis, inner
    if fn in (np.concatenate, np.stack):
        along = n.kwargs.get("axis", 0)
        if along is not None and along >= 0:
            return axis + (fn is np.stack and along <= axis), inner
    if fn is np.reshape:
        return _reshaped(x.shape, (axis, inner), n.shape, batch.size)
    found = _moved(n, x, axis, inner, batch) if len(n.inputs) == 1 else None
    if found is None:
        raise Mixed
    return found


def _joined(n: Node, along: Any, axis: int, inner: int) -> Lies:
    if along is None or along < 0 or (n.fn is np.stack and along == axis):
        raise Mixed
    return axis - (n.fn is np.stack and along < axis), inner


def _moved(n: Node, x: Node, axis: int, inner: int, batch: Batch) -> Lies | None:
    """Where an axis of the one operand goes, in transposing, indexing and reducing; None: nowhere as a whole."""
    fn, kwargs = n.fn, n.kwargs
    if x.shape[axis] % (batch.size * inner):
        return None
    if fn in (np.transpose, np.matrix_transpose):
        axes = kwargs.get("axes") or (
            range(x.ndim)[::-1] if fn is np.transpose else (*range(x.ndim - 2), -1, -2)
        )
        return [i % x.ndim for i in axes].index(axis), inner
    if fn in (np.sum, np.max, np.min):
        gone = _axes(n, x)
        return (
            None
            if axis in gone
            else (axis if n.ndim == x.ndim else axis - sum(i < axis for i in gone), inner)
        )
    if fn is getitem and is_view(n):
        own = out = 0
        for i in written_out(kwargs["index"], x.ndim):
            if own == axis and i is not None:
                start, stop, step = i.indices(x.shape[axis]) if isinstance(i, slice) else (0, 0, 0)
                apart = (
                    step == 1
                    and start % (batch.size * inner) == stop % (batch.size * inner) == 0
                    and stop > start
                )
                return (out, inner) if apart else None
            own += i is not None
            out += i is None or isinstance(i, slice)
    return None


def written_out(index: tuple[Any, ...], ndim: int) -> list[Any]:
    """An index of ints, slices and None with an entry for every axis."""
    full, rest = (
        list(index),
        [slice(None)] * (ndim - sum(i is not None and i is not Ellipsis for i in index)),
    )
    at = full.index(Ellipsis) if Ellipsis in full else len(full)
    full[at : at + 1] = rest
    return full


def _axes(n: Node, x: Node) -> tuple[int, ...]:
    axis = n.kwargs.get("axis")
    return tuple(
        i % x.ndim
        for i in (range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,))
    )


def _reshaped(old: tuple[int, ...], lies: Lies, new: tuple[int, ...], size: int) -> Lies:
    """Where the examples lie in another shape of the same numbers. Raises Mixed."""
    axis, inner = lies
    behind = inner * math.prod(old[axis + 1 :])
    for i in range(len(new)):
        rest = math.prod(new[i + 1 :])
        if behind % rest == 0 and new[i] % (behind // rest * size) == 0:
            return i, behind // rest
    raise Mixed
