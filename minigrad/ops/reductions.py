"""Functions that fold axes away, sum, mean, prod, max, min, and running sums and products."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compositions import COMPOSED
from .shapes import along, axes_of, flat_for, folded_shape, row_for, rows_over
from .table import Fn, Templates, defvjp


# --- rules ----------------------------------------------------------------------------------------
def _unfold(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Give a reduced array back the axes it lost, with length 1, to broadcast against x."""
    if keepdims or x.ndim == 0:
        return g
    if axis is None:
        axis = tuple(range(x.ndim))
    return np.expand_dims(g, axis)


def _sum(
    g: Any,
    y: Any,
    x: Any,
    axis: Any = None,
    keepdims: bool = False,
) -> Any:
    """Every element takes the cotangent of the sum that it went into."""
    unfolded = _unfold(g, x, axis, keepdims)
    return np.broadcast_to(unfolded, x.shape)


def _mean(
    g: Any,
    y: Any,
    x: Any,
    axis: Any = None,
    keepdims: bool = False,
) -> Any:
    """Every element takes its share of it."""
    share = g * (y.size / max(x.size, 1))
    unfolded = _unfold(share, x, axis, keepdims)
    return np.broadcast_to(unfolded, x.shape)


def _mean_says(n: Any) -> Templates:
    elements_per_mean = n.inputs[0].size // max(n.size, 1)
    return (f"spread({{g}}) / {elements_per_mean}",)


def _extreme(
    g: Any,
    y: Any,
    x: Any,
    axis: Any = None,
    keepdims: bool = False,
) -> Any:
    """Elements that tie for the extreme share the cotangent evenly."""
    wins = x == _unfold(y, x, axis, keepdims)
    spread = _unfold(g, x, axis, keepdims)
    return spread * wins / np.sum(wins, axis=axis, keepdims=True)


def _cumsum(
    g: Any,
    y: Any,
    x: Any,
    axis: Any = -1,
) -> Any:
    """What element i adds to is everything from i on: the running sum from the other end."""
    backwards = np.flip(g, axis)
    totals = np.cumsum(backwards, axis=axis)
    return np.flip(totals, axis)


def _bind_cumsum(a: Any, axis: int | None = None) -> Any:
    a, axis = flat_for(a, axis)
    return (a,), {"axis": axis}


defvjp(np.sum, _sum, says="spread({g})")
defvjp(np.mean, _mean, says=_mean_says)
defvjp(np.max, _extreme, says="spread({g}) ⊙ [{x} = spread({y})] / ties")
defvjp(np.min, _extreme, says="spread({g}) ⊙ [{x} = spread({y})] / ties")
defvjp(
    np.cumsum,
    _cumsum,
    bind=_bind_cumsum,
    says="flip(cumsum(flip({g}, {axis}), {axis}), {axis})",
)


# --- compositions ---------------------------------------------------------------------------------
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum of what is a number. Shapes: as np.sum."""
    numbers = np.where(np.isnan(x), 0, x)
    return np.sum(numbers, axis=axis, keepdims=keepdims)


def _ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    highest = np.max(x, axis=axis, keepdims=keepdims)
    return highest - np.min(x, axis=axis, keepdims=keepdims)


def _prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """A tree of products: right where elements are zero, as g * y / x would not be."""
    x = _widened(x)
    # NumPy takes axis 0 of a number, too.
    axes = axes_of(x, axis) if x.ndim else ()
    y = rows_over(x, axes)
    if y.shape[-1] == 0:
        # 1, that of nothing
        y = np.sum(y, axis=-1, keepdims=True) + 1
    while y.shape[-1] > 1:
        even = y.shape[-1] // 2 * 2
        pairs = y[..., 0:even:2] * y[..., 1:even:2]
        left_over = y[..., even:]
        y = np.concatenate([pairs, left_over], axis=-1)
    return np.reshape(y, folded_shape(x, axes, keepdims))


def _cumprod(x: Any, axis: int | None = None) -> Any:
    """A scan that doubles its reach, for the same reason. Source: Hillis and Steele 1986."""
    x, axis = row_for(_widened(x), axis)
    reach = 1
    while reach < x.shape[axis]:
        later = along(x, axis, slice(reach, None))
        longer = later * along(x, axis, slice(-reach))
        first = along(x, axis, slice(reach))
        x = np.concatenate([first, longer], axis=axis)
        reach *= 2
    return x


def _widened(x: Any) -> Any:
    """Whole numbers in the width in which NumPy multiplies them."""
    if x.dtype.kind not in "iub":
        return x
    widest = np.uint if x.dtype.kind == "u" else np.int_
    return x.astype(np.result_type(x.dtype, widest))


def _cumulative(running: Fn, start: int) -> Fn:
    """The array API's running sum or product, which may begin with that of no elements."""

    def cumulative(x: Any, *, axis: int | None = None, include_initial: bool = False) -> Any:
        y = running(x, axis=axis)
        if not include_initial:
            return y
        axis = 0 if axis is None else axis
        first = along(y, axis, slice(1)) * 0 + start
        return np.concatenate([first, y], axis=axis)

    return cumulative


def _fold(reduction: Fn, first_axis: int | None) -> Fn:
    """The reduction under another name, of this axis where none is named."""

    def fold(array: Any, axis: Any = first_axis, keepdims: bool = False) -> Any:
        return reduction(array, axis=axis, keepdims=keepdims)

    return fold


def _accumulate(running: Fn) -> Fn:
    """A ufunc's ``accumulate``, of axis 0 where none is named."""

    def accumulate(array: Any, axis: int = 0) -> Any:
        return running(array, axis=axis)

    return accumulate


COMPOSED |= {
    np.nansum: nansum,
    np.amax: _fold(np.max, None),
    np.amin: _fold(np.min, None),
    np.ptp: _ptp,
    np.prod: _prod,
    np.cumprod: _cumprod,
    np.cumulative_sum: _cumulative(np.cumsum, 0),
    np.cumulative_prod: _cumulative(np.cumprod, 1),
    np.add.reduce: _fold(np.sum, 0),
    np.multiply.reduce: _fold(np.prod, 0),
    np.maximum.reduce: _fold(np.max, 0),
    np.minimum.reduce: _fold(np.min, 0),
    np.add.accumulate: _accumulate(np.cumsum),
    np.multiply.accumulate: _accumulate(np.cumprod),
}
