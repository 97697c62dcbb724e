"""Scan, Loop and If: graphs inside a node, run once per step; step t is recorded as time step t."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import numpy as np

from minigrad.core.scope import timestep
from minigrad.core.tensor import Tensor

from .nodes import Graph, Node, Value, as_tensor
from .step_reads import take

Run = Callable[[Graph, Sequence[Value]], Sequence[Value]]
"""``(graph, values of its inputs) -> values of its outputs``, among the names outside."""

MAX_STEPS = 100_000
# What is longer is no name that a person gave.
MAX_WORD = 12


def scan(
    n: Node,
    run: Run,
    *inputs: Value,
) -> tuple[Value, ...]:
    """States first, then sequences that are read along an axis, from either end."""
    body: Graph = n.attributes["body"]
    count = n.attributes["num_scan_inputs"]
    size = len(inputs) - count
    sequences = inputs[size:]
    axes = n.get("scan_input_axes", [0] * count)
    are_reversed = n.get("scan_input_directions", [0] * count)
    (T,) = {x.shape[axis] for x, axis in zip(sequences, axes, strict=True)}
    names = _States(n, body.inputs[:size], body.outputs[:size])
    states = names.begun(inputs[:size])
    rows: list[Sequence[Value]] = []
    for t in range(1, T + 1):
        with timestep(t):
            reads = []
            for x, axis, from_end in zip(sequences, axes, are_reversed, strict=True):
                reads.append(take(x, axis, T - t if from_end else t - 1))
            results = run(body, [*states, *reads])
        rows.append(results[size:])
        states = names.named(results[:size], t)
    outputs = len(body.outputs) - size
    settings = (n.get("scan_output_axes"), n.get("scan_output_directions"))
    to, back = (given or [0] * outputs for given in settings)
    stacks = []
    for parts, axis, from_end in zip(_columns(n, rows, outputs), to, back, strict=True):
        stacks.append(np.stack(parts[::-1] if from_end else parts, axis=axis))
    return *states, *stacks


def loop(
    n: Node,
    run: Run,
    trips: Value,
    go_on: Value,
    *states: Value,
) -> tuple[Value, ...]:
    """So often, and as long as a condition holds: both have to be known when recorded."""
    body: Graph = n.attributes["body"]
    limit = inf if trips is None else int(n.known("trip count", trips))
    goes_on = go_on is None or bool(n.known("condition", go_on))
    size = len(states)
    # in front of the states stand the number of the step and the condition
    names = _States(n, body.inputs[2:], body.outputs[1 : size + 1])
    values = names.begun(states)
    rows: list[Sequence[Value]] = []
    while goes_on and len(rows) < limit:
        t = len(rows) + 1
        if t > MAX_STEPS:
            raise n.refuse(f"more than {MAX_STEPS:,} steps")
        with timestep(t):
            condition, *results = run(body, [np.array(t - 1), np.array(True), *values])
        goes_on = bool(n.known("condition", condition))
        rows.append(results[size:])
        values = names.named(results[:size], t)
    stacks = _columns(n, rows, len(body.outputs) - 1 - size)
    return *values, *(np.stack(parts) for parts in stacks)


def branch(
    n: Node,
    run: Run,
    condition: Value,
) -> Sequence[Value]:
    """If: one of two graphs, by a condition that is known when recorded."""
    holds = np.all(n.known("condition", condition))
    return run(n.attributes["then_branch" if holds else "else_branch"], [])


def _columns(
    n: Node,
    rows: Sequence[Sequence[Value]],
    count: int,
) -> list[tuple[Value, ...]]:
    """What is collected over the steps, output by output."""
    if count and not rows:
        raise n.refuse("no step", expected="expected at least one")
    # of no output there are no columns
    return [*zip(*rows, strict=True)]


# --- states ---------------------------------------------------------------------------------------
class _States:
    """The states of a loop, and what those are called that change and are of floats.

    As in the graph where these are short words, else s, or s1, s2, ...
    """

    def __init__(
        self,
        n: Node,
        given: Sequence[str],
        returned: Sequence[str],
    ) -> None:
        self.layer = n.layer
        self.changing = [a != b for a, b in zip(given, returned, strict=True)]
        self.names = list(given)

    def begun(self, values: Sequence[Value]) -> list[Value]:
        """The first states, as Tensors that can be seen and fed."""
        own = [k for k, x in enumerate(values) if self.changing[k] and x.dtype.kind == "f"]
        words = [self.names[k] for k in own]
        if not all(word.isidentifier() and len(word) <= MAX_WORD for word in words):
            words = ["s"] if len(own) == 1 else [f"s{k}" for k in range(1, len(own) + 1)]
        self.names = [""] * len(values)
        for k, word in zip(own, words, strict=True):
            self.names[k] = word
        return self.named(values, 0)

    def named(
        self,
        values: Sequence[Value],
        t: int,
    ) -> list[Value]:
        """Those of step t."""
        states = []
        for name, x in zip(self.names, values, strict=True):
            # a leaf is an input or a parameter, and has its name
            is_new = name and (not isinstance(x, Tensor) or x.fn is not None)
            states.append(as_tensor(x, f"{name}{self.layer}_{t}") if is_new else x)
        return states
