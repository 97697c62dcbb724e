"""A backward pass to go forwards and back in: the steps taken, kept, and how many of them count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.core.inspection.step import Step
from minigrad.core.order import reached
from minigrad.core.seed import seed_for
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
from minigrad.errors import ArgumentError

MAX_SUGGESTIONS = 3
MIN_LIKENESS = 0.5


class Session:
    """Stands after ``position`` steps of ``tape.steps()``.

    Adjoints are immutable, so a step back is the previous state. Every step stays in memory, its
    contributions with it: that is what going back costs.
    """

    def __init__(self, tape: Tape, gradient: npt.ArrayLike | None = None) -> None:
        self.tape = tape
        self.gradient = gradient
        self.seed = seed_for(tape, gradient)
        self.taken: list[Step] = []
        self.position = 0
        self._run: Iterator[Step] | None = None
        # The step at which a node was taken.
        self._visits: dict[Tensor, int] = {}
        # The steps that sent something to a node, and to which of their inputs.
        self._arrivals: defaultdict[Tensor, list[tuple[int, int]]] = defaultdict(list)

    @cached_property
    def reached(self) -> frozenset[Tensor]:
        """The nodes that backward visits."""
        return frozenset(reached(self.tape.nodes, self.tape.outputs))

    def __repr__(self) -> str:
        steps = f"{self.position} of {len(self.reached)} steps taken"
        return f"Session({self.tape!r}, {steps})"

    # --- moving -------------------------------------------------------------------------------
    @property
    def current(self) -> Step | None:
        """The step taken last."""
        if self.position == 0:
            return None
        return self.taken[self.position - 1]

    def forward(self) -> Step | None:
        """Take the next step; None at the end.

        Where the step fails, the session stays where it stands.
        """
        if self.position == len(self.taken):
            step = self._new()
            if step is None:
                return None
            self._keep(step)
        self.position += 1
        return self.current

    def back(self) -> bool:
        """Undo one step; whether there was one."""
        if self.position == 0:
            return False
        self.position -= 1
        return True

    def _new(self) -> Step | None:
        """The first step never taken."""
        # After an error or an interrupt the pass is dead: a new one catches up.
        if self._run is None:
            steps = self.tape.steps(self.gradient)
            self._run = islice(steps, len(self.taken), None)
        try:
            return next(self._run, None)
        except BaseException:
            self._run = None
            raise

    def _keep(self, step: Step) -> None:
        """Enter a new step, and where it sends something."""
        for slot, x in enumerate(step.tensor.inputs):
            if step.sent[slot] is not None:
                self._arrivals[x].append((self.position, slot))
        self._visits[step.tensor] = self.position
        self.taken.append(step)

    # --- looking ------------------------------------------------------------------------------
    def arrivals(self, node: Tensor) -> list[tuple[Step, int]]:
        """The steps so far that sent something to node, and to which of their inputs."""
        arrived = []
        for i, slot in self._arrivals[node]:
            if i < self.position:
                arrived.append((self.taken[i], slot))
        return arrived

    def adjoint(self, node: Tensor) -> Array | None:
        """The adjoint of node so far: complete once visited; None where nothing has arrived."""
        if self.visited(node):
            step = self.taken[self._visits[node]]
            complete: Array = step.grad
            return complete
        # Added up as the sweep does, in the order of arrival: the same to the last bit.
        total: Any = None
        if node is self.tape.outputs[0]:
            total = self.seed
        for step, slot in self.arrivals(node):
            contribution = step.contributions[slot]
            total = contribution if total is None else total + contribution
        return None if total is None else np.asarray(total)

    def visited(self, node: Tensor) -> bool:
        """Whether backward has been at node, so that its adjoint is complete."""
        visit = self._visits.get(node)
        return visit is not None and visit < self.position

    def path(self) -> list[Step]:
        """From the loss to the current step, each time by the reader that sent most."""
        if self.current is None:
            return []
        steps = [self.current]
        while senders := self.arrivals(steps[-1].tensor):
            sizes = [_size(step.contributions[slot]) for step, slot in senders]
            most = sizes.index(max(sizes))
            steps.append(senders[most][0])
        return steps[::-1]

    def state(self, node: Tensor) -> str:
        """``current``, ``visited``, ``waiting`` (for more), ``ahead`` or ``unreached``."""
        if self.current is not None and node is self.current.tensor:
            return "current"
        if self.visited(node):
            return "visited"
        if node not in self.reached:
            return "unreached"
        has_arrived = self.arrivals(node) or node is self.tape.outputs[0]
        return "waiting" if has_arrived else "ahead"

    def node(self, name: str) -> Tensor:
        """The node of that name. Raises ArgumentError with names that are close."""
        for n, known in self.tape.names.items():
            if known == name:
                return n
        names = self.tape.names.values()
        close = get_close_matches(name, names, MAX_SUGGESTIONS, MIN_LIKENESS)
        raise ArgumentError(
            "tape",
            got=f"no node is named {name!r}",
            expected=f"did you mean {' or '.join(close)}" if close else "l lists the names",
        )


def _size(contribution: Any) -> float:
    """The largest element; NaN is larger than any number."""
    largest = np.max(np.absolute(contribution), initial=0.0)
    return float(np.nan_to_num(largest, nan=np.inf))
