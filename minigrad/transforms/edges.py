"""Gates on chosen edges, and what every transform does: rebuild what changed, refuse what makes no sense."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad.core import gates
from minigrad.core.arguments import positive, refuse_no_tape, refuse_unstamped
from minigrad.core.tape import Edge, Tape
from minigrad.core.tensor import Tensor, frozen, passes
from minigrad.core.versions import refuse_stale
from minigrad.errors import ArgumentError, GradientError

Where = Callable[[Edge], bool] | Iterable[Edge]


def cut(tape: Tape, where: Where) -> Tape:
    """Let no gradient pass along the edges chosen by where, a predicate or a collection of edges."""
    return _gate(tape, where, lambda source, edge, _: gated(gates.detach, source, edge.target))


def scale(tape: Tape, where: Where, s: float | Callable[[Edge], Tensor | float]) -> Tape:
    """Multiply the gradient along the chosen edges by s, one number or a function of the edge."""

    def factor(edge: Edge) -> Tensor | float:
        by = s(edge) if callable(s) else s
        return by if isinstance(by, Tensor) else float(by)

    def gate(source: Tensor, edge: Edge, by: Tensor | float) -> Tensor:
        leaf = (
            by
            if isinstance(by, Tensor)
            else Tensor(frozen(np.array(by, source.dtype)), like=edge.target)
        )
        return gated(gates.scale_grad, source, edge.target, leaf)

    return _gate(tape, where, gate, factor)


def clip_edges(tape: Tape, where: Where, max_norm: float) -> Tape:
    """Scale what crosses the chosen edges, from the readers of one source in one step together, down to max_norm."""
    keywords = {"max_norm": positive("clip_edges: max_norm", max_norm)}
    return _gate(
        tape, where, lambda source, edge, _: gated(gates.clip_grad, source, edge.target, **keywords)
    )


def untie(tape: Tape, wrt: Tensor | Iterable[Tensor]) -> Tape:
    """Give each time step its own alias of the tied parameters: ``W_hh@1``, ``W_hh@2``, ... with an adjoint each."""
    tied = {wrt} if isinstance(wrt, Tensor) else set(wrt)

    def gate(source: Tensor, edge: Edge, _: Any) -> Tensor:
        return gated(gates.alias, source, edge.target).named(f"{source.label}@{edge.target.time}")

    return _gate(tape, lambda e: e.source in tied and tape.times[e.target] is not None, gate)


def gated(
    fn: Callable[..., Any], source: Tensor, reader: Tensor, *more: Tensor, **keywords: Any
) -> Tensor:
    """A gate of kind fn between source and reader, stamped like the reader."""
    refuse_stale("transform", reader, [source], "Run the forward pass again")
    inputs = (source, *more)
    gate = Tensor(
        source.form or source.data, passes(fn, inputs), None, fn, inputs, keywords, reader
    )
    if source.form is not None:
        gate.drop(source.form, source.segment)
    return gate


def _gate(
    tape: Tape,
    where: Where,
    make: Callable[[Tensor, Edge, Any], Tensor],
    kind: Callable[[Edge], Any] = lambda e: None,
) -> Tape:
    """Put a gate on the chosen edges that carry a gradient; the readers of one source in one step share one a kind."""
    undifferentiated(tape)
    keys = {} if callable(where) else dict.fromkeys((e.target, e.slot) for e in where)
    if foreign := [target.label for target, _ in keys if target not in tape.names]:
        got, remedy = (
            f"an edge to '{foreign[0]}' of another tape",
            "Take the edges of the tape you change",
        )
        raise ArgumentError("transform", got=got, remedy=remedy)
    new: dict[Tensor, Tensor] = {}
    made: dict[tuple[Tensor, int | None, Any], Tensor] = {}
    for node in tape.nodes:
        inputs = [new[x] for x in node.inputs]
        for slot, x in enumerate(node.inputs):
            edge = Edge(x, node, slot)
            if edge.carries_gradient and (where(edge) if callable(where) else (node, slot) in keys):
                key = (x, tape.times[node], kind(edge))
                if key not in made:
                    made[key] = make(inputs[slot], edge, key[-1])
                inputs[slot] = made[key]
        new[node] = node.with_inputs(tuple(inputs))
    return rebuilt(tape, [new[o] for o in tape.outputs])


def rebuilt(tape: Tape, outputs: list[Tensor]) -> Tape:
    """The tape of these outputs; the given one where they are its own."""
    same = all(a is b for a, b in zip(outputs, tape.outputs, strict=True))
    return tape if same else Tape.of(*outputs, wrt=tape.wrt)


def undifferentiated(tape: Tape) -> None:
    """Refuse what is no tape, or holds its gradients already."""
    refuse_no_tape("transform", tape)
    if tape.wrt:
        got, remedy = (
            "this tape holds its gradients already",
            "Truncate, scale or cut first, then differentiate",
        )
        raise GradientError(
            "transform", got=got, expected="gates on it would change nothing", remedy=remedy
        )


def steps_of(tape: Tape, what: str) -> list[int]:
    """The stamps on a tape; to truncate a tape without any is a mistake."""
    stamps = [t for n, t in tape.times.items() if t is not None and n.fn is not None]
    refuse_unstamped(what, stamps)
    return stamps
