"""Indexing: x[index] in all of NumPy's forms, and its adjoint.

The arrays in an index are inputs of the node, so that a tape replays with others; the rest of the
index is a keyword. ``x[:, k]`` is recorded as ``getitem(x, k, index=(slice(None), PART))``, where
PART holds the place of k. The adjoint of reading at an index is adding at it, ``scatter``, and the
adjoint of that is reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .rows.row_sums import add_rows
from .table import Templates, defvjp, dispatched, letter


class _Part:
    """Stands in a recorded index for an array, which is an input of the node."""

    def __repr__(self) -> str:
        return "[...]"


PART = _Part()
Index = tuple[Any, ...]


# --- an index, taken apart and put together -------------------------------------------------------
_INTEGERS = (int, np.integer, np.bool_)
_SCALARS = (*_INTEGERS, slice, type(None), type(Ellipsis))


def split_index(index: Any) -> tuple[Index, tuple[Any, ...]]:
    """An index as (template, arrays): sequences and arrays become inputs, the rest stays.

    >>> split_index((slice(None), [0, 2]))
    ((slice(None, None, None), [...]), (array([0, 2]),))
    """
    if type(index) is int or type(index) is slice:
        return (index,), ()
    template: list[Any] = []
    arrays = []
    items = index if isinstance(index, tuple) else (index,)
    for item in items:
        if _is_array(item):
            template.append(PART)
            arrays.append(item)
        elif isinstance(item, _SCALARS):
            template.append(item)
        else:
            template.append(PART)
            arrays.append(_as_array(item))
    return tuple(template), tuple(arrays)


def _is_array(item: Any) -> bool:
    """Whether it is an array or a Tensor."""
    return hasattr(item, "__array_function__")


def _as_array(sequence: Any) -> Any:
    """A list as the array that NumPy reads in it: one of nothing holds integers."""
    array = np.asarray(sequence)
    return array if array.size else array.astype(int)


def _filled(index: Index, arrays: Iterator[Any]) -> Index:
    """The index with its arrays back in place, taken from the front of ``arrays``."""
    return tuple(next(arrays) if item is PART else item for item in index)


def _part_count(index: Index) -> int:
    return sum(item is PART for item in index)


def _as_text(index: Index, slot: int) -> str:
    """An index as Python writes it, in a template; its arrays are the inputs from that slot on."""
    words = []
    for item in index:
        if item is PART:
            words.append(f"{{{letter(slot)}}}")
            slot += 1
        elif isinstance(item, slice):
            words.append(_slice_text(item))
        elif item is Ellipsis:
            words.append("...")
        else:
            words.append(str(item))
    return ", ".join(words)


def _slice_text(item: slice) -> str:
    """``1:3``, ``::2``."""
    ends = [item.start, item.stop]
    if item.step is not None:
        ends.append(item.step)
    return ":".join("" if end is None else str(end) for end in ends)


# --- reading and adding ---------------------------------------------------------------------------
@dispatched
def getitem(x: Any, *parts: Any, index: Index) -> Any:
    """x[index], the arrays of the index apart: ``x[:, k]`` is getitem(x, k, index=(:, PART)).

    >>> getitem(np.arange(6).reshape(2, 3), np.array([2, 0]), index=(slice(None), PART))
    array([[2, 0],
           [5, 3]])
    """
    return x[_filled(index, iter(parts)) if parts else index]


def at(x: Any, places: Any) -> Any:
    """x[places], which is recorded for an array indexed by a Tensor too."""
    return getitem(x, places, index=(PART,))


@dispatched
def scatter(*operands: Any, indices: tuple[Index, ...], shape: tuple[int, ...]) -> Any:
    """Zeros of this shape with each g added at its index, where repeated indices accumulate.

    The operands are a g, the arrays of its index, the next g, and so on: all uses of one x make one
    array. The adjoint of getitem.

    >>> g, rows, h = np.array([5, 7]), np.array([2, 2]), np.array(1)
    >>> scatter(g, rows, h, indices=((PART,), (0,)), shape=(3,))
    array([ 1,  0, 12])
    """
    out = np.zeros(shape, operands[0].dtype)
    waiting = iter(operands)
    for index in indices:
        _add_at(out, next(waiting), _filled(index, waiting))
    return out


def _add_at(out: Any, g: Any, index: Index) -> None:
    """out[index] += g; where the index may name an element twice, each time counts."""
    if not any(map(_is_integer_array, index)):
        out[index] += g
    elif len(index) == 1 and out.ndim > 1 and out.flags.c_contiguous:
        add_rows(out, index[0], g)
    else:
        np.add.at(out, index, g)


def _is_integer_array(item: Any) -> bool:
    return isinstance(item, np.ndarray) and item.dtype != bool


@dataclass(frozen=True, slots=True)
class Scattered:
    """A contribution not yet written out: g at index, zero elsewhere. The sweep adds it in place.

    So T uses of x[t] cost as much as x, and not T times as much.
    """

    g: Any
    parts: tuple[Any, ...]
    index: Index
    shape: tuple[int, ...]

    @property
    def dtype(self) -> Any:
        """The dtype of g."""
        return self.g.dtype

    def add_to(self, out: Any) -> None:
        """Add it to an array of ours."""
        index = _filled(self.index, iter(self.parts))
        _add_at(out, self.g, index)


def written_out(terms: Sequence[Scattered]) -> Any:
    """The sum of such contributions to one x, recorded as one scatter where they are Tensors."""
    operands = []
    for term in terms:
        operands += [term.g, *term.parts]
    indices = tuple(term.index for term in terms)
    return scatter(*operands, indices=indices, shape=terms[0].shape)


def _getitem(
    g: Any,
    y: Any,
    x: Any,
    *parts: Any,
    index: Index = (),
) -> list[Any]:
    """x takes g at the index, and zero elsewhere; the arrays of the index take nothing."""
    nothing = [None] * len(parts)
    return [Scattered(g, parts, index, x.shape), *nothing]


def _getitem_says(n: Any) -> Templates:
    to_x = f"{{g}} at [{_as_text(n.kwargs['index'], 1)}], 0 elsewhere"
    return (to_x, *[None] * (len(n.inputs) - 1))


def _scatter(
    g: Any,
    y: Any,
    *operands: Any,
    indices: Any = (),
    shape: Any = (),
) -> list[Any]:
    """Each operand takes g at its own index; the arrays of the index take nothing."""
    waiting = iter(operands)
    contributions = []
    for index in indices:
        next(waiting)
        parts = [next(waiting) for _ in range(_part_count(index))]
        contributions.append(getitem(g, *parts, index=index))
        contributions += [None] * len(parts)
    return contributions


def _scatter_says(n: Any) -> Templates:
    templates: list[str | None] = []
    for index in n.kwargs["indices"]:
        templates.append(f"{{g}}[{_as_text(index, len(templates) + 1)}]")
        templates += [None] * _part_count(index)
    return tuple(templates)


defvjp(getitem, joint=_getitem, says=_getitem_says)
defvjp(scatter, joint=_scatter, says=_scatter_says)
