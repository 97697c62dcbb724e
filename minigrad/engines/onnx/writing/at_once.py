"""A loop that carries nothing, all of its steps and lanes at once: along a first axis of rows."""

from __future__ import annotations

from typing import Any

from minigrad.compiler.rolled.rolled_program import Call, Loop, Read, added_products

from .operators import operator
from .read_operands import Moving, Values, operand, outside
from .rows_at_once import AT_ONCE, Many, NotAtOnceError, lifted
from .written import Graph, Value


def at_once(
    g: Graph,
    loop: Loop,
    values: Values,
) -> Values | None:
    """The values of the loop; None, and nothing written, where a call does not do rows at once."""
    written = len(g.nodes)
    try:
        return _Rows(g, loop, values).given_out()
    except NotAtOnceError:
        del g.nodes[written:]
        return None


def summed_rows(
    g: Graph,
    x: Value,
) -> Value:
    """The sum of all rows."""
    return g.reduce("ReduceSum", x, [0])


class _Rows:
    """The calls of a body, each made once for all rows."""

    def __init__(
        self,
        g: Graph,
        loop: Loop,
        values: Values,
    ) -> None:
        self._g, self._loop, self._values = g, loop, values
        self._count = loop.steps * loop.lanes
        self._local: dict[str, Many] = {}
        reads = [read for call in loop.body for read in call.reads]
        self._moving = Moving(loop, reads, {call.name for call in loop.body})
        if self._moving.numbers:
            raise NotAtOnceError
        self._taken: list[Value] = []
        if self._moving.rows:
            for x in self._moving.sequences(g, values):
                self._taken.append(g.reshape(x, (self._count, *x.shape[2:])))

    def given_out(self) -> Values:
        """The values of the loop."""
        loop, values = self._loop, {}
        added = added_products(loop)
        for call in loop.body:
            self._g.file.call = call.name
            operands = [self._operand(read) for read in call.reads]
            if call.name in added and all(x.by_row for x in operands):
                values[loop.summed[call.name]] = self._sum_of_products(call, operands)
            else:
                self._local[call.name] = self._called(call, operands)
        for name, value in loop.stacked.items():
            values[value] = self._all_rows(name)
        for name, value in loop.summed.items():
            if value not in values:
                values[value] = summed_rows(self._g, self._all_rows(name))
        return values

    def _all_rows(self, name: str) -> Value:
        x = self._local[name]
        return x.value if x.by_row else self._g.expand(x.value, (self._count, *x.shape))

    def _operand(self, read: Read) -> Many:
        bare = Read(read.source, read.index, read.axis)
        if bare in self._moving.rows:
            x = Many(self._taken[self._moving.rows.index(bare)], by_row=True)
        elif read.source not in self._local:
            x = Many(operand(self._g, self._values, bare, outside(self._g)), by_row=False)
        elif read.index is None:
            x = self._local[read.source]
        else:
            raise NotAtOnceError
        for view in read.views:
            x = self._applied(view.fn, [x], view.kwargs)
        return x

    def _called(
        self,
        call: Call,
        operands: list[Many],
    ) -> Many:
        y = self._applied(call.fn, operands, call.kwargs)
        value = self._g.cast(y.value, call.dtype)
        if y.shape != call.shape:
            rows = (self._count,) * y.by_row
            value = self._g.expand(lifted(self._g, y, len(call.shape)), (*rows, *call.shape))
        return Many(value, y.by_row)

    def _applied(
        self,
        fn: Any,
        xs: list[Many],
        kwargs: dict[str, Any],
    ) -> Many:
        if not any(x.by_row for x in xs):
            return Many(operator(fn)(self._g, *[x.value for x in xs], **kwargs), by_row=False)
        if fn not in AT_ONCE:
            raise NotAtOnceError
        return Many(AT_ONCE[fn](self._g, fn, *xs, **kwargs), by_row=True)

    def _sum_of_products(
        self,
        call: Call,
        operands: list[Many],
    ) -> Value:
        """sum_n a[n] @ b[n] as one product, of a's side by side and b's below one another."""
        g = self._g
        a, b = [g.cast(x.value, call.dtype) for x in operands]
        n, rows, inner = a.shape
        wide = g.reshape(g.transpose(a, (1, 0, 2)), (rows, n * inner))
        return g.matmul(wide, g.reshape(b, (n * inner, b.shape[2])))
