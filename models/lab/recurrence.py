"""A tape seen as a recurrence: the state that each step hands to the next, and local derivatives of one step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import starmap
from typing import Any

import numpy as np

from minigrad import Step, Tape, Tensor
from minigrad.core import gates
from minigrad.core.order import leading_to
from minigrad.core.sweep import sweep
from minigrad.errors import ArgumentError

from .anatomy import Array, steps_of

_GATES = gates.GATES - {gates.recompute}


@dataclass(frozen=True, eq=False)
class Recurrence:
    """The steps of a tape, the tensors of the state after each of them, and the nodes computed in each."""

    steps: tuple[int, ...]
    states: dict[int, tuple[Tensor, ...]]
    nodes: dict[int, tuple[Tensor, ...]]

    @classmethod
    def of(cls, tape: Tape) -> Recurrence:
        """Find the state: what a step computes and the next one reads; in the last step, what stands in its place.

        Raises ArgumentError where the steps do not form one chain (skips over steps, a tape truncated by a window).
        """
        steps, times = steps_of(tape), tape.times
        at = {t: k for k, t in enumerate(steps)}
        handed: defaultdict[int, dict[Tensor, None]] = defaultdict(dict)
        for e in tape.recurrent_edges():
            if at[times[e.target]] - at[times[e.source]] != 1:  # type: ignore[index]
                got = f"'{tape.names[e.target]}' reads '{tape.names[e.source]}' of another step than the one before"
                remedy = (
                    "Keep what later steps need in the state; give anatomy() what this cannot take"
                )
                raise ArgumentError(
                    "recurrence", got=got, expected="expected one chain of steps", remedy=remedy
                )
            handed[times[e.source]][e.source] = None  # type: ignore[index]
        nodes = {
            t: tuple(n for n in tape.nodes if n.fn is not None and times[n] == t) for t in steps
        }
        states = {t: tuple(n for n in nodes[t] if n in handed[t]) for t in steps[:-1]}
        shapes = {tuple(x.shape for x in s) for s in states.values()}
        if len(steps) < 2 or len(shapes) != 1 or shapes == {()}:
            got = f"{len(steps)} steps and {len(shapes)} kinds of state between them"
            remedy = "Give the tape of at least two steps, before truncate(window=)"
            raise ArgumentError(
                "recurrence",
                got=got,
                expected="expected the same state at every step",
                remedy=remedy,
            )
        if last := _alike(states[steps[-2]], nodes[steps[-2]], nodes[steps[-1]]):
            states[steps[-1]] = last
        return cls(steps, states, nodes)

    def pull(self, t: int, out: Tensor, seed: Array, sources: Iterable[Tensor]) -> list[Array]:
        """seed . d out / d source for every source, through step t alone; out is a node of step t."""
        given = tuple(sources)
        sums: dict[Tensor, Any] = dict.fromkeys(given)
        nodes = tuple(n for n in self.nodes[t] if n not in sums)
        for step in starmap(Step, sweep(nodes, out, seed, leading_to(nodes, given))):
            for x, c in zip(step.tensor.inputs, step.contributions, strict=True):
                if c is not None and x in sums:
                    sums[x] = c if sums[x] is None else sums[x] + c
        return [np.zeros(x.shape, x.dtype) if c is None else c for x, c in sums.items()]


def _alike(
    state: tuple[Tensor, ...], before: tuple[Tensor, ...], last: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """The nodes of the last step that stand where the state stood in the step before; none where the two differ."""
    before, last = (tuple(n for n in ns if n.fn not in _GATES) for ns in (before, last))
    places = [k for k, n in enumerate(before) if n in set(state)]
    if len(places) < len(state) or [n.fn for n in before[: max(places) + 1]] != [
        n.fn for n in last[: max(places) + 1]
    ]:
        return ()
    found = tuple(last[k] for k in places)
    return found if [x.shape for x in found] == [x.shape for x in state] else ()
