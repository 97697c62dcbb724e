"""Gates: the identity forward, an opinion about the gradient backward.

Every truncation of D2L 9.7.1 is a pattern of gates on recurrent edges. On a plain array a gate does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.errors import DTypeError, ShapeError
from minigrad.ops import defvjp, dispatched
from minigrad.ops.table import Fn, Rule, Says

from .norms import norm, positive, shrink
from .watch import watched

__all__ = [
    "CHANGES_GRADIENT",
    "GATES",
    "alias",
    "clip_grad",
    "detach",
    "norm",
    "on_backward",
    "positive",
    "recompute",
    "scale_grad",
    "shrink",
]


GATES: set[Fn] = set()
"""All gates: the identity forward."""
CHANGES_GRADIENT: set[Fn] = set()
"""Those that may send back another gradient than they get."""


def gate(
    fn: Fn, *rules: Rule | None, changes_gradient: bool = True, says: Says, bind: Any = None
) -> None:
    """Enter a gate into the tables: its rule, its sentence, and whether the gradient may come out changed."""
    defvjp(fn, *rules, says=says, bind=bind)
    GATES.add(fn)
    if changes_gradient:
        CHANGES_GRADIENT.add(fn)


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
        raise DTypeError(
            "on_backward",
            got=f"the function returned {np.result_type(seen)}",
            expected="real numbers",
        )
    if seen is not None and np.shape(seen) != g.shape:
        raise ShapeError(
            "on_backward", got=f"the function returned {np.shape(seen)} for a gradient {g.shape}"
        )
    return g if seen is None else np.positive(seen)  # a new array: the user keeps theirs


def _bind_clip_grad(x: Any, max_norm: float) -> tuple[tuple[Any], dict[str, Any]]:
    return (x,), {"max_norm": positive("clip_grad: max_norm", max_norm)}


gate(detach, None, says=(None,))
gate(
    scale_grad,
    lambda g, y, x, s: np.where(s != 0, g, 0) * s,
    None,
    says=("{s} ⊙ {g}", None),
)
gate(clip_grad, _clipped, says="{g} ⊙ min(1, {max_norm} / ‖{g}‖)", bind=_bind_clip_grad)
gate(on_backward, _looked, says="fn({g})", bind=lambda x, fn: ((x,), {"fn": fn}))
gate(alias, lambda g, y, x: g, says="{g}", changes_gradient=False)
gate(
    recompute,
    lambda g, y, x, steps=None: g,
    says="{g}",
    changes_gradient=False,
    bind=lambda x, steps: ((x,), {"steps": steps}),
)
