"""A loop that carries nothing, all of its steps and lanes at once: along a first axis of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler import primitives
from minigrad.compiler.rolled.rolled_program import Call, Loop, Read
from minigrad.core import gates
from minigrad.ops import activations
from minigrad.ops.elementwise import cast
from minigrad.ops.indexing import PART, getitem
from minigrad.ops.rows.embedding import embedding
from minigrad.ops.rows.one_hot import one_hot
from minigrad.ops.shapes import axes_of

from .elementwise_nodes import ELEMENTWISE
from .operators import REDUCTIONS, operator
from .positions import read_basic, written_out
from .read_operands import Moving, Values, operand, outside
from .written import Graph, Shape, Value


class Many(NamedTuple):
    """A value of every place, along its first axis; or, not ``by_row``, one for all."""

    value: Value
    by_row: bool

    @property
    def shape(self) -> Shape:
        """The shape in one place."""
        return self.value.shape[self.by_row :]


class _NotAtOnceError(Exception):
    """A call that has to be made row by row."""


AtOnce = Callable[..., Value]
"""Of the graph, the function, the operands, of which one is by row, and keywords."""


def at_once(g: Graph, loop: Loop, values: Values) -> Values | None:
    """The values of the loop; None, and nothing written, where a call does not do rows at once."""
    written = len(g.nodes)
    try:
        return _Rows(g, loop, values).given_out()
    except _NotAtOnceError:
        del g.nodes[written:]
        return None


def summed_rows(g: Graph, x: Value) -> Value:
    """The sum of all rows."""
    return g.reduce("ReduceSum", x, [0])


class _Rows:
    """The calls of a body, each made once for all rows."""

    def __init__(self, g: Graph, loop: Loop, values: Values) -> None:
        self._g, self._loop, self._values = g, loop, values
        self._count = loop.steps * loop.lanes
        self._local: dict[str, Many] = {}
        reads = [read for call in loop.body for read in call.reads]
        self._moving = Moving(loop, reads, {call.name for call in loop.body})
        if self._moving.numbers:
            raise _NotAtOnceError
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
            raise _NotAtOnceError
        for view in read.views:
            x = self._applied(view.fn, [x], view.kwargs)
        return x

    def _called(self, call: Call, operands: list[Many]) -> Many:
        y = self._applied(call.fn, operands, call.kwargs)
        value = self._g.cast(y.value, call.dtype)
        if y.shape != call.shape:
            rows = (self._count,) * y.by_row
            value = self._g.expand(_lifted(self._g, y, len(call.shape)), (*rows, *call.shape))
        return Many(value, y.by_row)

    def _applied(self, fn: Any, xs: list[Many], kwargs: dict[str, Any]) -> Many:
        if not any(x.by_row for x in xs):
            return Many(operator(fn)(self._g, *[x.value for x in xs], **kwargs), by_row=False)
        if fn not in AT_ONCE:
            raise _NotAtOnceError
        return Many(AT_ONCE[fn](self._g, fn, *xs, **kwargs), by_row=True)

    def _sum_of_products(self, call: Call, operands: list[Many]) -> Value:
        """sum_n a[n] @ b[n] as one product, of a's side by side and b's below one another."""
        g = self._g
        a, b = [g.cast(x.value, call.dtype) for x in operands]
        n, rows, inner = a.shape
        wide = g.reshape(g.transpose(a, (1, 0, 2)), (rows, n * inner))
        return g.matmul(wide, g.reshape(b, (n * inner, b.shape[2])))


def added_products(loop: Loop) -> set[str]:
    """Products of matrices that nobody reads but their sum."""
    read = {read.source for call in loop.body for read in call.reads} | loop.stacked.keys()
    added = set()
    for call in loop.body:
        is_product = call.fn is np.matmul and len(call.shape) == 2
        if call.name in loop.summed and is_product and call.name not in read:
            added.add(call.name)
    return added


# --- functions of rows ----------------------------------------------------------------------------
def _lifted(g: Graph, x: Many, ndim: int) -> Value:
    """x with so many axes behind that of the rows, so that it broadcasts as in one place."""
    if not x.by_row:
        return x.value
    ones = (1,) * (ndim - len(x.shape))
    return g.reshape(x.value, (x.value.shape[0], *ones, *x.shape))


def _elementwise(g: Graph, fn: Any, *xs: Many, **kwargs: Any) -> Value:
    ndim = max([len(x.shape) for x in xs])
    return operator(fn)(g, *[_lifted(g, x, ndim) for x in xs], **kwargs)


def _matmul(g: Graph, fn: Any, a: Many, b: Many) -> Value:
    a_axes, b_axes = len(a.shape), len(b.shape)
    # vectors as one row, and as one column
    if a_axes == 1:
        a = Many(_expanded(g, a, -2), a.by_row)
    if b_axes == 1:
        b = Many(_expanded(g, b, -1), b.by_row)
    ndim = max(len(a.shape), len(b.shape))
    y = operator(fn)(g, _lifted(g, a, ndim), _lifted(g, b, ndim))
    shape = list(y.shape)
    if b_axes == 1:
        del shape[-1]
    if a_axes == 1:
        del shape[-1 if b_axes == 1 else -2]
    return g.reshape(y, tuple(shape))


def _expanded(g: Graph, x: Many, axis: int) -> Value:
    return g.reshape(x.value, np.expand_dims(np.broadcast_to(0, x.value.shape), axis).shape)


def _reduced(g: Graph, fn: Any, x: Many, axis: Any = None, **kwargs: Any) -> Value:
    axes = axes_of(np.broadcast_to(0, x.shape), axis)
    return operator(fn)(g, x.value, axis=tuple([a + 1 for a in axes]), **kwargs)


def _transposed(g: Graph, fn: Any, x: Many, axes: Any = None) -> Value:
    like = np.broadcast_to(0, x.shape)
    order = axes_of(like, axes if axes else None)
    if not axes:
        order = order[::-1]
    return g.transpose(x.value, [0, *[axis + 1 for axis in order]])


def _reshaped(g: Graph, fn: Any, x: Many, **kwargs: Any) -> Value:
    shape = fn(np.broadcast_to(0, x.shape), **kwargs).shape
    return g.reshape(x.value, (x.value.shape[0], *shape))


def _broadcast(g: Graph, fn: Any, x: Many, shape: Any) -> Value:
    wide = (shape,) if isinstance(shape, int) else tuple(shape)
    return g.expand(_lifted(g, x, len(wide)), (x.value.shape[0], *wide))


def _joined(g: Graph, fn: Any, *xs: Many, axis: int = 0, **kwargs: Any) -> Value:
    count = max([x.value.shape[0] for x in xs if x.by_row])
    # a stack has one axis more than its parts
    ndim = len(fn([np.broadcast_to(0, x.shape) for x in xs], axis=axis).shape)
    parts = []
    for x in xs:
        parts.append(x.value if x.by_row else g.expand(x.value, (count, *x.shape)))
    return operator(fn)(g, *parts, axis=axis % ndim + 1, **kwargs)


def _cut(g: Graph, fn: Any, x: Many, *parts: Many, index: Any) -> Value:
    if index == (PART,) and not x.by_row:
        # one table, looked up in every place
        return operator(fn)(g, x.value, parts[0].value, index=index)
    if parts:
        raise _NotAtOnceError
    entries = written_out(index, len(x.shape))
    return read_basic(g, x.value, [slice(None), *entries])


def _along(g: Graph, fn: Any, x: Many, axis: int = -1) -> Value:
    (place,) = axes_of(np.broadcast_to(0, x.shape), axis)
    return operator(fn)(g, x.value, axis=place + 1)


def _of_labels(g: Graph, fn: Any, *xs: Many, **kwargs: Any) -> Value:
    """Functions of logits and labels, whose last axes are classes: more axes in front are free."""
    if not all(x.by_row for x in xs):
        raise _NotAtOnceError
    return operator(fn)(g, *[x.value for x in xs], **kwargs)


def _of_labels_and_factor(g: Graph, fn: Any, x: Many, labels: Many, c: Many) -> Value:
    if not (x.by_row and labels.by_row):
        raise _NotAtOnceError
    factor = _lifted(g, c, len(labels.shape))
    return operator(fn)(g, x.value, labels.value, factor)


def _looked_up(g: Graph, fn: Any, indices: Many, weight: Many) -> Value:
    if weight.by_row:
        raise _NotAtOnceError
    return operator(fn)(g, indices.value, weight.value)


AT_ONCE: dict[Any, AtOnce] = {
    **dict.fromkeys([*ELEMENTWISE, *gates.GATES, primitives.kept, cast], _elementwise),
    **dict.fromkeys(REDUCTIONS, _reduced),
    np.matmul: _matmul,
    np.transpose: _transposed,
    np.reshape: _reshaped,
    np.squeeze: _reshaped,
    np.expand_dims: _reshaped,
    np.broadcast_to: _broadcast,
    np.concatenate: _joined,
    np.stack: _joined,
    getitem: _cut,
    activations.softmax: _along,
    activations.log_softmax: _along,
    activations.surprisal: _of_labels,
    activations.surprisal_gradient: _of_labels_and_factor,
    one_hot: _of_labels,
    embedding: _looked_up,
}
