"""Where the nodes of a graph lie: in which value of the program, and in which of its rows."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.graph import Node
from minigrad.compiler.views import is_view
from minigrad.core.array import Array
from minigrad.core.tensor import Tensor
from minigrad.ops import op_name
from minigrad.ops.indexing import getitem
from minigrad.source import Place as CodePlace

from .affine import UnevenError, even
from .primitives import joined_rows
from .program import Block, Call, Form, Index, Read, View


class Place(NamedTuple):
    """A value, or one of its rows."""

    value: str
    row: int | None = None


@dataclass(slots=True)
class Places:
    """The values so far, and the blocks that give them.

    place_of: of nodes that are no views. joined: values that were made of rows, by what they hold.
    lines: where in the user's code values and calls come from.
    """

    names: Mapping[Tensor, str]
    blocks: list[Block] = field(default_factory=list)
    forms: dict[str, Form] = field(default_factory=dict)
    inputs: dict[str, Form] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    place_of: dict[Node, Place] = field(default_factory=dict)
    joined: dict[tuple[Place, ...], str] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    lines: dict[str, CodePlace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.taken.update(self.names.values())

    def place(self, node: Node) -> Place:
        """Where a node lies that is no view; a leaf gets its value now."""
        if node not in self.place_of:
            if is_row(node):
                (leaf,) = node.inputs
                number = int(node.kwargs["index"][0]) % leaf.shape[0]
                self.place_of[node] = Place(self.place(leaf).value, number)
            elif node.fn is not None:
                # of the loop that is being built
                raise UnevenError
            else:
                self.place_of[node] = Place(self._leaf(node))
        return self.place_of[node]

    def order(self, node: Node) -> tuple[int, int]:
        """A place in the order of values, and of rows."""
        place = self.place(node)
        return list(self.forms).index(place.value), place.row or 0

    def fresh(self, name: str) -> str:
        """The name, with a number behind it where it is taken."""
        self.taken[name] += 1
        if self.taken[name] == 1:
            return name
        return self.fresh(f"{name}#{self.taken[name]}")

    def _leaf(self, node: Node) -> str:
        form = Form(node.shape, node.dtype)
        if node.value is not None:
            name = self.fresh(node.name or "constant")
            self.constants[name] = node.value
        else:
            assert node.leaf is not None
            name = self.names[node.leaf]
            self.inputs[name] = form
        self.forms[name] = form
        self.lines[name] = node.place
        return name

    def value(self, name: str, node: Node, rows: int | None = None) -> str:
        """A new value for what the node is like, or for so many rows of it."""
        name = self.fresh(name)
        shape = node.shape if rows is None else (rows, *node.shape)
        self.forms[name] = Form(shape, node.dtype)
        self.lines[name] = node.place
        return name

    def read(self, node: Node) -> Read:
        """A node as an operand outside of loops."""
        return self.rows([[node]])

    def rows(self, grid: list[list[Node]]) -> Read:
        """The nodes of all steps and lanes as one operand. None of them is of the loop itself."""
        try:
            return self._even_rows(grid)
        except UnevenError:
            pass
        try:
            roots, views = looked_through(grid)
        except UnevenError:
            roots, views = [[self._as_root(node) for node in row] for row in grid], ()
        lanes = len(grid[0])
        joined = self.join([root for row in roots for root in row])
        return Read(joined, Index(0, lanes, 1 if lanes > 1 else 0), 0, views)

    def _even_rows(self, grid: list[list[Node]]) -> Read:
        roots, views = looked_through(grid)
        places = [[self.place(root) for root in row] for row in roots]
        value, row = even([[tuple(place) for place in row] for row in places])
        if isinstance(row, int):
            row = Index(row)
        return self._in_blocks(as_read(value, row, views))

    def _in_blocks(self, read: Read) -> Read:
        """A slice that moves by its own length is a row of the value in blocks of that length."""
        if read.index is not None or not read.views or "index" not in read.views[0].kwargs:
            return read
        (fn, kwargs), *views = read.views
        index = kwargs["index"]
        shape, dtype = self.forms[read.source]
        moving = [axis for axis, entry in enumerate(index) if _moves(entry)]
        if len(moving) != 1 or any(entry != slice(None) for entry in index[: moving[0]]):
            return read
        (axis,) = moving
        start, stop = index[axis].start, index[axis].stop
        if not isinstance(start, Index) or not isinstance(stop, Index):
            return read
        length = stop.start - start.start
        if index[axis].step is not None or any(number % length for number in (*start, shape[axis])):
            return read
        blocks = (*shape[:axis], shape[axis] // length, length, *shape[axis + 1 :])
        key = Place(f"{read.source} in blocks of {length}", axis)
        if (key,) not in self.joined:
            name = self.fresh(key.value)
            self.forms[name] = Form(blocks, dtype)
            call = Call(name, np.reshape, (Read(read.source),), {"shape": blocks}, blocks, dtype)
            self.blocks.append(call)
            self.joined[key,] = name
        row = Index(*[number // length for number in start])
        rest = index[axis + 1 :]
        if any(entry != slice(None) for entry in rest):
            views.insert(0, View(fn, {"index": (*index[:axis], slice(None), *rest)}))
        return Read(self.joined[key,], row, axis, tuple(views))

    def _as_root(self, node: Node) -> Node:
        """The node, its value computed where it is a view."""
        if _is_look(node) and node not in self.place_of:
            read = self.read(node)
            name = self.value(own_name(node), node)
            form = self.forms[name]
            self.blocks.append(Call(name, np.positive, (read,), {}, form.shape, form.dtype))
            self.place_of[node] = Place(name)
        return node

    def join(self, roots: list[Node]) -> str:
        """A value whose rows the nodes are."""
        places = tuple([self.place(root) for root in roots])
        if places not in self.joined:
            self.joined[places] = self._join(places, roots[0])
        return self.joined[places]

    def _join(self, places: tuple[Place, ...], like: Node) -> str:
        start: dict[str, int] = {}
        together = 0
        stacked = []
        for value, row in places:
            if value not in start:
                start[value] = together
                stacked.append(row is not None)
                together += 1 if row is None else self.forms[value].shape[0]
        numbers = [start[value] + (row or 0) for value, row in places]
        if stacked == [True] and numbers == list(range(together)):
            return places[0].value
        name = self.value(f"{name_of_rows(like)} rows", like, len(places))
        reads = tuple(map(Read, start))
        kwargs = {"stacked": tuple(stacked), "rows": _as_slice(numbers)}
        form = self.forms[name]
        self.blocks.append(Call(name, joined_rows, reads, kwargs, form.shape, form.dtype))
        return name


def looked_through(grid: list[list[Node]]) -> tuple[list[list[Node]], tuple[View, ...]]:
    """The nodes whose memory the nodes of a grid look at, and the views that lie between.

    Raises UnevenError where the views differ.
    """
    views: list[View] = []
    while any(_is_look(node) for row in grid for node in row):
        kinds = {node.fn for row in grid for node in row}
        if len(kinds) > 1 or not all(_is_look(node) for row in grid for node in row):
            raise UnevenError
        kwargs = even([[node.kwargs for node in row] for row in grid])
        fn = kinds.pop()
        assert fn is not None
        views.insert(0, View(fn, kwargs))
        grid = [[node.inputs[0] for node in row] for row in grid]
    return grid, tuple(views)


def _is_look(node: Node) -> bool:
    return is_view(node) and not is_row(node)


def is_row(node: Node) -> bool:
    """Whether a node is one row of a leaf."""
    if node.fn is not getitem or len(node.inputs) > 1 or node.inputs[0].fn is not None:
        return False
    first, *rest = node.kwargs["index"]
    is_number = isinstance(first, (int, np.integer)) and not isinstance(first, (bool, np.bool_))
    return is_number and all(entry in (slice(None), Ellipsis) for entry in rest)


def root_of(node: Node) -> Node:
    """What a node looks at, through views: a result, a leaf, or a row of a leaf."""
    while _is_look(node):
        node = node.inputs[0]
    return node


def as_read(value: str, row: Index | None, views: tuple[View, ...]) -> Read:
    """An operand; an index of one axis that changes from step to step is its row."""
    if row is not None or not views or "index" not in views[0].kwargs:
        return Read(value, row, 0, views)
    index = views[0].kwargs["index"]
    changing = [i for i, entry in enumerate(index) if isinstance(entry, Index)]
    before = index[: changing[0]] if changing else ()
    plain = all(isinstance(entry, slice) for entry in before)
    if len(changing) != 1 or not plain or _holds_index(index, changing[0]):
        return Read(value, row, 0, views)
    (axis,) = changing
    rest = (*before, *index[axis + 1 :])
    if all(entry == slice(None) or entry is Ellipsis for entry in rest):
        return Read(value, index[axis], axis, views[1:])
    return Read(value, index[axis], axis, (View(views[0].fn, {"index": rest}), *views[1:]))


def _holds_index(index: tuple[Any, ...], but: int) -> bool:
    """Whether slices of an index change from step to step."""
    return any(i != but and _moves(entry) for i, entry in enumerate(index))


def _moves(entry: Any) -> bool:
    """Whether an entry of an index changes from step to step."""
    if not isinstance(entry, slice):
        return False
    return any(isinstance(x, Index) for x in (entry.start, entry.stop, entry.step))


def _as_slice(numbers: list[int]) -> Any:
    """Numbers as a slice where they are even."""
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    if len(steps) > 1 or 0 in steps:
        return tuple(numbers)
    step = steps.pop() if steps else 1
    stop = numbers[-1] + (1 if step > 0 else -1)
    return slice(numbers[0], stop if stop >= 0 else None, step)


def own_name(node: Node) -> str:
    """The name of a value for this node alone."""
    if not node.name:
        return "constant" if node.fn is None else op_name(node.fn)
    return node.name


def name_in_step(node: Node, instead: str = "_t") -> str:
    """The name for this node and those like it in other steps: ``h_t`` for h_3."""
    if node.time is not None and node.name:
        for ending in (f"_{node.time}", f"_{{{node.time}}}"):
            if ending in node.name:
                return node.name.replace(ending, instead, 1)
    return own_name(node) + instead


def name_of_rows(node: Node) -> str:
    """The name for what this node and those like it are rows of: ``h`` for h_3."""
    return name_in_step(node, instead="")
