"""What a function does with the axis that the examples of a batch lie along."""

from __future__ import annotations

import math

import numpy as np

from minigrad.compiler.graph import Node, Shape
from minigrad.compiler.primitives import added_rows, pick, softmax_minus_one_hot
from minigrad.compiler.traits import elementwise, reduced_axes
from minigrad.compiler.views import index_entries, is_view
from minigrad.ops.indexing import getitem
from minigrad.ops.rows.embedding import embedding

from .examples import Batch, ExampleAxis, MixesExamples


def sums_examples(n: Node, batch: Batch) -> bool:
    """Whether n adds up over the examples: a sum over their axis, a product along it, rows."""
    if n.fn is np.sum:
        x = n.inputs[0]
        return x in batch and batch.axis_of[x].axis in _reduced(n)
    if n.fn is added_rows:
        # the last axis is that of a row
        return any(x in batch and batch.axis_of[x].axis < n.inputs[1].ndim for x in n.inputs)
    if n.fn is not np.matmul or not _of_matrices(n):
        return False
    a, b = n.inputs
    along_columns = a in batch and batch.axis_of[a].axis == 1
    along_rows = b in batch and batch.axis_of[b].axis == 0
    return along_columns or along_rows


def axes_in_operands(n: Node, batch: Batch) -> list[ExampleAxis | None]:
    """Where the examples lie in each operand of n, from where they lie in n; None: nowhere.

    Raises: MixesExamples.
    """
    example_axis = batch.axis_of[n]
    if n.fn is np.matmul:
        return _axes_in_factors(n, example_axis)
    if _is_aligned(n):
        return [_axis_in_aligned(n, x, example_axis) for x in n.inputs]
    if n.fn in (pick, embedding):
        return _axes_of_places(n, example_axis)
    if n.fn in (np.concatenate, np.stack):
        return [_axis_in_joined(n, example_axis)] * len(n.inputs)
    if n.fn is np.reshape:
        source = n.inputs[0]
        axis = _reshaped_axis(n.shape, example_axis, source.shape, batch.size)
        return [axis]
    if len(n.inputs) != 1:
        raise MixesExamples
    axis = _axis_in_moved(n, example_axis, batch)
    return [axis]


def _axes_in_factors(n: Node, example_axis: ExampleAxis) -> list[ExampleAxis | None]:
    axis, inner = example_axis
    if axis != n.ndim - 2 or not _of_matrices(n):
        raise MixesExamples
    return [ExampleAxis(0, inner), None]


def _axes_of_places(n: Node, example_axis: ExampleAxis) -> list[ExampleAxis | None]:
    """In an array and the numbers of what is picked of each row; in those of whole rows alone."""
    if n.fn is pick:
        return [example_axis, example_axis]
    if example_axis.axis == n.ndim - 1:
        raise MixesExamples
    return [example_axis, None]


def axis_in_result(n: Node, slot: int, batch: Batch) -> ExampleAxis:
    """Where the examples lie in n, from where they lie in the operand in that slot.

    Raises: MixesExamples.
    """
    x = n.inputs[slot]
    axis, inner = batch.axis_of[x]
    if n.fn is np.reshape:
        return _reshaped_axis(x.shape, batch.axis_of[x], n.shape, batch.size)
    target = None
    if n.fn is np.matmul:
        if slot == axis == 0 and _of_matrices(n):
            target = 0
    elif _is_aligned(n):
        target = axis + _missing_axes(n, x)
    elif n.fn is pick and axis < n.ndim:
        target = axis
    elif n.fn is embedding:
        target = axis if slot == 0 else None
    elif n.fn in (np.concatenate, np.stack):
        target = _axis_of_joined(n, axis)
    elif len(n.inputs) == 1:
        target = _moved(n, axis, batch.size * inner)
    if target is None:
        raise MixesExamples
    return ExampleAxis(target, inner)


def _of_matrices(n: Node) -> bool:
    return all(x.ndim == 2 for x in n.inputs)


def _axis_of_joined(n: Node, axis: int) -> int | None:
    """Where an axis of the operands goes in a concatenation or stack."""
    along = n.kwargs.get("axis", 0)
    if along is None or along < 0:
        return None
    if n.fn is np.stack and along <= axis:
        return axis + 1
    return axis


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
    axis, inner = example_axis
    if x.shape[own] == 1 and n.shape[axis] != 1:
        return None
    return ExampleAxis(own, inner)


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
    target, inner = example_axis
    sources = []
    for axis in range(n.inputs[0].ndim):
        if _moved(n, axis, batch.size * inner) == target:
            sources.append(axis)
    if len(sources) != 1:
        raise MixesExamples
    return ExampleAxis(sources[0], inner)


def _moved(n: Node, axis: int, unit: int) -> int | None:
    """Where an axis goes in transposing, indexing and reducing; None: nowhere as a whole.

    unit: how many numbers must stay together.
    """
    if n.inputs[0].shape[axis] % unit:
        return None
    if n.fn in (np.transpose, np.matrix_transpose):
        return _transposed_axes(n).index(axis)
    if n.fn in (np.sum, np.max, np.min):
        return _axis_left(n, axis)
    if n.fn is getitem and is_view(n):
        return _axis_indexed(n, axis, unit)
    return None


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
            whole = _takes_whole(entry, x.shape[axis], unit)
            return target if whole else None
        source += entry is not None
        target += entry is None or isinstance(entry, slice)
    return None


def _takes_whole(entry: int | slice, size: int, unit: int) -> bool:
    """Whether an entry for an axis of that size takes one run of units of so many numbers."""
    if not isinstance(entry, slice):
        return False
    start, stop, step = entry.indices(size)
    if step != 1 or stop <= start:
        return False
    return start % unit == 0 and stop % unit == 0


def _reduced(n: Node) -> tuple[int, ...]:
    x = n.inputs[0]
    axis = n.kwargs.get("axis")
    return reduced_axes(axis, x.ndim)


def _reshaped_axis(old: Shape, example_axis: ExampleAxis, new: Shape, size: int) -> ExampleAxis:
    """Where the examples lie in another shape of the same numbers. Raises MixesExamples.

    old, new: the shapes. example_axis: where they lie in the old one. size: how many there are.
    """
    axis, inner = example_axis
    behind = inner * math.prod(old[axis + 1 :])
    for i, length in enumerate(new):
        rest = math.prod(new[i + 1 :])
        inner = behind // rest
        if behind % rest == 0 and length % (inner * size) == 0:
            return ExampleAxis(i, inner)
    raise MixesExamples
