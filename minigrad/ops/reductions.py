"""VJPs of functions that fold axes away: sum, mean, max, min."""

from __future__ import annotations

from typing import Any

import numpy as np

from .table import defvjp


def _unfold(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Give a reduced array back the axes it lost, with size 1, so that it broadcasts against x."""
    if keepdims or x.ndim == 0:
        return g
    return np.expand_dims(g, tuple(range(x.ndim)) if axis is None else axis)


def _sum(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.broadcast_to(_unfold(g, x, axis, keepdims), x.shape)


def _mean(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.broadcast_to(_unfold(g * (y.size / max(x.size, 1)), x, axis, keepdims), x.shape)


def _extreme(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Elements that tie for the extreme share the cotangent evenly."""
    won = x == _unfold(y, x, axis, keepdims)
    return _unfold(g, x, axis, keepdims) * won / np.sum(won, axis=axis, keepdims=True)


defvjp(np.sum, _sum)
defvjp(np.mean, _mean)
defvjp(np.max, _extreme)
defvjp(np.min, _extreme)


def _cumsum(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """What element i adds to is everything from i on: the cumulative sum from the other end."""
    return np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis)


def _bind_cumsum(a: Any, axis: int | None = None) -> tuple[tuple[Any], dict[str, int]]:
    return ((np.reshape(a, -1),), {"axis": 0}) if axis is None else ((a,), {"axis": axis})


defvjp(np.cumsum, _cumsum, bind=_bind_cumsum)
