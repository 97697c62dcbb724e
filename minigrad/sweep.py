"""The sweep: THE backward pass over a list of nodes, last to first. Everything that needs a gradient drains it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
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
    contributions: list[Any]

    @property
    def time(self) -> int | None:
        """The time step of the node."""
        return self.tensor.time

    @property
    def origin(self) -> str:
        """``file:line`` of the forward code."""
        return str(self.tensor.origin)


def sweep(
    nodes: tuple[Tensor, ...], out: Tensor, seed: Array | Tensor, wanted: Container[Tensor] | None = None
) -> Iterator[Step]:
    """Yield a Step per node that a gradient reaches; its adjoint is complete, for its readers came later on the tape.

    Only the tensors in ``wanted`` are sent anything (None: all that need a gradient). With a Tensor as seed the
    rules see Tensors and the backward pass records itself.
    """
    recorded = isinstance(seed, Tensor)
    pending: dict[Tensor, list[Any]] = {out: [seed]}
    for node in reversed(nodes):
        terms = pending.pop(node, None)
        if terms is None:
            continue
        if recorded:
            with stamped(node.time, node.place):
                grad = terms[0] if len(terms) == 1 else accumulate(*terms)
                contributions = _contributions(node, grad, wanted, node, node.inputs)
        else:
            grad = frozen(terms[0])
            contributions = _contributions(node, grad, wanted, node.data, [x.data for x in node.inputs])
        for x, c in zip(node.inputs, contributions, strict=True):
            if c is None:
                continue
            if x not in pending:
                pending[x] = [c]
            elif recorded:
                pending[x].append(c)  # one sum of all, when its turn comes: a node to look at
            else:
                pending[x][0] = pending[x][0] + c
        yield Step(node, grad, contributions)


def _contributions(node: Tensor, g: Any, wanted: Container[Tensor] | None, y: Any, values: Sequence[Any]) -> list[Any]:
    """What node sends to each input, in the input's shape and dtype; None to those that are not wanted."""
    if node.fn is None:
        return []
    op, sent = OPS[node.fn], []
    joint = op.joint(g, y, *values, **node.kwargs) if op.joint else None
    for slot, (x, value) in enumerate(zip(node.inputs, values, strict=True)):
        if x.assigned > node.serial:
            got = f"'{x.label}' was assigned a new value after this tape read it"
            remedy = "Go backward before the update, or run the forward pass again"
            raise StaleTapeError(f"backward through '{node.label}'", got=got, remedy=remedy, where=node.where)
        c = None
        if x.requires_grad if wanted is None else x in wanted:
            if joint is not None:
                c = joint[slot]
            elif (rule := op.rules[slot]) is not None:
                c = rule(g, y, *values, **node.kwargs)
        sent.append(c if c is None else conform(c, value))
    return sent


def conform(c: Any, x: Any) -> Any:
    """Undo broadcasting and promotion: the contribution c in the shape and dtype of the input x. The one place."""
    shape = x.shape
    if c.shape != shape:
        lead = max(c.ndim - len(shape), 0)
        spread = tuple(i for i, n in enumerate(c.shape) if n != 1 and (i < lead or shape[i - c.ndim] == 1))
        c = np.sum(c, axis=spread, keepdims=True) if spread else c
        c = np.reshape(c, shape) if lead else np.broadcast_to(c, shape)
    return c if c.dtype == x.dtype else cast(c, x.dtype)


def frozen(g: Any) -> Array:
    """An adjoint as a read-only array."""
    array: Array = np.asarray(g)
    array.setflags(write=False)
    return array
