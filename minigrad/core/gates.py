"""Gates: the identity forward, an opinion about the gradient backward.

Every truncation of D2L 9.7.1 is a pattern of gates on recurrent edges. On a plain array a gate does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.errors import DTypeError, ShapeError
from minigrad.ops import defvjp, dispatched

from .norms import norm, positive, shrink
from .watch import watched

__all__ = [
    "alias", "clip_grad", "detach", "norm", "on_backward", "positive", "recompute", "scale_grad", "shrink",
]  # fmt: skip


@dispatched
def detach(x: Any) -> Any:
    """Let no gradient pass. The tape still knows what lies behind (unlike ``x.detach()``, which forgets it)."""
    return x


@dispatched
def scale_grad(x: Any, s: Any) -> Any:
    """Multiply the gradient by s: the xi_t of equation 9.7.8. At s = 0 nothing passes, not even inf or nan."""
    return x


@dispatched
def clip_grad(x: Any, max_norm: float) -> Any:
    """Scale the gradient down to Euclidean norm max_norm where it is longer."""
    return x


@dispatched
def on_backward(x: Any, fn: Callable[[Any], Any]) -> Any:
    """Call fn(g) when the gradient g of x is complete: look, break into a debugger, or return another g.

    x may also be the name of a node, or a predicate of nodes: then fn(g) is called there in every backward pass from
    now on, and the result is a Watch: ``with mg.on_backward("h_2", print): loss.backward()``, or its ``remove()``.
    """
    return watched(x, fn) if isinstance(x, str) or callable(x) else x


@dispatched
def alias(x: Any) -> Any:
    """Another name for x: one use of a tied parameter (``W_hh@3``) told apart from the others."""
    return x


@dispatched
def recompute(x: Any, steps: tuple[int, int]) -> Any:
    """Where the recomputation of these steps, first and last, reads x: what lies behind is not the same node twice."""
    return x


def _clipped(g: Any, y: Any, x: Any, max_norm: float = 1.0) -> Any:
    return g * shrink(norm(g), max_norm)


def _looked(g: Any, y: Any, x: Any, fn: Any = None) -> Any:
    seen = fn(g)
    if seen is not None and np.result_type(seen).kind not in "fiub":
        raise DTypeError("on_backward", got=f"the function returned {np.result_type(seen)}", expected="real numbers")
    if seen is not None and np.shape(seen) != g.shape:
        raise ShapeError("on_backward", got=f"the function returned {np.shape(seen)} for a gradient {g.shape}")
    return g if seen is None else np.positive(seen)  # a new array: the user keeps theirs


defvjp(detach, None)
defvjp(scale_grad, lambda g, y, x, s: np.where(s != 0, g, 0) * s, None)
defvjp(
    clip_grad,
    _clipped,
    bind=lambda x, max_norm: ((x,), {"max_norm": positive("clip_grad: max_norm", max_norm)}),
)
defvjp(on_backward, _looked, bind=lambda x, fn: ((x,), {"fn": fn}))
defvjp(alias, lambda g, y, x: g)
defvjp(recompute, lambda g, y, x, steps=None: g, bind=lambda x, steps: ((x,), {"steps": steps}))
