"""Arrays joined and taken apart: concatenate, stack, split, append, pad, roll."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

from .compositions import COMPOSED
from .shapes import along, at_least
from .table import Fn, Templates, defvjp


# --- rules ----------------------------------------------------------------------------------------
def _bounds(xs: Sequence[Any], axis: int | None) -> Iterator[tuple[int, int]]:
    """Where each operand of a concatenation begins and ends in the result; axis None: in a row."""
    start = 0
    for x in xs:
        length = x.size if axis is None else x.shape[axis]
        yield start, start + length
        start += length


def _concatenate(
    g: Any,
    y: Any,
    *xs: Any,
    axis: int | None = 0,
) -> list[Any]:
    """Each operand takes its own piece of the cotangent."""
    pieces = []
    for x, bounds in zip(xs, _bounds(xs, axis), strict=True):
        piece = along(g, axis or 0, slice(*bounds))
        pieces.append(np.reshape(piece, x.shape))
    return pieces


def _concatenate_says(n: Any) -> Templates:
    axis = n.kwargs["axis"]
    bounds = _bounds(n.inputs, axis)
    pieces = []
    for x, (start, stop) in zip(n.inputs, bounds, strict=True):
        if axis is None:
            pieces.append(f"reshape({{g}}[{start}:{stop}], {x.shape})")
        else:
            pieces.append(f"{{g}}[{_colons(n, axis)}{start}:{stop}]")
    return tuple(pieces)


def _colons(n: Any, axis: int) -> str:
    """The axes of a result before this one, in an index."""
    axes_before: int = axis % n.ndim
    return ":, " * axes_before


def _stack(
    g: Any,
    y: Any,
    *xs: Any,
    axis: int = 0,
) -> list[Any]:
    return [along(g, axis, i) for i in range(len(xs))]


def _stack_says(n: Any) -> Templates:
    axes_before = _colons(n, n.kwargs["axis"])
    return tuple(f"{{g}}[{axes_before}{i}]" for i in range(len(n.inputs)))


def _bind_arrays(arrays: Any, axis: Any = 0, **keywords: Any) -> Any:
    return arrays, {"axis": axis, **keywords}


defvjp(
    np.concatenate,
    joint=_concatenate,
    bind=_bind_arrays,
    call=lambda *xs, **keywords: np.concatenate(xs, **keywords),
    says=_concatenate_says,
)
defvjp(
    np.stack,
    joint=_stack,
    bind=_bind_arrays,
    call=lambda *xs, **keywords: np.stack(xs, **keywords),
    says=_stack_says,
)


# --- joined ---------------------------------------------------------------------------------------
def _stacked(dims: int, axis: int) -> Fn:
    """np.vstack, hstack or dstack: concatenated where each has this many axes at least."""

    def stack(arrays: Sequence[Any]) -> Any:
        grown = [at_least(dims, x) for x in arrays]
        joined_axis = 0 if grown[0].ndim == 1 else axis
        return np.concatenate(grown, axis=joined_axis)

    return stack


def _column_stack(arrays: Sequence[Any]) -> Any:
    columns = []
    for x in arrays:
        is_column = np.ndim(x) > 1
        columns.append(x if is_column else np.reshape(x, (-1, 1)))
    return np.concatenate(columns, axis=1)


def _append(x: Any, values: Any, axis: int | None = None) -> Any:
    if not hasattr(values, "dtype"):
        values = np.asarray(values)
    return np.concatenate([x, values], axis=axis)


def _block(arrays: Any) -> Any:
    """Lists in the innermost depth lie along the last axis, those around them the one before."""
    depth = _depth(arrays)
    ndim = max(depth, _most_axes(arrays))
    return _joined(arrays, depth, ndim)


def _depth(arrays: Any) -> int:
    """How deep the lists are nested."""
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _most_axes(arrays: Any) -> int:
    return max(map(_most_axes, arrays)) if isinstance(arrays, list) else np.ndim(arrays)


def _joined(arrays: Any, depth: int, ndim: int) -> Any:
    """What lies in lists of this depth as one array, with axes of 1 in front."""
    if isinstance(arrays, list) != (depth > 0) or isinstance(arrays, tuple):
        raise TypeError("lists of one depth wanted")
    if depth == 0:
        missing_axes = ndim - np.ndim(arrays)
        return np.reshape(arrays, (1,) * missing_axes + np.shape(arrays))
    parts = [_joined(x, depth - 1, ndim) for x in arrays]
    return np.concatenate(parts, axis=-depth)


def _roll(x: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        row = _roll(np.reshape(x, -1), shift, 0)
        return np.reshape(row, x.shape)
    for steps, a in np.broadcast(shift, axis):
        cut = -steps % max(x.shape[a], 1)
        behind = along(x, a, slice(cut, None))
        before = along(x, a, slice(cut))
        x = np.concatenate([behind, before], axis=a)
    return x


# --- split ----------------------------------------------------------------------------------------
def _array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    size = x.shape[axis]
    if np.ndim(indices_or_sections):
        cuts = [0, *map(int, indices_or_sections), size]
    else:
        length, longer = divmod(size, indices_or_sections)
        lengths = [length] * indices_or_sections
        for i in range(longer):
            lengths[i] += 1
        cuts = [0, *np.cumsum(lengths).tolist()]
    return [along(x, axis, slice(*bounds)) for bounds in pairwise(cuts)]


def _split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    if np.ndim(indices_or_sections) == 0 and x.shape[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return _array_split(x, indices_or_sections, axis)


def _vsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    if x.ndim < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return _split(x, indices_or_sections, 0)


def _hsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    return _split(x, indices_or_sections, min(1, x.ndim - 1))


def _dsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    return _split(x, indices_or_sections, 2)


def _unstack(x: Any, *, axis: int = 0) -> tuple[Any, ...]:
    places = range(x.shape[axis])
    return tuple(along(x, axis, i) for i in places)


# --- padded ---------------------------------------------------------------------------------------
REPEATING_MODES = ("edge", "reflect", "symmetric", "wrap")


def _pad(
    x: Any,
    pad_width: Any,
    mode: Any = "constant",
    constant_values: Any = 0,
) -> Any:
    """Constants are joined to each end, one axis after another; the other modes repeat elements."""
    all_widths = _pad_widths(x.ndim, pad_width)
    values = np.asarray(constant_values, x.dtype)
    values = np.broadcast_to(values, (x.ndim, 2))
    for axis, widths in enumerate(all_widths):
        if mode == "constant":
            x = _between_constants(x, axis, widths, values[axis])
        elif mode in REPEATING_MODES:
            places = np.arange(x.shape[axis])
            x = along(x, axis, np.pad(places, widths, mode))
        else:
            expected = "constant, edge, reflect, symmetric or wrap"
            raise UnsupportedError("pad", got=f"mode={mode!r}", expected=expected)
    return x


def _pad_widths(ndim: int, pad_width: Any) -> Any:
    """How much is put before and behind each axis; a dict names axes, and leaves out others."""
    widths = pad_width
    if isinstance(pad_width, dict):
        widths = [_named_widths(pad_width, axis, ndim) for axis in range(ndim)]
    return np.broadcast_to(np.asarray(widths), (ndim, 2)).tolist()


def _named_widths(pad_width: dict[int, Any], axis: int, ndim: int) -> Any:
    """The pair for one axis, which may have been counted from the end; a number means both."""
    width = pad_width.get(axis - ndim, 0)
    width = pad_width.get(axis, width)
    if np.ndim(width) == 0:
        return width, width
    return width


def _between_constants(x: Any, axis: int, widths: Any, values: Any) -> Any:
    """x between two blocks, each of one value."""
    blocks = []
    for width, value in zip(widths, values, strict=True):
        shape = list(x.shape)
        shape[axis] = width
        blocks.append(np.full(shape, value))
    before, behind = blocks
    return np.concatenate([before, x, behind], axis=axis)


COMPOSED |= {
    np.vstack: _stacked(2, 0),
    np.hstack: _stacked(1, 1),
    np.dstack: _stacked(3, 2),
    np.column_stack: _column_stack,
    np.append: _append,
    np.block: _block,
    np.roll: _roll,
    np.split: _split,
    np.array_split: _array_split,
    np.vsplit: _vsplit,
    np.hsplit: _hsplit,
    np.dsplit: _dsplit,
    np.unstack: _unstack,
    np.pad: _pad,
}
