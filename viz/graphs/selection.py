"""What of a tape is drawn, in which step, and what the gradient reaches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping

from minigrad import Tape, Tensor
from minigrad.internal import passes_of, reached
from minigrad.viz.lettering.step_numbers import StepNumbers

from .marks import closed, inlined, is_gate
from .roles import step_numbers

__all__ = [
    "Times",
    "adjoint_nodes",
    "closed",
    "drawn_times",
    "is_number",
    "nodes_by_name",
    "reached_nodes",
    "reading_steps",
    "shown_nodes",
    "state_nodes",
    "written",
]

# Of the arithmetic of constants that is written as its result.
MAX_DEPTH = 4

Times = dict[Tensor, int | None]
StepOf = Mapping[Tensor, int | None]
Inputs = Mapping[Tensor, Iterable[Tensor]]


def shown_nodes(tape: Tape) -> list[Tensor]:
    """All nodes but the constants that are written into their readers' labels."""
    drawn_apart = set(tape.outputs)
    inside_labels: set[Tensor] = set()
    for n in tape.nodes:
        constants = written(n)
        inside_labels |= constants
        drawn_apart.update(x for x in n.inputs if x not in constants)
    inside_labels -= drawn_apart
    return [n for n in tape.nodes if n not in inside_labels]


def nodes_by_name(tape: Tape) -> dict[str, Tensor]:
    """The nodes of a tape by their names."""
    return {name: n for n, name in tape.names.items()}


def written(n: Tensor) -> frozenset[Tensor]:
    """The inputs written into a node's label: unnamed constants of one element, a gate's number."""
    if is_gate(n):
        return frozenset(inlined(n))
    return frozenset(x for x in n.inputs if is_number(x))


def is_number(n: Tensor) -> bool:
    """Whether the node is one unnamed number: a constant, or what is computed from constants."""
    return n.size == 1 and _is_constant(n, MAX_DEPTH)


def _is_constant(n: Tensor, depth: int) -> bool:
    """Whether the node depends on unnamed constants of one element alone, within so many steps."""
    if n.requires_grad or n.name or n.size != 1 or depth == 0:
        return False
    return all(_is_constant(x, depth - 1) for x in n.inputs)


def reached_nodes(tape: Tape) -> set[Tensor]:
    """The nodes that backward reaches from the outputs (on a differentiated tape: from the loss).

    A gate whose factor happens to be 0 ends the way, although its rule sends something.
    """
    outputs = tape.outputs[:1] if tape.wrt else tape.outputs
    passing = [n for n in tape.nodes if not closed(n)]
    return reached(passing, outputs)


def state_nodes(tape: Tape) -> set[Tensor]:
    """What carries the network from step to step: also before the first step and after the last."""
    states = set(tape.reading.sources)
    numbers = step_numbers(tape.times)
    stems = {n: _stem(n, tape, numbers) for n in tape.nodes}
    shared = {stems[n] for n in states} - {None}
    return states | {n for n in tape.nodes if stems[n] in shared}


def _stem(n: Tensor, tape: Tape, numbers: StepNumbers) -> str | None:
    """Its name with t for the step; None where it names none."""
    if not n.name:
        return None
    is_in_step = tape.times[n] is not None
    # the one that the first step starts from
    is_start = n.fn is None and StepNumbers().template(n.name, 0) != n.name
    return numbers.stem(n.name) if is_in_step or is_start else None


def adjoint_nodes(tape: Tape) -> set[Tensor]:
    """The nodes of backward passes: those recorded, and what the loss itself does not need."""
    adjoints: set[Tensor] = set()
    for made in passes_of(tape.nodes):
        for each in made:
            adjoints.update(each.rule, each.total)
    if tape.wrt:
        forward = Tape.of(tape.outputs[0])
        adjoints |= set(tape.nodes).difference(forward.nodes)
    return adjoints


def reading_steps(times: StepOf, reads: Inputs) -> dict[Tensor, list[int | None]]:
    """The steps in which each node is read, in the order of its readers.

    times: the step of each node. reads: what each node reads.
    """
    steps: defaultdict[Tensor, list[int | None]] = defaultdict(list)
    seen: set[tuple[Tensor, int | None]] = set()
    for n, inputs in reads.items():
        t = times[n]
        for x in inputs:
            if (x, t) not in seen:
                seen.add((x, t))
                steps[x].append(t)
    return steps


def drawn_times(times: StepOf, reads: Inputs, outside: Container[Tensor] = ()) -> Times:
    """The step that each node is drawn in, None outside the steps.

    That is the node's own; a constant from outside stands in the step that reads it where one alone
    does, or in the first of two, if it is called after that. A tape without steps is one step, with
    the parameters outside.

    times: the step of each node. reads: what each node reads. outside: the nodes that stay outside.
    """
    if all(t is None for t in times.values()):
        return {n: _only_step(n) for n in times}
    return dict(times) | _steps_of_constants(times, reads, outside)


def _steps_of_constants(times: StepOf, reads: Inputs, outside: Container[Tensor]) -> Times:
    """The step of each constant from outside that few steps read."""
    read_in: dict[Tensor, list[int]] = {}
    for n, steps in reading_steps(times, reads).items():
        is_constant = n.fn is None and not n.requires_grad
        is_free = times[n] is None and n not in outside
        inside = [t for t in steps if t is not None]
        if is_constant and is_free and len(inside) == len(steps) <= 2:
            read_in[n] = sorted(inside)
    numbers = step_numbers({n: steps[0] for n, steps in read_in.items()})
    drawn: Times = {}
    for n, (t, *later) in read_in.items():
        # a target of its step may be the input of the next
        if not later or numbers.template(n.label, t) != n.label:
            drawn[n] = t
    return drawn


def _only_step(n: Tensor) -> int | None:
    """The step of a node where no node has one."""
    is_parameter = n.fn is None and n.requires_grad
    return None if is_parameter else 0
