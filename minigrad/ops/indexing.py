"""VJPs of indexing: x[index] in all of NumPy's forms, and take_along_axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .table import defvjp, dispatched


class _Part:
    """Stands in a recorded index for an array, which is an input of the node."""

    def __repr__(self) -> str:
        return "[...]"


PART = _Part()


def _fill(index: tuple[Any, ...], parts: Iterator[Any]) -> tuple[Any, ...]:
    """The index with its arrays back in place, taken from the front of parts."""
    return tuple(next(parts) if i is PART else i for i in index)


@dispatched
def getitem(x: Any, *parts: Any, index: tuple[Any, ...]) -> Any:
    """x[index], the arrays of the index given apart: ``x[:, k]`` is getitem(x, k, index=(slice(None), PART))."""
    return x[_fill(index, iter(parts)) if parts else index]


@dispatched
def scatter(*operands: Any, indices: tuple[tuple[Any, ...], ...], shape: tuple[int, ...]) -> Any:
    """Zeros of the given shape with each g added at its index; repeated indices accumulate. The adjoint of getitem.

    The operands are a g, the arrays of its index, the next g, and so on: all uses of one x make one array.
    """
    out, rest = np.zeros(shape, operands[0].dtype), iter(operands)
    for index in indices:
        _add_at(out, next(rest), _fill(index, rest))
    return out


def _add_at(out: Any, g: Any, index: tuple[Any, ...]) -> None:
    if any(isinstance(i, np.ndarray) and i.dtype != bool for i in index):
        np.add.at(out, index, g)
    else:
        out[index] += g  # nothing can be meant twice


@dataclass(frozen=True, slots=True)
class Scattered:
    """A contribution not yet written out: g at index, zero elsewhere. The sweep adds it to the others in place.

    So T uses of x[t] cost as much as x, and not T times as much.
    """

    g: Any
    parts: tuple[Any, ...]
    index: tuple[Any, ...]
    shape: tuple[int, ...]

    @property
    def dtype(self) -> Any:
        """The dtype of g."""
        return self.g.dtype

    def add_to(self, out: Any) -> None:
        """Add it to an array of ours."""
        _add_at(out, self.g, _fill(self.index, iter(self.parts)))


def written_out(terms: Sequence[Scattered]) -> Any:
    """The sum of such contributions to one x, recorded as one scatter where they are Tensors."""
    operands = [operand for c in terms for operand in (c.g, *c.parts)]
    return scatter(*operands, indices=tuple(c.index for c in terms), shape=terms[0].shape)


@dispatched
def put_along(g: Any, indices: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """Zeros of the given shape with g added at indices along axis. The adjoint of take_along_axis."""
    grid = [
        i if n > 1 else i * 0
        for i, n in zip(np.ogrid[tuple(map(slice, g.shape))], shape, strict=True)
    ]
    grid[axis] = indices
    out = np.zeros(shape, g.dtype)
    np.add.at(out, tuple(grid), g)
    return out


_PLAIN = (int, np.integer, np.bool_, slice, type(None), type(Ellipsis))


def _array(index: Any) -> Any:
    found = np.asarray(index)
    return found if found.size else found.astype(int)


def split_index(index: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """An index as (template, arrays): sequences and arrays become inputs, the rest stays."""
    if type(index) is int or type(index) is slice:
        return (index,), ()
    given = index if isinstance(index, tuple) else (index,)
    items = [
        i if isinstance(i, _PLAIN) or hasattr(i, "__array_function__") else _array(i) for i in given
    ]
    is_array = [hasattr(i, "__array_function__") for i in items]
    template = tuple(PART if a else i for i, a in zip(items, is_array, strict=True))
    return template, tuple(i for i, a in zip(items, is_array, strict=True) if a)


def _gather(g: Any, y: Any, *operands: Any, indices: Any = (), shape: Any = ()) -> list[Any]:
    rest, sent = iter(operands), []
    for index in indices:
        next(rest)
        parts = [next(rest) for i in index if i is PART]
        sent += [getitem(g, *parts, index=index), *[None] * len(parts)]
    return sent


defvjp(
    getitem,
    joint=lambda g, y, x, *parts, index=(): (
        [Scattered(g, parts, index, x.shape)] + [None] * len(parts)
    ),
)
defvjp(scatter, joint=_gather)
defvjp(
    np.take_along_axis,
    lambda g, y, x, indices, axis=-1: put_along(g, indices, axis=axis, shape=x.shape),
    None,
    bind=lambda arr, indices, axis=-1: (
        (np.reshape(arr, -1) if axis is None else arr, indices),
        {"axis": axis or 0},
    ),
)
defvjp(
    put_along,
    lambda g, y, x, indices, axis=-1, shape=(): np.take_along_axis(g, indices, axis=axis),
    None,
)
