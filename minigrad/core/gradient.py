"""Asking for gradients: ``grad`` of anything, ``backward`` into the leaves' ``grad``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.errors import GradientError
from minigrad.ops.elementwise import cast

from .gc_paused import uncollected
from .order import leading_to
from .tape import Tape, add_to_grads
from .tensor import Array, Tensor, frozen


@uncollected()
def gradients(tape: Tape, wrt: Tensor | Iterable[Tensor], seed: Array | Tensor) -> list[Tensor]:
    """The adjoints of wrt, zeros where the output does not reach; recorded where the seed is a Tensor."""
    targets = (wrt,) if isinstance(wrt, Tensor) or wrt is None else tuple(wrt)
    for x in targets:
        if not isinstance(x, Tensor) or not x.requires_grad:
            remedy = "Make it with tensor(..., requires_grad=True)"
            raise GradientError(
                "grad", got=f"'{getattr(x, 'label', x)}' does not need a gradient", remedy=remedy
            )
        if x.fn is not None and x not in tape.names:
            got, remedy = (
                f"'{x.label}' is not on this tape",
                "A rewritten tape has its own: tape['h_1'] is its h_1",
            )
            raise GradientError("grad", got=got, remedy=remedy)
    asked, found, recorded = set(targets), dict[Tensor, Tensor](), isinstance(seed, Tensor)
    on_path = leading_to(tape.nodes, asked)
    for x, g, _ in tape._sweep(seed, on_path):
        if x in asked:
            found[x] = g if recorded else Tensor(frozen(g.copy()))
        if recorded and x.name and g.fn and not g.name:
            g.named(f"d{tape.outputs[0].name or 'L'}/d{x.name}")
    return [found[x] if x in found else Tensor(frozen(np.zeros(x.shape, x.dtype))) for x in targets]


def grad(
    output: Tensor,
    inputs: Tensor | Iterable[Tensor],
    grad_output: Any = None,
    create_graph: bool = False,
) -> list[Tensor]:
    """The gradients of output with respect to inputs (leaves or not), one each, without touching any ``.grad``.

    ``create_graph`` records the computation, so that the results can be differentiated again.
    """
    tape, given = Tape.of(output), isinstance(grad_output, Tensor)
    seed = tape._seed(grad_output.data if given else grad_output)
    if create_graph:
        return gradients(
            tape, inputs, cast(grad_output, output.dtype) if given else Tensor(frozen(seed))
        )
    return gradients(tape, inputs, seed)


def _backward(
    loss: Tensor, gradient: npt.ArrayLike | None = None, retain_graph: bool = False
) -> None:
    """Add the gradient of this scalar to the ``grad`` of every leaf that needs one.

    Raises GradientError where an earlier call already went through (part of) the graph, unless ``retain_graph``.
    """
    found, passed = [], []
    tape = Tape.of(loss)
    for node, g, _ in tape._sweep(tape._seed(gradient)):
        if node.swept and not retain_graph:
            got = f"an earlier backward() already went through '{node.label}'"
            remedy = "Carry state from batch to batch with state.detach(), or pass retain_graph=True to go again"
            raise GradientError("backward", got=got, remedy=remedy, where=node.where)
        if node.fn is None:
            found.append((node, g))
        else:
            passed.append(node)
    add_to_grads(found)
    for node in passed:
        node.swept = True


Tensor.backward = _backward
