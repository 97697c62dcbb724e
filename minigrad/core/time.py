"""The time step of each node of a tape: its stamp, but for the connections between steps.

State that passes through an unstamped operation between two steps takes that operation along, into
the earlier one. (What is only collected lies outside the steps, whatever it is stamped: see
recurrence/collecting.py.)
"""

from __future__ import annotations

from collections.abc import Mapping

from .tensor import Tensor

Nodes = tuple[Tensor, ...]
Times = dict[Tensor, int | None]


def times_of(nodes: Nodes) -> Times:
    """The time step of each node, given in the order of execution; None outside the steps.

    Linear in the edges.
    """
    times = {n: n.time for n in nodes}
    read_by_steps = _read_by_a_step(nodes)
    for n in nodes:
        if n.time is None and n.fn is not None and n in read_by_steps:
            steps = [times.get(x) for x in n.inputs if x.fn]
            times[n] = max((t for t in steps if t is not None), default=None)
    return times


def _read_by_a_step(nodes: Nodes) -> set[Tensor]:
    """What a stamped node reads, directly or through unstamped ones."""
    read = set[Tensor]()
    for n in reversed(nodes):
        if n.time is not None or n in read:
            read.update(n.inputs)
    return read


def steps_of(times: Mapping[Tensor, int | None]) -> tuple[int, ...]:
    """The time steps in which something is computed, in order."""
    stamps = {t for n, t in times.items() if t is not None and n.fn is not None}
    return tuple(sorted(stamps))


def crosses(times: Mapping[Tensor, int | None], x: Tensor, n: Tensor) -> bool:
    """Whether n reads x of another step; what no function made is of none."""
    start = times.get(x)
    end = times.get(n)
    is_stamped = x.fn is not None and start is not None and end is not None
    return is_stamped and start != end
