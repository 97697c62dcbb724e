"""One step of a sequence, read from what it was stacked of.

Layers of a network lie in a file one after the other: the outputs of a layer are stacked over time,
transposed, reshaped, and read step by step by the next. On our tape step t of a layer reads step t
of the one below: an index goes back through what only moves values, down to the stack.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from minigrad.core.tensor import Tensor
from minigrad.ops.activations import relu, sigmoid
from minigrad.ops.elementwise import cast

Shape = tuple[int, ...]
Row = Any
"""A part of a Tensor; None where no stack is behind it."""


def take(
    x: Any,
    axis: int,
    i: int,
) -> Any:
    """x at index i of an axis, which is dropped; not through the stack that it was taken from."""
    if not isinstance(x, Tensor):
        return np.take(x, i, axis)
    axis %= x.ndim
    row = _row(x, axis, range(x.shape[axis])[i])
    return _indexed(x, axis, i) if row is None else row


def _indexed(
    x: Tensor,
    axis: int,
    i: int,
) -> Tensor:
    before = (slice(None),) * axis
    return x[*before, i]


def _row(
    x: Tensor,
    axis: int,
    i: int,
) -> Row:
    rule = _RULES.get(x.fn)
    return rule(x, axis, i) if rule else None


def _of_stack(
    x: Tensor,
    axis: int,
    i: int,
) -> Row:
    along = x.kwargs["axis"] % x.ndim
    if along == axis:
        return x.inputs[i]
    inner = axis - (along < axis)
    rows = [take(part, inner, i) for part in x.inputs]
    return np.stack(rows, axis=along - (axis < along))


def _of_concatenation(
    x: Tensor,
    axis: int,
    i: int,
) -> Row:
    along = x.kwargs["axis"] % x.ndim
    if along == axis:
        return None
    rows = [_row(part, axis, i) for part in x.inputs]
    if any(row is None for row in rows):
        return None
    return np.concatenate(rows, axis=along - (axis < along))


def _of_transpose(
    x: Tensor,
    axis: int,
    i: int,
) -> Row:
    order = x.kwargs.get("axes") or tuple(reversed(range(x.ndim)))
    row = _row(x.inputs[0], order[axis], i)
    if row is None:
        return None
    rest = [a for a in order if a != order[axis]]
    return _transposed(row, tuple(a - (order[axis] < a) for a in rest))


def _of_reshape(
    x: Tensor,
    axis: int,
    i: int,
) -> Row:
    """Where the axis is one of the old ones too."""
    (old,) = x.inputs
    before = prod(x.shape[:axis])
    for a, length in enumerate(old.shape):
        if length == x.shape[axis] and prod(old.shape[:a]) == before:
            row = _row(old, a, i)
            if row is not None:
                return _reshaped(row, x.shape[:axis] + x.shape[axis + 1 :])
    return None


def _of_elementwise(
    x: Tensor,
    axis: int,
    i: int,
) -> Row:
    """The same function of the rows of its operands, if one of them comes from a stack."""
    rows: list[Any] = []
    is_stacked = False
    for part in x.inputs:
        own = axis - (x.ndim - part.ndim)
        row = _row(part, own, i) if own >= 0 and part.shape[own] > 1 else None
        is_stacked |= row is not None
        rows.append(part if row is None else row)
    if not is_stacked:
        return None
    for k, part in enumerate(x.inputs):
        own = axis - (x.ndim - part.ndim)
        if rows[k] is part and own >= 0:
            rows[k] = _indexed(part, own, i if part.shape[own] > 1 else 0)
    fn: Any = x.fn
    return fn(*rows, **x.kwargs)


def _of_product(
    x: Tensor,
    axis: int,
    i: int,
) -> Row:
    """Rows times one matrix for all."""
    a, b = x.inputs
    row = _row(a, axis, i) if b.ndim == 2 and axis < a.ndim - 1 else None
    return None if row is None else row @ b


def _transposed(x: Tensor, order: Shape) -> Any:
    if order == tuple(range(x.ndim)):
        return x
    if x.fn is np.stack:
        along = x.kwargs["axis"] % x.ndim
        rest = tuple(a - (along < a) for a in order if a != along)
        return np.stack([_transposed(part, rest) for part in x.inputs], axis=order.index(along))
    return np.transpose(x, order)


def _reshaped(x: Tensor, shape: Shape) -> Any:
    if x.shape == shape:
        return x
    if len(shape) < x.ndim and _without_ones(x.shape) == _without_ones(shape):
        return _reshaped(take(x, x.shape.index(1), 0), shape)
    if x.fn is np.stack:
        along = x.kwargs["axis"] % x.ndim
        joined = (*x.shape[:along], prod(x.shape[along : along + 2]), *x.shape[along + 2 :])
        if joined == shape:
            return np.concatenate(x.inputs, axis=along)
    return np.reshape(x, shape)


def _without_ones(shape: Shape) -> list[int]:
    return [length for length in shape if length != 1]


_ELEMENTWISE = (
    np.add,
    np.subtract,
    np.multiply,
    np.divide,
    np.maximum,
    np.tanh,
    relu,
    sigmoid,
    cast,
)
_RULES: dict[Any, Callable[[Tensor, int, int], Row]] = {
    np.stack: _of_stack,
    np.concatenate: _of_concatenation,
    np.transpose: _of_transpose,
    np.reshape: _of_reshape,
    np.squeeze: _of_reshape,
    np.expand_dims: _of_reshape,
    np.matmul: _of_product,
    **dict.fromkeys(_ELEMENTWISE, _of_elementwise),
}
