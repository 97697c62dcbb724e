"""The sweep: THE backward pass over a list of nodes, last to first. Everything that needs a gradient drains it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .errors import StaleTapeError
from .scope import stamped
from .tensor import Array, Tensor
from .vjps import OPS
from .vjps.elementwise import accumulate, cast


class Step(NamedTuple):
    """One step of backward: a node, its finished adjoint, and what it sends to each input (None: nothing)."""

    tensor: Tensor
    grad: Any
    contributions: tuple[Any, ...]

    @property
    def time(self) -> int | None:
        """The time step of the node."""
        return self.tensor.time

    @property
    def origin(self) -> str:
        """``file:line`` of the forward code."""
        return str(self.tensor.origin)


def sweep(
    nodes: tuple[Tensor, ...], out: Tensor, seed: Any, wanted: Callable[[Tensor], bool], recorded: bool = False
) -> Iterator[Step]:
    """Yield a Step per node that a gradient reaches; its adjoint is complete, for its readers came later on the tape.

    With a Tensor as seed (``recorded``) the rules see Tensors and the backward pass records itself.
    """
    pending: dict[Tensor, list[Any]] = {out: [seed]}
    for node in reversed(nodes):
        terms = pending.pop(node, None)
        if terms is None:
            continue
        if not recorded:
            grad = frozen(terms[0])
            found = _contributions(node, grad, wanted, node.data, [x.data for x in node.inputs])
            contributions = tuple(None if c is None else frozen(c) for c in found)
        else:
            with stamped(node.time, node.place):
                grad = terms[0] if len(terms) == 1 else accumulate(*terms)
                contributions = _contributions(node, grad, wanted, node, node.inputs)
        for x, c in zip(node.inputs, contributions, strict=True):
            if c is not None:
                terms = pending.setdefault(x, [])
                terms.append(c)
                if not recorded and len(terms) == 2:
                    terms[:] = [terms[0] + terms[1]]
        yield Step(node, grad, contributions)


def _contributions(
    node: Tensor, g: Any, wanted: Callable[[Tensor], bool], y: Any, inputs: Iterable[Any]
) -> tuple[Any, ...]:
    """What node sends to each input, in the input's shape and dtype; None to those that are not wanted."""
    if node.fn is None:
        return ()
    for x in node.inputs:
        if x.assigned > node.serial:
            got = f"'{x.label}' was assigned a new value after this tape read it"
            remedy = "Go backward before the update, or run the forward pass again"
            raise StaleTapeError(f"backward through '{node.label}'", got=got, remedy=remedy, where=node.where)
    op = OPS[node.fn]
    wants = [wanted(x) for x in node.inputs]
    if op.joint is not None:
        found = op.joint(g, y, *inputs, **node.kwargs)
    else:
        found = [r(g, y, *inputs, **node.kwargs) if r and w else None for r, w in zip(op.rules, wants, strict=False)]
    return tuple(
        None if c is None or not w else conform(c, x) for c, x, w in zip(found, node.inputs, wants, strict=False)
    )


def conform(c: Any, x: Tensor) -> Any:
    """Undo broadcasting and promotion: the contribution c in the shape and dtype of the input x. The one place."""
    if c.shape != x.shape:
        lead = max(c.ndim - x.ndim, 0)
        spread = tuple(i for i, n in enumerate(c.shape) if i < lead or x.shape[i - c.ndim] == 1 != n)
        c = np.sum(c, axis=spread, keepdims=True) if spread else c
        c = np.reshape(c, x.shape) if lead else np.broadcast_to(c, x.shape)
    return c if c.dtype == x.dtype else cast(c, x.dtype)


def frozen(g: Any) -> Array:
    """An adjoint as a read-only array."""
    array: Array = np.asarray(g)
    array.flags.writeable = False
    return array
