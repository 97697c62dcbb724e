"""Where the nodes of a graph lie: in which value of the program, and in which of its rows."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.graph import Node
from minigrad.compiler.primitives import joined_rows
from minigrad.core.array import Array
from minigrad.core.tensor import Tensor

from .affine import Grid, UnevenError, entries_of, even, mapped
from .operand_looks import (
    as_read,
    in_blocks,
    is_look,
    is_row,
    looked_through,
    refuse_other_forms,
)
from .rolled_program import Block, Call, Form, Index, Read
from .value_names import name_of_rows, own_name


class Place(NamedTuple):
    """A value, or one of its rows."""

    value: str
    row: int | None = None


@dataclass(slots=True)
class Places:
    """The values so far, and the blocks that give them.

    place_of: of nodes that are no views. joined: values that were made of rows, by what they hold.
    """

    names: Mapping[Tensor, str]
    blocks: list[Block] = field(default_factory=list)
    forms: dict[str, Form] = field(default_factory=dict)
    inputs: dict[str, Form] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    place_of: dict[Node, Place] = field(default_factory=dict)
    joined: dict[tuple[Place, ...], str] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)

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
        return name

    def value(
        self,
        name: str,
        node: Node,
        rows: int | None = None,
    ) -> str:
        """A new value for what the node is like, or for so many rows of it."""
        name = self.fresh(name)
        shape = node.shape if rows is None else (rows, *node.shape)
        self.forms[name] = Form(shape, node.dtype)
        return name

    def read(self, node: Node) -> Read:
        """A node as an operand outside of loops."""
        return self.rows([[node]])

    def rows(self, grid: Grid) -> Read:
        """The nodes of all steps and lanes as one operand. None of them is of the loop itself."""
        try:
            return self._even_rows(grid)
        except UnevenError:
            pass
        try:
            roots, views = looked_through(grid)
        except UnevenError:
            roots = mapped(grid, self.as_root)
            views = ()
        lanes = len(grid[0])
        row = Index(0, lanes, 1 if lanes > 1 else 0)
        return Read(self.join([*entries_of(roots)]), row, 0, views)

    def _even_rows(self, grid: Grid) -> Read:
        roots, views = looked_through(grid)
        value, row = even(mapped(roots, lambda root: tuple(self.place(root))))
        if row is not None:
            return Read(value, row if isinstance(row, Index) else Index(row), 0, views)
        read = as_read(value, views)
        last = (len(grid) - 1, len(grid[0]) - 1)
        blocks = in_blocks(read, self.forms[value].shape, last)
        if blocks is None:
            return read
        name = self._reshaped(value, blocks.axis, blocks.length)
        return Read(name, blocks.row, blocks.axis, blocks.views)

    def _reshaped(self, value: str, axis: int, length: int) -> str:
        """The value with an axis as two: of blocks, and of so many in each."""
        name = f"{value} in blocks of {length}"
        key = (Place(name, axis),)
        if key not in self.joined:
            form = self.forms[value]
            shape = list(form.shape)
            shape[axis : axis + 1] = [shape[axis] // length, length]
            new = Form(tuple(shape), form.dtype)
            self.joined[key] = self.fresh(name)
            self.forms[self.joined[key]] = new
            kwargs = {"shape": new.shape}
            call = Call(self.joined[key], np.reshape, (Read(value),), kwargs, *new)
            self.blocks.append(call)
        return self.joined[key]

    def as_root(self, node: Node) -> Node:
        """The node, its value computed where it is a view."""
        if is_look(node) and node not in self.place_of:
            read = self.read(node)
            name = self.value(own_name(node), node)
            form = self.forms[name]
            self.blocks.append(Call(name, np.positive, (read,), {}, form.shape, form.dtype))
            self.place_of[node] = Place(name)
        return node

    def join(self, roots: list[Node]) -> str:
        """A value whose rows the nodes are. Raises UnevenError where they differ in form."""
        refuse_other_forms([roots])
        places = tuple([self.place(root) for root in roots])
        if places not in self.joined:
            self.joined[places] = self._join(places, roots[0])
        return self.joined[places]

    def _join(
        self,
        places: tuple[Place, ...],
        like: Node,
    ) -> str:
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


def _as_slice(numbers: list[int]) -> Any:
    """Numbers as a slice where they are even."""
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    if len(steps) > 1 or 0 in steps:
        return tuple(numbers)
    step = steps.pop() if steps else 1
    stop = numbers[-1] + (1 if step > 0 else -1)
    return slice(numbers[0], stop if stop >= 0 else None, step)
