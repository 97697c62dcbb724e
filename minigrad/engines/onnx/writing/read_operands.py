"""What the calls of a program read, as values of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.compiler.rolled.rolled_program import Call, Index, Loop, Read, View
from minigrad.compiler.rolled.run import fixed
from minigrad.ops.indexing import getitem

from .operators import operator
from .pairs import Run, rows_read, runs_of
from .positions import read_basic, written_out
from .written import INT64, Graph, Value

Values = dict[str, Value]
Number = Callable[[Index], Value]
"""The number that an index is where the graph runs, as a value."""


def called(
    g: Graph,
    call: Call,
    operands: list[Value],
) -> Value:
    """The result of a call, in the dtype that it was recorded with."""
    g.file.call = call.name
    y = operator(call.fn)(g, *operands, **call.kwargs)
    return g.cast(g.expand(y, call.shape), call.dtype)


def read_and_called(
    g: Graph,
    call: Call,
    values: Values,
) -> Value:
    """The result of a call outside loops."""
    runs = runs_of(call)
    if runs is None:
        return called(g, call, [operand(g, values, read, outside(g)) for read in call.reads])
    operands = []
    for run in runs:
        for side in (0, 1):
            g.file.call = call.name
            operands.append(_rows(g, values, run, side))
    kwargs = dict(call.kwargs)
    if "indices" in kwargs:
        kwargs["indices"] = tuple([run[0][2] for run in runs])
    return called(g, replace(call, kwargs=kwargs), operands)


def _rows(
    g: Graph,
    values: Values,
    run: Run,
    side: int,
) -> Value:
    """One side of a run: of a single pair what it reads, of more their rows."""
    if len(run) == 1:
        return operand(g, values, run[0][side], outside(g))
    read, rows = rows_read(run, side)
    x = values[read.source]
    slices = [slice(None)] * x.ndim
    slices[read.axis] = rows
    order = [read.axis, *[axis for axis in range(x.ndim) if axis != read.axis]]
    return g.transpose(g.slice(x, slices), order)


def operand(
    g: Graph,
    values: Values,
    read: Read,
    number: Number,
) -> Value:
    """What a call reads."""
    x = values[read.source]
    if read.index is not None:
        x = g.gather(x, number(read.index), read.axis)
    for view in read.views:
        x = viewed(g, x, view, number)
    return x


def outside(g: Graph) -> Number:
    """The numbers where there is no loop."""
    return lambda index: g.constant(index.start, INT64)


def viewed(
    g: Graph,
    x: Value,
    view: View,
    number: Number,
) -> Value:
    """A look at an operand."""
    if view.fn is not getitem or not any(_indices(view.kwargs)):
        return operator(view.fn)(g, x, **fixed(view.kwargs, 0, 0))
    entries = written_out(view.kwargs["index"], x.ndim)
    axis = 0
    for i, entry in enumerate(entries):
        if isinstance(entry, slice) and isinstance(entry.start, Index):
            # its length is known, its start is not
            offsets = np.arange(0, entry.stop.start - entry.start.start, entry.step)
            places = g.each("Add", number(entry.start), g.constant(offsets, INT64))
            x = g.gather(x, places, axis)
            entries[i] = slice(None)
        elif isinstance(entry, Index):
            x = g.gather(x, g.reshape(number(entry), (1,)), axis)
            entries[i] = 0
        axis += entry is not None
    return read_basic(g, x, entries)


def _indices(x: Any) -> Iterator[Index]:
    """The numbers in keywords that move; of a slice its start alone."""
    if isinstance(x, Index):
        yield x
    elif isinstance(x, slice):
        yield from _indices(x.start)
    elif isinstance(x, dict):
        yield from _indices(tuple(x.values()))
    elif isinstance(x, (tuple, list)):
        for entry in x:
            yield from _indices(entry)


class Moving:
    """What the body of a loop reads that differs from place to place: rows, and numbers."""

    def __init__(
        self,
        loop: Loop,
        reads: list[Read],
        own: set[str],
    ) -> None:
        """own: the names of the body."""
        self._loop = loop
        self.rows: list[Read] = []
        self.numbers: list[Index] = []
        for read in reads:
            index = read.index
            if index is not None and not index.is_fixed:
                bare = Read(read.source, index, read.axis)
                if read.source in own:
                    self._add(self.numbers, index)
                else:
                    self._add(self.rows, bare)
            for view in read.views:
                for number in _indices(view.kwargs):
                    self._add(self.numbers, number)

    @staticmethod
    def _add(
        to: list[Any],
        entry: Any,
    ) -> None:
        if entry not in to:
            to.append(entry)

    def sequences(
        self,
        g: Graph,
        values: Values,
    ) -> list[Value]:
        """All of them, each (steps, lanes, ...); at least one, for a loop counts by it."""
        taken = [self._taken(g, values[read.source], read) for read in self.rows]
        for index in self.numbers:
            taken.append(g.constant(self._numbers(index), INT64))
        return taken or [g.constant(self._numbers(Index(0, 1, 0)), INT64)]

    def _numbers(self, index: Index) -> Any:
        steps, lanes = np.arange(self._loop.steps), np.arange(self._loop.lanes)
        return index.start + np.add.outer(steps * index.per_step, lanes * index.per_lane)

    def _taken(
        self,
        g: Graph,
        x: Value,
        read: Read,
    ) -> Value:
        assert read.index is not None
        g.file.call = f"{read.source} rows"
        numbers = self._numbers(read.index)
        order = [read.axis, *[axis for axis in range(x.ndim) if axis != read.axis]]
        rows = g.transpose(x, order)
        flat = numbers.reshape(-1)
        differences = set(np.diff(flat).tolist()) or {1}
        if len(differences) == 1 and 0 not in differences:
            (step,) = differences
            stop = int(flat[-1]) + (1 if step > 0 else -1)
            cut = slice(int(flat[0]), stop if stop >= 0 else None, step)
            rows = g.slice(rows, [cut, *[slice(None)] * (rows.ndim - 1)])
        else:
            rows = g.gather(rows, g.constant(flat, INT64), 0)
        return g.reshape(rows, (*numbers.shape, *rows.shape[1:]))

    def bound(
        self,
        g: Graph,
        values: Values,
        taken: list[Value],
    ) -> Callable[[Read], Value]:
        """What reads an operand in one place, whose rows and numbers are there."""
        rows = taken[: len(self.rows)]
        numbers = dict(zip(self.numbers, taken[len(self.rows) :], strict=False))

        def number(index: Index) -> Value:
            return g.constant(index.start, INT64) if index.is_fixed else numbers[index]

        def of(read: Read) -> Value:
            bare = Read(read.source, read.index, read.axis)
            if bare not in self.rows:
                return operand(g, values, read, number)
            row = rows[self.rows.index(bare)]
            return operand(g, {"row": row}, Read("row", None, 0, read.views), number)

        return of
