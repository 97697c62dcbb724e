"""The time step of each node of a tape: its stamp, but for what merely connects the steps or sums their losses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from . import gates
from .tensor import Tensor

_SCALES = (np.negative, np.multiply, np.divide)
_ADDS = (
    np.add,
    np.subtract,
    np.reshape,
    np.squeeze,
    gates.alias,
    gates.on_backward,
    gates.scale_grad,
    gates.clip_grad,
)


def times_of(nodes: tuple[Tensor, ...]) -> dict[Tensor, int | None]:
    """The time step of each node, None outside the steps. Cost: linear in the edges.

    State that passes through an operation between two steps takes that operation along, into the earlier one. And
    a running sum of losses (``loss = loss + l_t`` inside the loop) is not state, whatever it is stamped: sums at
    the end of the tape that only such sums read count as lying outside.
    """
    times = {n: n.time for n in nodes}
    ends, read = (
        set[Tensor](),
        set[Tensor](),
    )  # the sums at the end of the tape; what others than these read
    enters, running = (
        set[Tensor](),
        set[Tensor](),
    )  # what some step reads; the sums that run through the steps
    for n in reversed(nodes):
        inputs = n.inputs
        if n not in read and (n.time is None or _is_sum(n)):
            ends.add(n)
        elif inputs:
            read.update(inputs)
        if inputs and (n.time is not None or n in enters):
            enters.update(inputs)
    for n in nodes:
        if n.time is None and n.fn is not None and n in enters:
            times[n] = max(
                (t for x in n.inputs if x.fn and (t := times.get(x)) is not None), default=None
            )
        elif n.time is not None and n in ends:
            earlier = [x for x in n.inputs if x.time not in (None, n.time)]
            adds = n.fn not in _SCALES and earlier and not any(x in read for x in earlier)
            if adds or any(x in running for x in n.inputs):
                running.add(n)
    return times | dict.fromkeys(running)


def steps_of(times: Mapping[Tensor, int | None]) -> tuple[int, ...]:
    """The time steps in which something is computed, in order."""
    stamps = {t for n, t in times.items() if t is not None and n.fn is not None}
    return tuple(sorted(stamps))


def _is_sum(n: Tensor) -> bool:
    """Whether n adds up its inputs, passes one on, or scales one by a constant."""
    constant = [x.fn is None and not x.requires_grad for x in n.inputs]
    if n.fn in (np.multiply, np.divide):
        return any(constant) if n.fn is np.multiply else constant[1]
    return n.fn in _ADDS or n.fn is np.negative
