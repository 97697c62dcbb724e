"""Operands that look at something else: through views, which steps share, at rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.graph import Node
from minigrad.compiler.views import is_view
from minigrad.ops.indexing import getitem

from .affine import Grid, entries_of, even, mapped, refuse_unlike
from .rolled_program import Index, Read, View

WHOLE = slice(None)
Views = tuple[View, ...]


def looked_through(grid: Grid) -> tuple[Grid, Views]:
    """The nodes whose memory the nodes of a grid look at, and the views that lie between.

    Raises UnevenError where the views, or the shapes of what they look at, differ.
    """
    views: list[View] = []
    while any(map(is_look, entries_of(grid))):
        refuse_other_forms(grid)
        refuse_unlike(node.fn if is_look(node) else None for node in entries_of(grid))
        kwargs = even(mapped(grid, lambda node: node.kwargs))
        views.insert(0, View(grid[0][0].fn, kwargs))
        grid = mapped(grid, lambda node: node.inputs[0])
    return grid, tuple(views)


def refuse_other_forms(grid: Grid) -> None:
    """Raise UnevenError where the nodes of a grid differ in shape or dtype."""
    refuse_unlike((node.shape, node.dtype) for node in entries_of(grid))


def is_look(node: Node) -> bool:
    """Whether a node only looks at its operand, otherwise than at a row of a leaf."""
    return is_view(node) and not is_row(node)


def is_row(node: Node) -> bool:
    """Whether a node is one row of a leaf."""
    if node.fn is not getitem or len(node.inputs) > 1 or node.inputs[0].fn is not None:
        return False
    first, *rest = node.kwargs["index"]
    is_number = isinstance(first, (int, np.integer)) and not isinstance(first, bool)
    return is_number and all(map(_is_whole, rest))


def root_of(node: Node) -> Node:
    """What a node looks at, through views: a result, a leaf, or a row of a leaf."""
    while is_look(node):
        node = node.inputs[0]
    return node


def as_read(value: str, views: Views) -> Read:
    """A value as an operand; an index of one axis that changes from step to step is its row."""
    if not views or "index" not in views[0].kwargs:
        return Read(value, None, 0, views)
    (fn, kwargs), *others = views
    index = kwargs["index"]
    axis = _changing_axis(index)
    if axis is None or not isinstance(index[axis], Index):
        return Read(value, None, 0, views)
    before = index[:axis]
    rest = index[axis + 1 :]
    if not all(isinstance(entry, slice) for entry in before):
        return Read(value, None, 0, views)
    if not all(map(_is_whole, (*before, *rest))):
        others.insert(0, View(fn, {"index": (*before, *rest)}))
    return Read(value, index[axis], axis, tuple(others))


class Blocks(NamedTuple):
    """A slice that moves by its own length along an axis, as a row of blocks of that length."""

    axis: int
    length: int
    row: Index
    views: Views


def in_blocks(read: Read, shape: tuple[int, ...], last: tuple[int, int]) -> Blocks | None:
    """The blocks that a value of this shape is read in, if it is. last: the last step and lane."""
    if read.index is not None or not read.views or "index" not in read.views[0].kwargs:
        return None
    (fn, kwargs), *views = read.views
    index = kwargs["index"]
    axis = _changing_axis(index)
    if axis is None or not all(map(_is_whole, index[:axis])):
        return None
    length = _length(index[axis])
    if length is None or shape[axis] % length:
        return None
    start: Index = index[axis].start
    # past the ends a slice is empty, and a row is an error
    ends = (start.start, start.at(*last))
    is_inside = -shape[axis] <= min(ends) and max(ends) < shape[axis]
    if not is_inside or any(number % length for number in start):
        return None
    row = Index(*[number // length for number in start])
    rest = index[axis + 1 :]
    if not all(map(_is_whole, rest)):
        views.insert(0, View(fn, {"index": (*index[:axis], WHOLE, *rest)}))
    return Blocks(axis, length, row, tuple(views))


def _length(entry: Any) -> int | None:
    """How long a slice is that moves and stays as long; None for what is none."""
    if not isinstance(entry, slice) or entry.step is not None:
        return None
    start, stop = entry.start, entry.stop
    if not isinstance(start, Index) or not isinstance(stop, Index):
        return None
    length = stop.start - start.start
    return length if length > 0 and start[1:] == stop[1:] else None


def _changing_axis(index: tuple[Any, ...]) -> int | None:
    """The one place of an index that changes from step to step; None: none, or several."""
    changing = [axis for axis, entry in enumerate(index) if _changes(entry)]
    return changing[0] if len(changing) == 1 else None


def _changes(entry: Any) -> bool:
    """Whether an entry of an index changes from step to step."""
    if isinstance(entry, slice):
        return any(isinstance(x, Index) for x in (entry.start, entry.stop, entry.step))
    return isinstance(entry, Index)


def _is_whole(entry: Any) -> bool:
    return entry is Ellipsis or (isinstance(entry, slice) and entry == WHOLE)
