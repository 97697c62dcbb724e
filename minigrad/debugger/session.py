"""A backward pass to go forwards and back in: the steps taken, kept, and how many of them count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.core.seed import seed_for
from minigrad.core.step import Step
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
from minigrad.errors import ArgumentError
from minigrad.ops import OPS


class Session:
    """Stands after ``at`` steps of ``tape.steps()``. Adjoints are immutable, so a step back is the previous state.

    Every step stays in memory, its contributions with it: that is what going back costs.
    """

    def __init__(self, tape: Tape, gradient: npt.ArrayLike | None = None) -> None:
        self.tape, self.gradient = tape, gradient
        self.seed = seed_for(tape, gradient)
        self.taken: list[Step] = []
        self.at = 0
        self._run: Iterator[Step] | None = None
        self._visits: dict[Tensor, int] = {}  # the step at which a node was taken
        self._arrivals: defaultdict[Tensor, list[tuple[int, int]]] = defaultdict(
            list
        )  # (step, slot) that sent to it

    @cached_property
    def reached(self) -> frozenset[Tensor]:
        """The nodes that backward visits."""
        found = {self.tape.outputs[0]}
        for n in reversed(self.tape.nodes):
            if n in found and n.fn is not None:
                passes = OPS[n.fn].passes
                found.update(
                    x for slot, x in enumerate(n.inputs) if x.requires_grad and passes(slot)
                )
        return frozenset(found)

    def __repr__(self) -> str:
        return f"Session({self.tape!r}, {self.at} of {len(self.reached)} steps taken)"

    # --- moving -----------------------------------------------------------------------------------------------------
    @property
    def current(self) -> Step | None:
        """The step taken last."""
        return self.taken[self.at - 1] if self.at else None

    def forward(self) -> Step | None:
        """Take the next step; None at the end. An error of the step's leaves the session where it stands."""
        if self.at == len(self.taken):
            step = self._new()
            if step is None:
                return None
            for slot, x in enumerate(step.tensor.inputs):
                if step.sent[slot] is not None:
                    self._arrivals[x].append((self.at, slot))
            self._visits[step.tensor] = self.at
            self.taken.append(step)
        self.at += 1
        return self.current

    def back(self) -> bool:
        """Undo one step; whether there was one."""
        moved = self.at > 0
        self.at -= moved
        return moved

    def _new(self) -> Step | None:
        """The first step never taken. After an error or an interrupt the pass is dead: a new one catches up."""
        if self._run is None:
            self._run = islice(self.tape.steps(self.gradient), len(self.taken), None)
        try:
            return next(self._run, None)
        except BaseException:
            self._run = None
            raise

    # --- looking ----------------------------------------------------------------------------------------------------
    def arrivals(self, node: Tensor) -> list[tuple[Step, int]]:
        """The steps so far that sent something to node, and to which of their inputs."""
        return [(self.taken[i], slot) for i, slot in self._arrivals[node] if i < self.at]

    def adjoint(self, node: Tensor) -> Array | None:
        """The adjoint of node so far: complete once visited; None where nothing has arrived."""
        if self.visited(node):
            complete: Array = self.taken[self._visits[node]].grad
            return complete
        total: Any = self.seed if node is self.tape.outputs[0] else None
        for step, slot in self.arrivals(node):
            c = step.contributions[slot]
            total = c if total is None else total + c
        return total if total is None else np.asarray(total)

    def visited(self, node: Tensor) -> bool:
        """Whether backward has been at node, so that its adjoint is complete."""
        return self._visits.get(node, self.at) < self.at

    def path(self) -> list[Step]:
        """From the loss to the current step, each time by the reader that sent most."""
        found = [self.current] if self.current else []
        while found and (senders := self.arrivals(found[-1].tensor)):
            found.append(max(senders, key=lambda pair: _size(pair[0].contributions[pair[1]]))[0])
        return found[::-1]

    def state(self, node: Tensor) -> str:
        """``current``, ``visited``, ``waiting`` (something has arrived), ``ahead``, or ``unreached``."""
        if self.current is not None and node is self.current.tensor:
            return "current"
        if self.visited(node):
            return "visited"
        if node not in self.reached:
            return "unreached"
        return "waiting" if self.arrivals(node) or node is self.tape.outputs[0] else "ahead"

    def node(self, name: str) -> Tensor:
        """The node of that name. Raises ArgumentError with names that are close."""
        for n, its in self.tape.names.items():
            if its == name:
                return n
        from difflib import get_close_matches

        close = get_close_matches(name, self.tape.names.values(), 3, 0.5)
        expected = f"did you mean {' or '.join(close)}" if close else "l lists the names"
        raise ArgumentError("tape", got=f"no node is named {name!r}", expected=expected)


def _size(c: Any) -> float:
    return float(np.nan_to_num(np.max(np.absolute(c), initial=0.0), nan=np.inf))
