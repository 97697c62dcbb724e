"""The copies that ``truncate(window=)`` makes of a step: which of them a node is part of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable

from minigrad import Tape, Tensor
from minigrad.viz.graphs.marks import closed, is_gate
from minigrad.viz.graphs.roles import alike, step_numbers
from minigrad.viz.graphs.selection import adjoint_nodes
from minigrad.viz.lettering.step_numbers import StepNumbers

Ages = dict[Tensor, int]


def copy_ages(tape: Tape) -> Ages:
    """How many steps away what a node's gradient comes from enters the steps, where copies differ.

    The node that a step's own loss reads has age 0; the copy that the loss of the next step goes
    back to has age 1.
    """
    times = tape.times
    adjoints = adjoint_nodes(tape)
    forward = [n for n in tape.nodes if n.fn is not None and n not in adjoints]
    numbers = step_numbers(times)
    copied = _copied_kinds(tape, forward, numbers)
    readers: defaultdict[Tensor, list[Tensor]] = defaultdict(list)
    for n in forward:
        if not closed(n):
            for x in n.inputs:
                readers[x].append(n)
    ages: Ages = {}
    for n in reversed(forward):
        if not is_gate(n) and alike(n, times[n], numbers) not in copied:
            continue
        candidates = []
        for reader in readers[n]:
            distance = _distance(times[n], times[reader])
            candidates.append(ages.get(reader, 0) + distance)
        ages[n] = min(candidates, default=0)
    return ages


def _copied_kinds(tape: Tape, nodes: list[Tensor], numbers: StepNumbers) -> set[Hashable]:
    """What is alike in all steps of the nodes that are there more than once in some step."""
    # copies agree in their serial and function
    count = Counter((n.serial, n.fn) for n in nodes if not is_gate(n))
    copies = [n for n in nodes if count[n.serial, n.fn] > 1]
    return {alike(n, tape.times[n], numbers) for n in copies}


def _distance(start: int | None, end: int | None) -> int:
    """How many steps apart; none, where one of them is no step."""
    if start is None or end is None:
        return 0
    return abs(end - start)
