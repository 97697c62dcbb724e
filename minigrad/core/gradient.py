"""Asking for gradients: those of chosen tensors, and ``backward`` into the leaves' ``grad``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from minigrad.gc_paused import uncollected

from .seed import seed_for
from .sweep import sweep_of
from .tape import Tape, add_to_grads
from .tensor import Array, Tensor, frozen

_sweeps = itertools.count(1)


@uncollected
def gradients(
    tape: Tape, wrt: Sequence[Tensor], seed: Array | Tensor, allow_unused: bool = False
) -> list[Tensor]:
    """The adjoints of wrt, zeros where the output does not reach.

    They are recorded where the seed is a Tensor.

    ``seed`` is the cotangent of the tape's first output.
    """
    for x in wrt:
        if not x.requires_grad:
            _refuse(x)
    asked = set(wrt)
    recorded = isinstance(seed, Tensor)
    adjoints: dict[Tensor, Tensor] = {}
    for x, g, _ in sweep_of(tape, seed, asked):
        if x in asked:
            adjoints[x] = g if recorded else _off_the_tape(g.copy())
        if isinstance(seed, Tensor):
            from .inspection.recorded_passes import note

            note(seed, x, g, tape.outputs[0])
    for x in asked.difference(adjoints):
        if not allow_unused and x not in tape.names:
            _refuse(x)
        adjoints[x] = Tensor(frozen(np.zeros(x.shape, x.dtype)))
    return [adjoints[x] for x in wrt]


def _off_the_tape(g: Array) -> Tensor:
    """An adjoint as a leaf, which does not know what it was computed from."""
    leaf = Tensor(frozen(g))
    leaf.cut = "mg.grad()"
    return leaf


def _refuse(x: Tensor) -> NoReturn:
    from .long_refusals import no_gradient_of

    raise no_gradient_of(x)


def backward(
    loss: Tensor, gradient: npt.ArrayLike | None = None, retain_graph: bool = False
) -> None:
    """What ``loss.backward()`` does: see there."""
    tape = Tape.of(loss)
    adjoints = []
    passed = []
    for node, g, _ in sweep_of(tape, seed_for(tape, gradient)):
        if node.swept and not retain_graph:
            from .long_refusals import swept_twice

            raise swept_twice(node)
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
