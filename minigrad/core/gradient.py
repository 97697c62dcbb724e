"""Asking for gradients: ``grad`` of anything, ``backward`` into the leaves' ``grad``."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.errors import GradientError
from minigrad.gc_paused import uncollected
from minigrad.ops.elementwise import cast

from .seed import seed_for
from .sweep import sweep_of
from .tape import Tape, add_to_grads
from .tensor import Array, Tensor, frozen

_sweeps = itertools.count(1)
CARRY_STATE = (
    "Carry state from batch to batch with state.detach(), or pass retain_graph=True to go again"
)


@uncollected
def gradients(tape: Tape, wrt: Tensor | Iterable[Tensor], seed: Array | Tensor) -> list[Tensor]:
    """The adjoints of wrt, zeros where the output does not reach.

    They are recorded where the seed is a Tensor.

    ``seed`` is the cotangent of the tape's first output.
    """
    # None is refused like anything else that is no Tensor
    targets = (wrt,) if isinstance(wrt, Tensor) or wrt is None else tuple(wrt)
    for x in targets:
        _refuse_gradientless(x)
    asked = set(targets)
    recorded = isinstance(seed, Tensor)
    adjoints: dict[Tensor, Tensor] = {}
    for x, g, _ in sweep_of(tape, seed, asked):
        if x in asked:
            adjoints[x] = g if recorded else _off_the_tape(g.copy())
        if recorded and x.name and g.fn and not g.name:
            g.named(f"d{tape.outputs[0].name or 'L'}/d{x.name}")
    for x in targets:
        if x not in adjoints:
            _refuse_unreachable(tape, x)
            adjoints[x] = _off_the_tape(np.zeros(x.shape, x.dtype))
    return [adjoints[x] for x in targets]


def _off_the_tape(g: Array) -> Tensor:
    """An adjoint as a leaf, which does not know what it was computed from."""
    leaf = Tensor(frozen(g))
    leaf.cut = "mg.grad()"
    return leaf


def _refuse_gradientless(x: Any) -> None:
    """Raise GradientError where x can have no gradient."""
    if not isinstance(x, Tensor) or not x.requires_grad:
        got = f"'{getattr(x, 'label', x)}' does not need a gradient"
        raise GradientError("grad", got=got, remedy="Make it with tensor(..., requires_grad=True)")


def _refuse_unreachable(tape: Tape, x: Tensor) -> None:
    """Raise GradientError where x, to which no gradient came, is a result of another tape."""
    if x.fn is not None and x not in tape.names:
        got = f"'{x.label}' is not on this tape"
        remedy = "A rewritten tape has its own: tape['h_1'] is its h_1"
        raise GradientError("grad", got=got, remedy=remedy)


def grad(
    output: Tensor,
    inputs: Tensor | Iterable[Tensor],
    grad_output: Any = None,
    create_graph: bool = False,
) -> list[Tensor]:
    """The gradients of output with respect to inputs, leaves or not; no ``.grad`` is touched.

    Returns one Tensor per input, in its shape. ``grad_output`` is the cotangent of output, in its
    shape (default: 1 for a scalar). ``create_graph`` records the computation, so that the results
    can be differentiated again.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (slope,) = mg.grad(x * x * x, x, create_graph=True)
    >>> (curvature,) = mg.grad(slope, x)
    >>> slope.item(), curvature.item()
    (27.0, 18.0)

    Raises GradientError for an input that needs no gradient or is not on the tape, and where there
    is no way back.
    """
    tape = Tape.of(output)
    is_tensor = isinstance(grad_output, Tensor)
    seed: Array | Tensor = seed_for(tape, grad_output.data if is_tensor else grad_output)
    if create_graph:
        seed = cast(grad_output, output.dtype) if is_tensor else Tensor(frozen(seed))
    adjoints = gradients(tape, inputs, seed)
    if not create_graph:
        from .finished import let_go_of_updates

        let_go_of_updates((inputs,) if isinstance(inputs, Tensor) else inputs)
    return adjoints


def backward(
    loss: Tensor, gradient: npt.ArrayLike | None = None, retain_graph: bool = False
) -> None:
    """What ``loss.backward()`` does: see there."""
    tape = Tape.of(loss)
    adjoints = []
    passed = []
    for node, g, _ in sweep_of(tape, seed_for(tape, gradient)):
        if node.swept and not retain_graph:
            got = f"an earlier backward() already went through '{node.label}'"
            raise GradientError("backward", got=got, remedy=CARRY_STATE, where=node.where)
        if node.fn is None:
            adjoints.append((node, g))
        else:
            passed.append(node)
    add_to_grads(adjoints)
    sweep = next(_sweeps)
    for node in passed:
        node.swept = -sweep if retain_graph else sweep
    loss.asked = True
    from .finished import let_go_behind_gates

    let_go_behind_gates(passed, sweep)
