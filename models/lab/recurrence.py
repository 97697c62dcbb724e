"""A tape seen as a recurrence: the state that each step hands on, the derivatives of one step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError
from minigrad.internal import Array, gates, leading_to

from .anatomy import steps_of
from .contributions import add_to, contributions

Nodes = tuple[Tensor, ...]
Steps = tuple[int, ...]
# Gates that a transform may have put into one step and not into the other.
IGNORED_GATES = gates.GATES - {gates.recompute}


@dataclass(frozen=True, eq=False)
class Recurrence:
    """The steps of a tape, the tensors of the state after each of them, and each step's nodes."""

    steps: Steps
    states: dict[int, Nodes]
    nodes: dict[int, Nodes]

    @classmethod
    def of(cls, tape: Tape) -> Recurrence:
        """Find the state: what a step computes and the next one reads.

        In the last step it is what stands in its place.

        Raises: ArgumentError where the steps do not form one chain (skips over steps, a tape
        truncated by a window).
        """
        steps = steps_of(tape)
        nodes = _nodes_by_step(tape, steps)
        handed_on = _handed_on(tape, steps)
        states: dict[int, Nodes] = {}
        for t in steps[:-1]:
            states[t] = tuple(n for n in nodes[t] if n in handed_on[t])
        _refuse_changing_state(steps, states)
        before, last = steps[-2:]
        last_state = _alike(states[before], nodes[before], nodes[last])
        if last_state:
            states[last] = last_state
        return cls(steps, states, nodes)

    def pull(
        self,
        t: int,
        out: Tensor,
        seed: Array,
        sources: Iterable[Tensor],
    ) -> list[Array]:
        """seed . d out / d source for every source, through step t alone; out is a node of step t.

        Shapes: seed that of out; each result that of its source.
        """
        wanted = dict.fromkeys(sources)
        nodes = tuple(n for n in self.nodes[t] if n not in wanted)
        sums: dict[Tensor, Any] = {}
        on_path = leading_to(nodes, wanted)
        for x, contribution in contributions(nodes, out, seed, on_path):
            if x in wanted:
                add_to(sums, x, contribution)
        for x in wanted:
            if x not in sums:
                sums[x] = np.zeros(x.shape, x.dtype)
        return [sums[x] for x in wanted]


def _nodes_by_step(tape: Tape, steps: Steps) -> dict[int, Nodes]:
    """What is computed in each step, in order."""
    nodes: dict[int, list[Tensor]] = {t: [] for t in steps}
    for n in tape.nodes:
        t = tape.times[n]
        if n.fn is not None and t is not None:
            nodes[t].append(n)
    return {t: tuple(computed) for t, computed in nodes.items()}


def _handed_on(tape: Tape, steps: Steps) -> dict[int, set[Tensor]]:
    """What each step hands to the next. Raises ArgumentError for what skips a step."""
    handed_on: dict[int, set[Tensor]] = {t: set() for t in steps}
    next_step = dict(pairwise(steps))
    for edge in tape.recurrent_edges():
        start = tape.times[edge.source]
        end = tape.times[edge.target]
        if start is None or next_step.get(start) != end:
            reader = tape.names[edge.target]
            read = tape.names[edge.source]
            raise ArgumentError(
                "recurrence",
                got=f"'{reader}' reads '{read}' of another step than the one before",
                expected="expected one chain of steps",
                remedy="Keep what later steps need in the state; "
                "give anatomy() what this cannot take",
            )
        handed_on[start].add(edge.source)
    return handed_on


def _refuse_changing_state(steps: Steps, states: dict[int, Nodes]) -> None:
    """Raise ArgumentError unless every step hands on tensors of the same shapes."""
    kinds = {_shapes(state) for state in states.values()}
    if len(steps) < 2 or len(kinds) != 1 or kinds == {()}:
        raise ArgumentError(
            "recurrence",
            got=f"{len(steps)} steps and {len(kinds)} kinds of state between them",
            expected="expected the same state at every step",
            remedy="Give the tape of at least two steps, before truncate(window=)",
        )


def _alike(state: Nodes, before: Nodes, last: Nodes) -> Nodes:
    """The nodes of the last step that stand where the state stood in the step before.

    None where the two steps differ.
    """
    before = _without_gates(before)
    last = _without_gates(last)
    places = [k for k, n in enumerate(before) if n in set(state)]
    if len(places) < len(state):
        return ()
    count = max(places) + 1
    if _functions(before[:count]) != _functions(last[:count]):
        return ()
    candidates = tuple(last[place] for place in places)
    if _shapes(candidates) != _shapes(state):
        return ()
    return candidates


def _without_gates(nodes: Nodes) -> Nodes:
    return tuple(n for n in nodes if n.fn not in IGNORED_GATES)


def _functions(nodes: Nodes) -> list[Any]:
    return [n.fn for n in nodes]


def _shapes(nodes: Nodes) -> tuple[Any, ...]:
    return tuple(n.shape for n in nodes)
