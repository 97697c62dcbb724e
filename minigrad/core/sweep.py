"""The sweep: THE backward pass over a list of nodes, last to first. Everything that needs a gradient drains it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigrad.errors import GradientError, ShapeError
from minigrad.ops import OPS
from minigrad.ops.elementwise import accumulate, cast
from minigrad.ops.indexing import Scattered, written_out

from .notation import sentences
from .scope import stamped
from .tensor import Array, Tensor, frozen
from .text import summary
from .versions import refuse_stale


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Step:
    """One step of backward: a node, its adjoint and what it sends. Unpacks as (tensor, grad, contributions)."""

    tensor: Tensor
    grad: Any
    sent: list[Any]  # as the rules gave it: a use of x[t] is not written out until somebody looks
    tape: Any = None  # whose names the formula uses

    def __iter__(self) -> Iterator[Any]:
        return iter((self.tensor, self.grad, self.contributions))

    @property
    def contributions(self) -> list[Any]:
        """What the node sends to each input, in the input's shape; None: nothing."""
        return [written_out([c]) if type(c) is Scattered else c for c in self.sent]

    @property
    def formula(self) -> str:
        """What it sends, a line per input: ``dL/dh_2 += W_hhᵀ · dL/dh_3``."""
        return "\n".join(line for line in self.formulas if line)

    @property
    def formulas(self) -> list[str | None]:
        """The lines of ``formula``, one per input; None to what gets nothing."""
        return sentences(self.tensor, self.sent, self.tape)

    @property
    def name(self) -> str:
        """The node's name on its tape."""
        return self.tensor.label if self.tape is None else str(self.tape.names[self.tensor])

    @property
    def time(self) -> int | None:
        """The time step of the node."""
        return self.tensor.time

    @property
    def origin(self) -> str:
        """``file:line`` of the forward code."""
        return str(self.tensor.origin)

    def __repr__(self) -> str:
        grad = self.grad.data if isinstance(self.grad, Tensor) else self.grad
        sends = "; ".join(line for line in self.formulas if line) or "complete"
        return f"Step({self.name}: {summary(grad)}; {sends} [{self.tensor.where}])"


Swept = tuple[Tensor, Any, list[Any]]  # the fields of a Step, without its cost


def sweep(
    nodes: tuple[Tensor, ...],
    out: Tensor,
    seed: Array | Tensor,
    wanted: Container[Tensor] | None = None,
) -> Iterator[Swept]:
    """Yield (tensor, grad, sent) per node that a gradient reaches; grad is complete: its readers came after it.

    Only the tensors in ``wanted`` are sent anything (None: all that need a gradient). With a Tensor as seed the
    rules see Tensors and the backward pass records itself.
    """
    return (
        _recorded(nodes, out, seed, wanted)
        if isinstance(seed, Tensor)
        else _plain(nodes, out, seed, wanted)
    )


def _plain(
    nodes: tuple[Tensor, ...], out: Tensor, seed: Array, wanted: Container[Tensor] | None
) -> Iterator[Swept]:
    """The sweep over plain arrays. Measured line by line: most of an eager training step is spent here."""
    pending: dict[Tensor, Any] = {out: seed}
    segment: Any = None  # that the sweep is in
    for node in reversed(nodes):
        g = pending.pop(node, None)
        if g is None:
            continue
        g, sent = frozen(g), []
        if node.fn is not None:
            inputs = node.inputs
            if node.segment is None:
                y, values = node._array, [x._array for x in inputs]
            else:
                if node.segment is not segment:
                    segment, here = (
                        node.segment,
                        node.segment.open(),
                    )  # the values of the one before are forgotten
                y, *values = here.read(node, *inputs)
            sent = _contributions(node, g, wanted, y, values)
            for x, c in zip(inputs, sent):  # noqa: B905  (strict costs a tenth)
                if c is not None:
                    so_far = pending.get(x)
                    if type(c) is not Scattered:
                        c.setflags(False)
                        pending[x] = c if so_far is None else _plus(so_far, c)
                    else:
                        pending[x] = _scattered(so_far, c)
        yield node, g, sent


def _plus(so_far: Array, c: Array) -> Array:
    """so_far + c, in place where so_far is a sum made here, which nobody else has seen: those alone are writeable."""
    return np.add(so_far, c, out=so_far) if so_far.flags.writeable else np.asarray(so_far + c)


def _scattered(so_far: Array | None, c: Scattered) -> Array:
    if so_far is None:
        so_far = np.zeros(c.shape, c.dtype)
    elif not so_far.flags.writeable:
        so_far = so_far.copy()
    c.add_to(so_far)
    return so_far


def _recorded(
    nodes: tuple[Tensor, ...], out: Tensor, seed: Tensor, wanted: Container[Tensor] | None
) -> Iterator[Swept]:
    """The sweep that is recorded: the contributions to one adjoint become one sum, a node to look at."""
    pending: defaultdict[Tensor, list[Any]] = defaultdict(list, {out: [seed]})
    segment: Any = None  # that the sweep is in
    for node in reversed(nodes):
        if node not in pending:
            continue
        with stamped(node.time, node.place):
            terms = pending.pop(node)
            if uses := [c for c in terms if type(c) is Scattered]:
                terms = [c for c in terms if type(c) is not Scattered] + [written_out(uses)]
            g = terms[0] if len(terms) == 1 else accumulate(*terms)
            y, values = node, node.inputs
            if dropped := [x for x in (node, *node.inputs) if x.form is not None]:
                if dropped[0].segment is not segment:
                    segment = dropped[0].segment
                    here = segment.recorded()
                y, *values = here.read(node, *node.inputs)
            sent = _contributions(node, g, wanted, y, values) if node.fn else []
        for x, c in zip(node.inputs, sent, strict=True):
            if c is not None:
                pending[x].append(c)
        yield node, g, sent


def _contributions(
    node: Tensor, g: Any, wanted: Container[Tensor] | None, y: Any, values: Sequence[Any]
) -> list[Any]:
    """What node sends to each input, in the input's shape and dtype; None to those that are not wanted."""
    if Tensor.last_assign > node.serial:
        remedy = "Go backward before the update, or run the forward pass again"
        refuse_stale(f"backward through '{node.label}'", node, node.inputs, remedy)
    op, operands, keywords, sent = OPS[node.fn], (g, y, *values), node.kwargs, []  # type: ignore[index]  # no leaf
    joint = op.joint is not None
    try:
        found: Sequence[Any] = op.joint(*operands, **keywords) if op.joint is not None else op.rules
        for slot, x in enumerate(node.inputs):
            c = None
            if (x.requires_grad if wanted is None else x in wanted) and (
                c := found[slot]
            ) is not None:
                if not joint:
                    c = c(*operands, **keywords) if keywords else c(*operands)
                value = values[slot]
                if c.shape != value.shape or c.dtype != value.dtype:
                    c = conform(c, value, node)
            sent.append(c)
    except np.linalg.LinAlgError as error:
        raise GradientError(
            f"backward through '{node.label}'", got=str(error), where=node.where
        ) from None
    return sent


def conform(c: Any, x: Any, node: Tensor) -> Any:
    """Undo broadcasting and promotion: the contribution c in the shape and dtype of the input x. The one place.

    Where x was broadcast to the shape of c, c is summed; where c broadcasts to that of x, it is spread.
    Raises ShapeError for any other shape, though it has as many elements: the VJP is wrong.
    """
    if c.shape != x.shape:
        try:
            c = _fitted(c, x.shape)
        except ValueError:
            got, expected = (
                f"a contribution of shape {c.shape}",
                f"its input has the shape {x.shape}",
            )
            raise ShapeError(
                f"backward through '{node.label}'", got=got, expected=expected, where=node.where
            ) from None
    if c.dtype == x.dtype:
        return c
    return replace(c, g=cast(c.g, x.dtype)) if type(c) is Scattered else cast(c, x.dtype)


def _fitted(c: Any, shape: tuple[int, ...]) -> Any:
    """c summed over the axes along which an input of that shape was broadcast, or else broadcast to it itself."""
    lead = max(c.ndim - len(shape), 0)
    repeated = tuple(
        [i for i, n in enumerate(c.shape) if n != 1 and (i < lead or shape[i - c.ndim] == 1)]
    )
    if not repeated and not lead:
        return np.broadcast_to(c, shape)
    total = c.sum(repeated, keepdims=True) if repeated else c
    if total.shape[lead:] != shape:
        raise ValueError("no broadcasting explains the shape")
    return total.reshape(shape) if lead else total
