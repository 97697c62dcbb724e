"""VJPs of functions that only rearrange: reshape, transpose, squeeze, broadcast_to, concatenate, stack."""

from __future__ import annotations

from typing import Any

import numpy as np

from .table import defvjp

defvjp(np.reshape, lambda g, y, x, shape=None: np.reshape(g, x.shape))


def _transpose(g: Any, y: Any, x: Any, axes: Any = None) -> Any:
    back = None if axes is None else tuple(int(i) for i in np.argsort([a % x.ndim for a in axes]))
    return np.transpose(g, back)


defvjp(np.transpose, _transpose)
defvjp(np.swapaxes, lambda g, y, x, axis1=0, axis2=0: np.swapaxes(g, axis1, axis2))
defvjp(np.expand_dims, lambda g, y, x, axis=0: np.reshape(g, x.shape))
defvjp(np.squeeze, lambda g, y, x, axis=None: np.reshape(g, x.shape))
defvjp(np.broadcast_to, lambda g, y, x, shape=(): g)  # the sweep sums over the broadcast axes


def _concatenate(g: Any, y: Any, *xs: Any, axis: int | None = 0) -> list[Any]:
    pieces, start = [], 0
    for x in xs:
        stop = start + (x.size if axis is None else x.shape[axis])
        index = (slice(None),) * (0 if axis is None else axis % x.ndim) + (slice(start, stop),)
        pieces.append(np.reshape(g[index], x.shape))
        start = stop
    return pieces


def _stack(g: Any, y: Any, *xs: Any, axis: int = 0) -> list[Any]:
    before = (slice(None),) * (axis % y.ndim)
    return [g[(*before, i)] for i in range(len(xs))]


for fn, rule in ((np.concatenate, _concatenate), (np.stack, _stack)):
    defvjp(
        fn,
        joint=rule,
        bind=lambda arrays, axis=0, **kw: (arrays, {"axis": axis, **kw}),
        call=lambda *xs, fn=fn, **kw: fn(xs, **kw),
    )
