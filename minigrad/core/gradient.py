"""Asking for gradients: those of chosen tensors, and ``backward`` into the leaves' ``grad``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minigrad.errors import GradientError

from .gc_paused import uncollected
from .order import leading_to
from .seed import seed_for
from .sweep import sweep_of
from .tape import Tape, add_to_grads
from .tensor import Array, Tensor, frozen

CARRY_STATE = (
    "Carry state from batch to batch with state.detach(), or pass retain_graph=True to go again"
)


@uncollected()
def gradients(
    tape: Tape, wrt: Sequence[Tensor], seed: Array | Tensor, allow_unused: bool = False
) -> list[Tensor]:
    """The adjoints of wrt, zeros where the output does not reach.

    They are recorded where the seed is a Tensor.

    ``seed`` is the cotangent of the tape's first output.
    """
    asked = set(wrt)
    unused = asked.difference(tape.nodes)
    for x in wrt:
        if not x.requires_grad or (x in unused and not allow_unused):
            from .long_refusals import no_gradient_of

            raise no_gradient_of(x)
    recorded = isinstance(seed, Tensor)
    adjoints: dict[Tensor, Tensor] = {}
    for x, g, _ in sweep_of(tape, seed, leading_to(tape.nodes, asked)):
        if x in asked:
            adjoints[x] = g if recorded else Tensor(frozen(g.copy()))
        if recorded and x.name and g.fn and not g.name:
            g.named(f"d{tape.outputs[0].name or 'L'}/d{x.name}")
    return [adjoints[x] if x in adjoints else _zeros_like(x) for x in wrt]


def _zeros_like(x: Tensor) -> Tensor:
    return Tensor(frozen(np.zeros(x.shape, x.dtype)))


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
    for node in passed:
        node.swept = True
