"""Functions of parts of an array, and results put together: choose, piecewise, vander."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.ops.compositions import COMPOSED, bare
from minigrad.ops.indexing import at
from minigrad.ops.shapes import moveaxis
from minigrad.ops.table import Fn


def _choose(a: Any, choices: Any, mode: str = "raise") -> Any:
    """Element by element the one of the choices that a counts."""
    count = len(choices)
    index = a if hasattr(a, "dtype") else np.asarray(a)
    if mode == "wrap":
        index = np.remainder(index, count)
    elif mode == "clip":
        index = np.clip(index, 0, count - 1)
    elif np.any(bare(index) < 0):
        raise ValueError("invalid entry in choice array")
    index, *choices = np.broadcast_arrays(index, *choices)
    stacked = np.stack(choices)
    return np.take_along_axis(stacked, index[None], axis=0)[0]


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any) -> Any:
    """Each function at the elements where its condition holds, and nowhere else; else 0."""
    conditions = condlist
    if not isinstance(condlist, (list, tuple)) and condlist.ndim == x.ndim:
        conditions = [condlist]
    conditions = [np.reshape(c, x.shape) for c in conditions]
    y = np.zeros_like(x)
    if len(funclist) == len(conditions) + 1:
        conditions.append(_none_of(conditions))
    if len(funclist) != len(conditions):
        raise ValueError("as many functions as conditions wanted, or one more")
    for condition, fn in zip(conditions, funclist, strict=True):
        y = _with_piece(x, y, condition, fn, args)
    return y if y.dtype == x.dtype else y.astype(x.dtype)


def _none_of(conditions: list[Any]) -> Any:
    """Where no condition holds."""
    some = conditions[0]
    for condition in conditions[1:]:
        some = np.logical_or(some, condition)
    return np.logical_not(some)


def _with_piece(x: Any, y: Any, condition: Any, fn: Any, args: tuple[Any, ...]) -> Any:
    """y with fn of x where the condition holds."""
    if not callable(fn):
        return np.where(condition, fn, y)
    chosen = x[condition]
    values = np.broadcast_to(fn(chosen, *args), chosen.shape)
    # One more, which none takes: there may be none.
    values = np.concatenate([values, np.zeros(1, values.dtype)])
    # Which of the values each element takes: it is counted how many came before.
    counted = np.cumsum(np.reshape(condition, -1))
    places = np.reshape(np.maximum(counted - 1, 0), x.shape)
    return np.where(condition, at(values, places), y)


def _apply_along_axis(func1d: Fn, axis: int, arr: Any, *args: Any) -> Any:
    """Row after row along the axis; the axes of a result stand where the axis was."""
    rows = moveaxis(arr, axis, -1)
    others = rows.shape[:-1]
    results = [func1d(rows[i], *args) for i in np.ndindex(others)]
    stacked = np.stack(results)
    y = np.reshape(stacked, others + stacked.shape[1:])
    result_axes = range(len(others), y.ndim)
    place = axis % arr.ndim
    return moveaxis(y, tuple(result_axes), tuple(range(place, place + len(result_axes))))


def _ediff1d(x: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    x = np.reshape(x, -1)
    parts = [np.diff(x)]
    if to_begin is not None:
        parts.insert(0, _row_like(x, to_begin))
    if to_end is not None:
        parts.append(_row_like(x, to_end))
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _row_like(x: Any, end: Any) -> Any:
    """What is joined to an end, in the dtype of x."""
    row = np.reshape(end, -1)
    return row if row.dtype == x.dtype else row.astype(x.dtype)


def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Columns of powers. As NumPy's it is float64 at least."""
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    wide = np.promote_types(x.dtype, int)
    x = x if x.dtype == wide else x.astype(wide)
    count = x.size if N is None else N
    powers = [np.ones_like(x)]
    while len(powers) < count:
        powers.append(powers[-1] * x)
    columns = powers[:count] if increasing else powers[:count][::-1]
    return np.stack(columns, axis=-1)


COMPOSED |= {
    np.choose: _choose,
    np.piecewise: _piecewise,
    np.apply_along_axis: _apply_along_axis,
    np.ediff1d: _ediff1d,
    np.vander: _vander,
}
