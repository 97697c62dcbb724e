"""The copies that ``truncate(window=)`` makes of a step, drawn as the node that they are of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping

from minigrad import Tape, Tensor
from minigrad.viz.graphs.marks import closed, is_gate
from minigrad.viz.graphs.roles import alike, step_numbers
from minigrad.viz.graphs.selection import adjoint_nodes

Ages = dict[Tensor, int]
Copies = dict[Tensor, list[Tensor]]


def copies_of(tape: Tape) -> Copies:
    """All copies of the first of them, which are more than one."""
    adjoints = adjoint_nodes(tape)
    groups: defaultdict[Hashable, list[Tensor]] = defaultdict(list)
    depth: dict[Tensor, int] = {}
    for n in tape.nodes:
        # gates too have the serial of a node: of their reader, one behind the other
        depth[n] = 1 + depth[n.inputs[0]] if is_gate(n) else 0
        is_apart = n.fn is None or n in adjoints
        if is_apart or (is_gate(n) and not n.name):
            continue
        # a copy has the serial of its original
        groups[n.serial, n.fn, n.name, depth[n], n.recomputed].append(n)
    return {group[0]: group for group in groups.values() if len(group) > 1}


def firsts(copies: Copies) -> dict[Tensor, Tensor]:
    """The first of each copy."""
    first_of: dict[Tensor, Tensor] = {}
    for first, group in copies.items():
        first_of |= dict.fromkeys(group, first)
    return first_of


def copy_ages(tape: Tape, copies: Mapping[Tensor, list[Tensor]]) -> Ages:
    """How many steps away what a node's gradient comes from enters the steps, where copies differ.

    The node that a step's own loss reads has age 0; the copy that the loss of the next step goes
    back to has age 1.
    """
    times = tape.times
    adjoints = adjoint_nodes(tape)
    forward = [n for n in tape.nodes if n.fn is not None and n not in adjoints]
    numbers = step_numbers(times)
    copied = {alike(n, times[n], numbers) for n in copies}
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


def _distance(start: int | None, end: int | None) -> int:
    """How many steps apart; none, where one of them is no step."""
    if start is None or end is None:
        return 0
    return abs(end - start)
