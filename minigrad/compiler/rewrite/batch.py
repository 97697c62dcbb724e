"""Where the examples of a batch lie in every array of a graph, found from one product outwards."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.primitives import pick, softmax_minus_one_hot
from minigrad.compiler.traits import elementwise, reduced_axes
from minigrad.compiler.views import index_entries, is_view, root_of
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
    axis_of: dict[Node, ExampleAxis]

    def __contains__(self, n: Node) -> bool:
        """Whether the node has examples."""
        return n in self.axis_of

    def shape(self, n: Node, rows: int) -> tuple[int, ...]:
        """The node's shape with so many examples."""
        shape = list(n.shape)
        axis = self.axis_of[n].axis
        shape[axis] = shape[axis] // self.size * rows
        return tuple(shape)

    def keywords(self, n: Node, shape: tuple[int, ...], rows: int) -> dict[str, Any]:
        """The node's keywords where it has that shape and so many examples."""
        if n.fn in (np.reshape, np.broadcast_to):
            return {**n.kwargs, "shape": shape}
        if n.fn is not getitem or n.inputs[0] not in self:
            return n.kwargs
        x = n.inputs[0]
        axis = self.axis_of[x].axis
        entries = index_entries(n.kwargs["index"], x.ndim)
        places = [i for i, entry in enumerate(entries) if entry is not None]
        start, stop, _ = entries[places[axis]].indices(x.shape[axis])
        entries[places[axis]] = slice(start // self.size * rows, stop // self.size * rows)
        return {"index": tuple(entries)}


# --- from one product outwards --------------------------------------------------------------------
def product_of_examples(graph: Graph) -> Node | None:
    """The first product, in a step, of rows of examples and a parameter."""
    for n in graph.nodes:
        if n.fn is np.matmul and n.time is not None and n.ndim == 2:
            rows, matrix = n.inputs
            if _is_parameter(matrix):
                return None if _is_parameter(rows) or rows.ndim != 2 else n
    return None


def batch_of(graph: Graph, seed: Node) -> Batch | None:
    """The batch whose examples are the rows of that product; None where something mixes them."""
    try:
        return _spread(graph, seed)
    except MixesExamples:
        return None


def _is_parameter(x: Node) -> bool:
    leaf = root_of(x).leaf
    return leaf is not None and leaf.requires_grad


def _spread(graph: Graph, seed: Node) -> Batch:
    """From every node to its operands and readers, until nothing new is learnt. Cost: linear.

    Raises: MixesExamples.
    """
    batch = Batch(seed.shape[0], {})
    slots = _reading_slots(graph)
    stack = [seed]

    def learn(n: Node, example_axis: ExampleAxis) -> None:
        if n not in batch:
            batch.axis_of[n] = example_axis
            stack.append(n)
        elif batch.axis_of[n] != example_axis:
            raise MixesExamples

    batch.axis_of[seed] = ExampleAxis(axis=0, inner=1)
    while stack:
        n = stack.pop()
        if n.fn is not None:
            _learn_operands(n, batch, learn)
        elif n.leaf is not None and n.leaf.requires_grad:
            raise MixesExamples
        for reader, slot in slots[n].items():
            if not sums_examples(reader, batch):
                learn(reader, _axis_in_result(reader, slot, batch))
            elif reader.fn is np.matmul:
                # they lie along the columns of the first operand and the rows of the second
                inner = batch.axis_of[n].inner
                learn(reader.inputs[0], ExampleAxis(1, inner))
                learn(reader.inputs[1], ExampleAxis(0, inner))
    return batch


def _learn_operands(n: Node, batch: Batch, learn: Callable[[Node, ExampleAxis], None]) -> None:
    for x, example_axis in zip(n.inputs, axes_in_operands(n, batch), strict=True):
        if example_axis is not None:
            learn(x, example_axis)


def _reading_slots(graph: Graph) -> dict[Node, dict[Node, int]]:
    """The readers of every node, with the first slot in which each reads it."""
    slots = defaultdict[Node, dict[Node, int]](dict)
    for n in graph.nodes:
        for slot, x in enumerate(n.inputs):
            slots[x].setdefault(n, slot)
    return slots


def sums_examples(n: Node, batch: Batch) -> bool:
    """Whether n adds up over the examples: a sum over their axis, a product along it."""
    if n.fn is np.sum:
        x = n.inputs[0]
        return x in batch and batch.axis_of[x].axis in _reduced(n)
    if n.fn is not np.matmul or any(x.ndim != 2 for x in n.inputs):
        return False
    a, b = n.inputs
    along_columns = a in batch and batch.axis_of[a].axis == 1
    along_rows = b in batch and batch.axis_of[b].axis == 0
    return along_columns or along_rows


# --- what a function does with the axes of its operands -------------------------------------------
def axes_in_operands(n: Node, batch: Batch) -> list[ExampleAxis | None]:
    """Where the examples lie in each operand of n, from where they lie in n; None: nowhere.

    Raises: MixesExamples.
    """
    example_axis = batch.axis_of[n]
    axis, inner = example_axis
    if n.fn is np.matmul:
        if axis != n.ndim - 2 or any(x.ndim != 2 for x in n.inputs):
            raise MixesExamples
        return [ExampleAxis(0, inner), None]
    if _is_aligned(n):
        return [_axis_in_aligned(n, x, example_axis) for x in n.inputs]
    if n.fn is pick:
        return [example_axis, example_axis]
    if n.fn in (np.concatenate, np.stack):
        return [_axis_in_joined(n, example_axis)] * len(n.inputs)
    if n.fn is np.reshape:
        return [_reshaped_axis(n.shape, example_axis, n.inputs[0].shape, batch.size)]
    if len(n.inputs) != 1:
        raise MixesExamples
    return [_axis_in_moved(n, example_axis, batch)]


def _axis_in_result(n: Node, slot: int, batch: Batch) -> ExampleAxis:
    """Where the examples lie in n, from where they lie in the operand in that slot.

    Raises: MixesExamples.
    """
    x = n.inputs[slot]
    axis, inner = batch.axis_of[x]
    if n.fn is np.matmul:
        if slot == 0 and axis == 0 and x.ndim == n.inputs[1].ndim == 2:
            return ExampleAxis(0, inner)
        raise MixesExamples
    if _is_aligned(n):
        return ExampleAxis(axis + _missing_axes(n, x), inner)
    if n.fn is pick and axis < n.ndim:
        return ExampleAxis(axis, inner)
    if n.fn in (np.concatenate, np.stack):
        along = n.kwargs.get("axis", 0)
        if along is not None and along >= 0:
            return ExampleAxis(axis + (n.fn is np.stack and along <= axis), inner)
    if n.fn is np.reshape:
        return _reshaped_axis(x.shape, batch.axis_of[x], n.shape, batch.size)
    moved = _moved(n, axis, inner, batch) if len(n.inputs) == 1 else None
    if moved is None:
        raise MixesExamples
    return moved


def _is_aligned(n: Node) -> bool:
    """Whether the operands have the axes of the result, but for some missing in front."""
    return elementwise(n.fn) or n.fn in (np.broadcast_to, softmax_minus_one_hot)


def _missing_axes(n: Node, x: Node) -> int:
    """How many axes of n are missing in front of the operand's."""
    labels = n.fn is softmax_minus_one_hot and x.ndim == n.ndim - 1
    # labels lack the last axis, not one in front
    return 0 if labels else n.ndim - x.ndim


def _axis_in_aligned(n: Node, x: Node, example_axis: ExampleAxis) -> ExampleAxis | None:
    own = example_axis.axis - _missing_axes(n, x)
    if own < 0:
        return None
    broadcast = x.shape[own] == 1 != n.shape[example_axis.axis]
    return None if broadcast else ExampleAxis(own, example_axis.inner)


def _axis_in_joined(n: Node, example_axis: ExampleAxis) -> ExampleAxis:
    """In the operands of a concatenation or stack."""
    axis, inner = example_axis
    along = n.kwargs.get("axis", 0)
    if along is None or along < 0:
        raise MixesExamples
    if n.fn is np.concatenate:
        return example_axis
    if along == axis:
        raise MixesExamples
    return ExampleAxis(axis - (along < axis), inner)


def _axis_in_moved(n: Node, example_axis: ExampleAxis, batch: Batch) -> ExampleAxis:
    """In the one operand of a function that moves axes: the only axis that comes to lie there."""
    inner = example_axis.inner
    axes = range(n.inputs[0].ndim)
    sources = [axis for axis in axes if _moved(n, axis, inner, batch) == example_axis]
    if len(sources) != 1:
        raise MixesExamples
    return ExampleAxis(sources[0], inner)


def _moved(n: Node, axis: int, inner: int, batch: Batch) -> ExampleAxis | None:
    """Where an axis goes in transposing, indexing and reducing; None: nowhere as a whole."""
    x = n.inputs[0]
    if x.shape[axis] % (batch.size * inner):
        return None
    moved = None
    if n.fn in (np.transpose, np.matrix_transpose):
        moved = _transposed_axes(n).index(axis)
    elif n.fn in (np.sum, np.max, np.min):
        moved = _axis_left(n, axis)
    elif n.fn is getitem and is_view(n):
        moved = _axis_indexed(n, axis, batch.size * inner)
    return None if moved is None else ExampleAxis(moved, inner)


def _transposed_axes(n: Node) -> list[int]:
    """For each axis of a transposed array that of the operand."""
    ndim = n.inputs[0].ndim
    axes = list(range(ndim))
    if n.kwargs.get("axes"):
        return [i % ndim for i in n.kwargs["axes"]]
    if n.fn is np.transpose:
        return axes[::-1]
    return [*axes[:-2], ndim - 1, ndim - 2]


def _axis_left(n: Node, axis: int) -> int | None:
    """Where an axis goes when some are reduced."""
    gone = _reduced(n)
    if axis in gone:
        return None
    if n.ndim == n.inputs[0].ndim:
        return axis
    return axis - sum(i < axis for i in gone)


def _axis_indexed(n: Node, axis: int, unit: int) -> int | None:
    """Where an axis goes in an index, whose slice must take whole units of so many numbers."""
    x = n.inputs[0]
    source = target = 0
    for entry in index_entries(n.kwargs["index"], x.ndim):
        if source == axis and entry is not None:
            whole = isinstance(entry, slice) and _takes_whole(entry, x.shape[axis], unit)
            return target if whole else None
        source += entry is not None
        target += entry is None or isinstance(entry, slice)
    return None


def _takes_whole(entry: slice, size: int, unit: int) -> bool:
    """Whether a slice of an axis of that size takes one run of units of so many numbers."""
    start, stop, step = entry.indices(size)
    return step == 1 and stop > start and start % unit == 0 and stop % unit == 0


def _reduced(n: Node) -> tuple[int, ...]:
    return reduced_axes(n.kwargs.get("axis"), n.inputs[0].ndim)


def _reshaped_axis(
    old: tuple[int, ...], example_axis: ExampleAxis, new: tuple[int, ...], size: int
) -> ExampleAxis:
    """Where the examples lie in another shape of the same numbers. Raises MixesExamples.

    old, new: the shapes. example_axis: where they lie in the old one. size: how many there are.
    """
    axis, inner = example_axis
    behind = inner * math.prod(old[axis + 1 :])
    for i in range(len(new)):
        rest = math.prod(new[i + 1 :])
        if behind % rest == 0 and new[i] % (behind // rest * size) == 0:
            return ExampleAxis(i, behind // rest)
    raise MixesExamples
