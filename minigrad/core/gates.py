"""Gates: the identity forward, an opinion about the gradient backward.

Every truncation of D2L 9.7.1 is a pattern of gates on recurrent edges. On a plain array a gate does
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.ops import defvjp, dispatched
from minigrad.ops.table import Fn, Rule

GATES: set[Fn] = set()
"""All gates: the identity forward."""

CHANGES_GRADIENT: set[Fn] = set()
"""Those that may send back another gradient than they get."""

CLOSED: set[Fn] = set()
"""Those that send nothing back."""

LINEAR: set[Fn] = set()
"""Those that make of a sum of gradients the sum of what they make of each."""


def gate(
    fn: Fn, *rules: Rule | None, changes_gradient: bool = True, linear: bool = False, **row: Any
) -> None:
    """Enter a gate into the tables: its rules, and what defvjp takes beside.

    ``changes_gradient``: whether another gradient may come out than goes in.
    ``linear``: whether it is linear in the gradient, so that two on one node may be one. One that
    hands the gradient down is.
    """
    defvjp(fn, *rules, **row)
    GATES.add(fn)
    if changes_gradient:
        CHANGES_GRADIENT.add(fn)
    if rules[0] is None:
        CLOSED.add(fn)
    if linear or not changes_gradient:
        LINEAR.add(fn)


@dispatched
def detach(x: Any) -> Any:
    """Let no gradient pass.

    The tape still knows what lies behind (unlike ``x.detach()``, which forgets it).

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (x * mg.detach(x)).backward()
    >>> float(x.grad)
    3.0
    """
    return x


@dispatched
def scale_grad(x: Any, s: Any) -> Any:
    """Multiply the gradient by s, a number or an array that broadcasts to x.

    This is the xi_t of equation 9.7.8.

    At s = 0 nothing passes, not even inf or nan.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (mg.scale_grad(x, 0.5) * 4).backward()
    >>> float(x.grad)
    2.0
    """
    return x


@dispatched
def clip_grad(x: Any, max_norm: float) -> Any:
    """Scale the gradient down to Euclidean norm max_norm where it is longer.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([3.0, 4.0], requires_grad=True)
    >>> np.sum(mg.clip_grad(x, max_norm=1.0) * x.data).backward()
    >>> x.grad
    array([0.6, 0.8])

    Raises ArgumentError for max_norm <= 0. Source: D2L 9.5.3.
    """
    return x


@dispatched
def on_backward(x: Any, fn: Callable[[Any], Any]) -> Any:
    """Call fn(g) when the gradient g of x is complete.

    It may look, break into a debugger, or return another g.

    x may also be the name of a node, or a predicate of nodes: then fn(g) is called there in every
    backward pass from now on, and the result is a Watch: ``with mg.on_backward("h_2", print):
    loss.backward()``, or its ``remove()``.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (mg.on_backward(x, print) * 4).backward()
    4.0

    Raises DTypeError or ShapeError, in backward, where fn returns what cannot be the gradient of x.
    """
    if isinstance(x, str) or callable(x):
        # second reading
        from minigrad.core.inspection.watch import watched

        return watched(x, fn)
    return x


@dispatched
def alias(x: Any) -> Any:
    """Another name for x: one use of a tied parameter (``W_hh@3``) told apart from the others."""
    return x


@dispatched
def recompute(x: Any, steps: tuple[int, int]) -> Any:
    """Where the recomputation of these steps, first and last, reads x.

    What lies behind is not the same node twice.
    """
    return x


def _clipped(g: Any, y: Any, x: Any, max_norm: float = 1.0) -> Any:
    # second reading
    from .norms import norm_in_parts, shrink

    return g * shrink(max_norm, *norm_in_parts(g))


def _bind_clip_grad(x: Any, max_norm: float) -> tuple[tuple[Any], dict[str, Any]]:
    from .norms import positive

    return (x,), {"max_norm": positive("clip_grad: max_norm", max_norm)}


def _looked_at(g: Any, y: Any, x: Any, fn: Any = None) -> Any:
    """What the user's function returns in place of g; g itself where it returns nothing."""
    # second reading
    from minigrad.core.inspection.hooks import called

    return called(fn, g, y)


def _bind_on_backward(x: Any, fn: Any) -> tuple[tuple[Any], dict[str, Any]]:
    return (x,), {"fn": fn}


def _bind_recompute(x: Any, steps: tuple[int, int]) -> tuple[tuple[Any], dict[str, Any]]:
    return (x,), {"steps": steps}


def _scaled(g: Any, y: Any, x: Any, s: Any) -> Any:
    return np.where(s != 0, g, 0) * s


def _unchanged(g: Any, y: Any, x: Any, steps: Any = None) -> Any:
    return g


gate(detach, None, linear=True, says=(None,))
gate(scale_grad, _scaled, None, linear=True, says=("{s} ⊙ {g}", None))
gate(clip_grad, _clipped, says="{g} ⊙ min(1, {max_norm} / ‖{g}‖)", bind=_bind_clip_grad)
gate(on_backward, _looked_at, says="fn({g})", bind=_bind_on_backward)
gate(alias, lambda g, y, x: g, says="{g}", changes_gradient=False)
gate(recompute, _unchanged, says="{g}", changes_gradient=False, bind=_bind_recompute)
