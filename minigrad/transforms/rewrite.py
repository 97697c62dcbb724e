"""What transforms share: gates on chosen edges, rebuilding what reads them, what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.core.arguments import refuse_no_tape
from minigrad.core.tape import Edge, Tape
from minigrad.core.tensor import Tensor, frozen, passes
from minigrad.core.versions import refuse_stale
from minigrad.errors import ArgumentError, GradientError
from minigrad.ops.table import Fn

Where = Callable[[Edge], bool] | Iterable[Edge]
"""Which edges: a predicate, or a collection of them."""
Factor = Tensor | float
"""What a gate reads beside its source: a leaf, or a constant that becomes one."""


def rewritten(tape: Tape, rule: Callable[[Tensor, list[Tensor]], Tensor]) -> Tape:
    """The tape with rule(node, inputs) in place of each node, inputs what its own became."""
    new: dict[Tensor, Tensor] = {}
    for node in tape.nodes:
        inputs = [new[x] for x in node.inputs]
        new[node] = rule(node, inputs)
    return rebuilt(tape, new)


def rebuilt(tape: Tape, new: Mapping[Tensor, Tensor]) -> Tape:
    """The tape of what stands for the outputs; the same tape where they stand for themselves."""
    outputs = [new[o] for o in tape.outputs]
    if all(new[o] is o for o in tape.outputs):
        return tape
    carried = [(leaf, new[o]) for leaf, o in tape.carried]
    return replace(Tape.of(*outputs, wrt=tape.wrt), carried=tuple(carried))


# --- gates on edges ---------------------------------------------------------------------------
def gate_edges(
    tape: Tape,
    where: Where,
    make: Callable[..., Tensor],
    factors_of: Callable[[Edge], tuple[Factor, ...]] = lambda edge: (),
) -> Tape:
    """Put a gate on those of the chosen edges that carry a gradient.

    The gate on an edge is ``make(source, reader, *factors_of(edge))``. The readers of one source in
    one step share a gate where their factors are the same.
    """
    refuse_differentiated(tape)
    is_chosen = _choice(tape, where)
    gate_of: dict[Any, Tensor] = {}

    def rule(node: Tensor, inputs: list[Tensor]) -> Tensor:
        for slot, source in enumerate(node.inputs):
            edge = Edge(source, node, slot)
            if not edge.carries_gradient or not is_chosen(edge):
                continue
            # Shared, for a gate sees the sum of what its readers send: that is what is clipped.
            factors = factors_of(edge)
            key = (source, tape.times[node], factors)
            if key not in gate_of:
                gate_of[key] = make(inputs[slot], node, *factors)
            inputs[slot] = gate_of[key]
        return node.with_inputs(tuple(inputs))

    return rewritten(tape, rule)


def _choice(tape: Tape, where: Where) -> Callable[[Edge], bool]:
    """The predicate that where stands for; edges of another tape are refused."""
    if callable(where):
        return where
    # An Edge is made anew whenever it is asked for: it is known by where it ends.
    chosen: set[tuple[Tensor, int]] = set()
    for edge in where:
        if edge.target not in tape.names:
            raise ArgumentError(
                "transform",
                got=f"an edge to '{edge.target.label}' of another tape",
                remedy="Take the edges of the tape you change",
            )
        chosen.add((edge.target, edge.slot))
    return lambda edge: (edge.target, edge.slot) in chosen


def gated(
    fn: Fn,
    source: Tensor,
    reader: Tensor,
    *factors: Factor,
    **keywords: Any,
) -> Tensor:
    """A gate of kind fn between source and reader, stamped like the reader."""
    refuse_stale("transform", reader, [source], "Run the forward pass again")
    inputs = [source]
    for factor in factors:
        if isinstance(factor, Tensor):
            inputs.append(factor)
        else:
            constant = frozen(np.array(factor, source.dtype))
            inputs.append(Tensor(constant, like=reader))
    gate = Tensor(
        source.form or source.data,
        requires_grad=passes(fn, inputs),
        fn=fn,
        inputs=tuple(inputs),
        kwargs=keywords,
        like=reader,
    )
    # A gate on a value that a checkpoint dropped must not hold that value either.
    if source.form is not None:
        gate.drop(source.form, source.segment)
    return gate


# --- what is refused --------------------------------------------------------------------------
def refuse_differentiated(tape: Tape) -> None:
    """Raise where this is no tape, or one that holds its gradients already."""
    refuse_no_tape("transform", tape)
    if tape.wrt or tape.carried:
        raise GradientError(
            "transform",
            got="this tape holds its gradients already",
            expected="gates on it would change nothing",
            remedy="Truncate, scale or cut first, then differentiate",
        )
