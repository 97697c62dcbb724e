"""The sweep: THE backward pass over a list of nodes, last to first.

Everything that needs a gradient drains it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minigrad.ops import OPS
from minigrad.ops.elementwise import accumulate, cast
from minigrad.ops.indexing import Scattered, written_out
from minigrad.scoping import all_holding
from minigrad.source import is_followed

from .order import carrying, leading_to
from .scope import stamped, watch
from .tensor import Array, Tensor, frozen
from .versions import refuse_stale

if TYPE_CHECKING:
    from minigrad.ops.table import Rule

    from .tape import Tape

Swept = tuple[Tensor, Any, list[Any]]
"""A node, its complete adjoint, what it sends to each input: a Step without its cost."""
Nodes = tuple[Tensor, ...]
Wanted = Container[Tensor] | None
Take = Callable[..., list[Any]]
"""(wanted, node, g, y, values) -> what the node sends, as ``contributions`` says."""


def sweep_of(
    tape: Tape, seed: Array | Tensor, targets: Collection[Tensor] | None = None
) -> Iterator[Swept]:
    """The sweep over a tape, under the eyes of ``detect_anomaly`` and ``on_backward``.

    With targets it goes no further than to them.
    """
    output = tape.outputs[0]
    if targets is None:
        nodes, wanted = carrying(output), None
    else:
        nodes = carrying(output, oldest=min([x.serial for x in targets], default=output.serial))
        wanted = leading_to(nodes, targets)
    if Tensor.last_read >= 0:
        from minigrad.core.inspection.reads import warn_of_reads

        warn_of_reads(nodes)
    watching = all_holding(watch)
    if watching or is_followed():
        from .inspection.frames import visited

        return visited(tape, watching, nodes, seed, wanted)
    return sweep(nodes, output, seed, wanted)


def sweep(
    nodes: Nodes, out: Tensor, seed: Array | Tensor, wanted: Wanted = None, take: Take | None = None
) -> Iterator[Swept]:
    """Yield (tensor, grad, sent) per node that a gradient reaches.

    A node's adjoint is complete when it is yielded: its readers came after it.

    ``seed`` is the cotangent of ``out``. Only the tensors in ``wanted`` are sent anything (None:
    all that need a gradient). With a Tensor as seed the rules see Tensors and the backward pass
    records itself. ``take`` takes a step in place of ``contributions``, for one that looks on.
    """
    bound = partial(take or contributions, wanted)
    if isinstance(seed, Tensor):
        return _recorded(nodes, out, seed, bound)
    return _plain(nodes, out, seed, bound)


def _plain(nodes: Nodes, out: Tensor, seed: Array, take: Take) -> Iterator[Swept]:
    """The sweep over plain arrays.

    Measured line by line: most of an eager training step is spent here.
    """
    pending: dict[Tensor, Any] = {out: seed}
    # of a checkpointed tape: the segment that the sweep is in
    segment: Any = None
    for node in reversed(nodes):
        g = pending.pop(node, None)
        if g is None:
            continue
        g = frozen(g)
        sent: list[Any] = []
        if node.fn is not None:
            inputs = node.inputs
            if node.segment is None:
                y = node._array
                values = [x._array for x in inputs]
            else:
                if node.segment is not segment:
                    segment = node.segment
                    # the values of the segment before are forgotten
                    recomputed = segment.open()
                y, *values = recomputed.read(node, *inputs)
            sent = take(node, g, y, values)
            for x, c in zip(inputs, sent):  # noqa: B905  (strict costs a tenth)
                if c is not None:
                    so_far = pending.get(x)
                    if type(c) is Scattered:
                        pending[x] = _scattered(so_far, c)
                    else:
                        c.setflags(False)
                        pending[x] = c if so_far is None else _plus(so_far, c)
        elif node.swept:
            _refuse_finished(node)
        yield node, g, sent


def _refuse_finished(leaf: Tensor) -> NoReturn:
    from .finished import went_through

    raise went_through(leaf)


def _plus(so_far: Array, c: Array) -> Array:
    """so_far + c, in place where so_far is a sum made here: those alone are writeable."""
    if so_far.flags.writeable:
        return np.add(so_far, c, out=so_far)
    return np.asarray(so_far + c)


def _scattered(so_far: Array | None, c: Scattered) -> Array:
    """so_far + c, in place likewise, where c is zero but for the elements that somebody read."""
    if so_far is None:
        so_far = np.zeros(c.shape, c.dtype)
    elif not so_far.flags.writeable:
        # of no axes it may be a number
        so_far = np.array(so_far)
    c.add_to(so_far)
    return so_far


def _recorded(nodes: Nodes, out: Tensor, seed: Tensor, take: Take) -> Iterator[Swept]:
    """The sweep that is recorded.

    The contributions to one adjoint become one sum, a node to look at.
    """
    pending: defaultdict[Tensor, list[Any]] = defaultdict(list, {out: [seed]})
    # of a checkpointed tape: the segment that the sweep is in
    segment: Any = None
    for node in reversed(nodes):
        if node not in pending:
            continue
        with stamped(node.time, node.place):
            g = _summed(pending.pop(node))
            y = node
            values: Sequence[Tensor] = node.inputs
            dropped = next((x for x in (node, *node.inputs) if x.form is not None), None)
            if dropped is not None:
                if dropped.segment is not segment:
                    segment = dropped.segment
                    recomputed = segment.recorded()
                y, *values = recomputed.read(node, *node.inputs)
            if node.fn is None and node.swept:
                _refuse_finished(node)
            sent = take(node, g, y, values) if node.fn else []
        for x, c in zip(node.inputs, sent, strict=True):
            if c is not None:
                pending[x].append(c)
        yield node, g, sent


def _summed(contributions: list[Any]) -> Tensor:
    """The contributions to one adjoint as one node.

    The uses of single elements first become one array.
    """
    terms = [c for c in contributions if type(c) is not Scattered]
    uses = [c for c in contributions if type(c) is Scattered]
    if uses:
        terms.append(written_out(uses))
    total: Tensor = terms[0] if len(terms) == 1 else accumulate(*terms)
    return total


def contributions(
    wanted: Wanted, node: Tensor, g: Any, y: Any, values: Sequence[Any], joint: Rule | None = None
) -> list[Any]:
    """What node sends to each input, in its shape and dtype; None to what is not wanted.

    g is the adjoint of its value y, and ``values`` are those of its inputs; ``joint`` is
    applied in place of the rules of its function.
    """
    if Tensor.last_assign > node.serial:
        remedy = "Go backward before the update, or run the forward pass again"
        refuse_stale(f"backward through '{node.label}'", node, node.inputs, remedy)
    op = OPS[node.fn]  # type: ignore[index]  # no leaf
    operands = (g, y, *values)
    keywords = node.kwargs
    joint = joint or op.joint
    sent = []
    try:
        # one contribution per input, or one rule
        each: Sequence[Any] = op.rules if joint is None else joint(*operands, **keywords)
        for slot, x in enumerate(node.inputs):
            c = None
            if x.requires_grad if wanted is None else x in wanted:
                c = each[slot]
            if c is not None:
                if joint is None:
                    c = c(*operands, **keywords) if keywords else c(*operands)
                value = values[slot]
                if c.shape != value.shape or c.dtype != value.dtype:
                    c = conform(c, value, node)
            sent.append(c)
    except Exception as error:
        from .inspection.frames import fail

        fail(error, node, g)
    return sent


def conform(c: Any, x: Any, node: Tensor) -> Any:
    """Undo broadcasting and promotion: the contribution c in the shape and dtype of the input x.

    Where x was broadcast to the shape of c, c is summed; where c broadcasts to that of x, it is
    spread. Raises ShapeError, about ``node``, for any other shape, though it has as many elements:
    the VJP is wrong.
    """
    if c.shape != x.shape:
        try:
            c = _fitted(c, x.shape)
        except ValueError:
            from .long_refusals import misfit

            raise misfit(node, c, x) from None
    if c.dtype == x.dtype:
        return c
    if type(c) is Scattered:
        return replace(c, g=cast(c.g, x.dtype))
    return cast(c, x.dtype)


def _fitted(c: Any, shape: tuple[int, ...]) -> Any:
    """c summed over the axes along which an input of that shape was broadcast, or else spread."""
    lead = max(c.ndim - len(shape), 0)
    repeated = []
    for axis, length in enumerate(c.shape):
        if length != 1 and (axis < lead or shape[axis - c.ndim] == 1):
            repeated.append(axis)
    if not repeated and not lead:
        return np.broadcast_to(c, shape)
    total = c.sum(tuple(repeated), keepdims=True) if repeated else c
    if total.shape[lead:] != shape:
        raise ValueError("no broadcasting explains the shape")
    return total.reshape(shape) if lead else total
