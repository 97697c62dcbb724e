"""Functions of many rows at once, along a first axis that one place does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler import primitives
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
from .written import Graph, Shape, Value


class Many(NamedTuple):
    """A value of every place, along its first axis; or, not ``by_row``, one for all."""

    value: Value
    by_row: bool

    @property
    def shape(self) -> Shape:
        """The shape in one place."""
        return self.value.shape[self.by_row :]


class NotAtOnceError(Exception):
    """A call that has to be made row by row."""


AtOnce = Callable[..., Value]
"""Of the graph, the function, the operands, of which one is by row, and keywords."""


def lifted(
    g: Graph,
    x: Many,
    ndim: int,
) -> Value:
    """x with so many axes behind that of the rows, so that it broadcasts as in one place."""
    if not x.by_row:
        return x.value
    ones = (1,) * (ndim - len(x.shape))
    return g.reshape(x.value, (x.value.shape[0], *ones, *x.shape))


def _elementwise(
    g: Graph,
    fn: Any,
    *xs: Many,
    **kwargs: Any,
) -> Value:
    ndim = max([len(x.shape) for x in xs])
    return operator(fn)(g, *[lifted(g, x, ndim) for x in xs], **kwargs)


def _matmul(
    g: Graph,
    fn: Any,
    a: Many,
    b: Many,
) -> Value:
    a_axes, b_axes = len(a.shape), len(b.shape)
    # vectors as one row, and as one column
    if a_axes == 1:
        a = Many(_expanded(g, a, -2), a.by_row)
    if b_axes == 1:
        b = Many(_expanded(g, b, -1), b.by_row)
    ndim = max(len(a.shape), len(b.shape))
    y = operator(fn)(g, lifted(g, a, ndim), lifted(g, b, ndim))
    shape = list(y.shape)
    if b_axes == 1:
        del shape[-1]
    if a_axes == 1:
        del shape[-1 if b_axes == 1 else -2]
    return g.reshape(y, tuple(shape))


def _expanded(
    g: Graph,
    x: Many,
    axis: int,
) -> Value:
    return g.reshape(x.value, np.expand_dims(np.broadcast_to(0, x.value.shape), axis).shape)


def _reduced(
    g: Graph,
    fn: Any,
    x: Many,
    axis: Any = None,
    **kwargs: Any,
) -> Value:
    axes = axes_of(np.broadcast_to(0, x.shape), axis)
    return operator(fn)(g, x.value, axis=tuple([a + 1 for a in axes]), **kwargs)


def _transposed(
    g: Graph,
    fn: Any,
    x: Many,
    axes: Any = None,
) -> Value:
    like = np.broadcast_to(0, x.shape)
    order = axes_of(like, axes if axes else None)
    if not axes:
        order = order[::-1]
    return g.transpose(x.value, [0, *[axis + 1 for axis in order]])


def _reshaped(
    g: Graph,
    fn: Any,
    x: Many,
    **kwargs: Any,
) -> Value:
    shape = fn(np.broadcast_to(0, x.shape), **kwargs).shape
    return g.reshape(x.value, (x.value.shape[0], *shape))


def _broadcast(
    g: Graph,
    fn: Any,
    x: Many,
    shape: Any,
) -> Value:
    wide = (shape,) if isinstance(shape, int) else tuple(shape)
    return g.expand(lifted(g, x, len(wide)), (x.value.shape[0], *wide))


def _joined(
    g: Graph,
    fn: Any,
    *xs: Many,
    axis: int = 0,
    **kwargs: Any,
) -> Value:
    count = max([x.value.shape[0] for x in xs if x.by_row])
    # a stack has one axis more than its parts
    ndim = len(fn([np.broadcast_to(0, x.shape) for x in xs], axis=axis).shape)
    parts = []
    for x in xs:
        parts.append(x.value if x.by_row else g.expand(x.value, (count, *x.shape)))
    return operator(fn)(g, *parts, axis=axis % ndim + 1, **kwargs)


def _cut(
    g: Graph,
    fn: Any,
    x: Many,
    *parts: Many,
    index: Any,
) -> Value:
    if index == (PART,) and not x.by_row:
        # one table, looked up in every place
        return operator(fn)(g, x.value, parts[0].value, index=index)
    if parts:
        raise NotAtOnceError
    entries = written_out(index, len(x.shape))
    return read_basic(g, x.value, [slice(None), *entries])


def _along(
    g: Graph,
    fn: Any,
    x: Many,
    axis: int = -1,
) -> Value:
    (place,) = axes_of(np.broadcast_to(0, x.shape), axis)
    return operator(fn)(g, x.value, axis=place + 1)


def _of_labels(
    g: Graph,
    fn: Any,
    *xs: Many,
    **kwargs: Any,
) -> Value:
    """Functions of logits and labels, whose last axes are classes: more axes in front are free."""
    if not all(x.by_row for x in xs):
        raise NotAtOnceError
    return operator(fn)(g, *[x.value for x in xs], **kwargs)


def _of_labels_and_factor(
    g: Graph,
    fn: Any,
    x: Many,
    labels: Many,
    c: Many,
) -> Value:
    if not (x.by_row and labels.by_row):
        raise NotAtOnceError
    factor = lifted(g, c, len(labels.shape))
    return operator(fn)(g, x.value, labels.value, factor)


def _looked_up(
    g: Graph,
    fn: Any,
    indices: Many,
    weight: Many,
) -> Value:
    if weight.by_row:
        raise NotAtOnceError
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
