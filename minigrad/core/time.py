"""The time step of each node of a tape: its stamp, but for two corrections.

State that passes through an unstamped operation between two steps takes that operation along, into
the earlier one. And a running sum of losses (``loss = loss + l_t`` inside the loop) is not state,
whatever it is stamped: sums at the end of the tape that only such sums read count as lying outside
the steps.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from . import gates
from .tensor import Tensor

Nodes = tuple[Tensor, ...]
Times = dict[Tensor, int | None]
_SCALES = (np.negative, np.multiply, np.divide)
# a gate that a running sum passes through: a closed one ends it, and what is recomputed is state
_OPEN_GATES = gates.GATES - gates.CLOSED - {gates.recompute}
# what adds its inputs up, or passes one on
_ADDS = _OPEN_GATES | {np.add, np.subtract, np.reshape, np.squeeze}


def times_of(nodes: Nodes) -> Times:
    """The time step of each node, given in the order of execution; None outside the steps.

    Linear in the edges.
    """
    times = {n: n.time for n in nodes}
    _give_connections_to_the_earlier_step(nodes, times)
    times.update(dict.fromkeys(_running_sums(nodes)))
    return times


def steps_of(times: Mapping[Tensor, int | None]) -> tuple[int, ...]:
    """The time steps in which something is computed, in order."""
    stamps = {t for n, t in times.items() if t is not None and n.fn is not None}
    return tuple(sorted(stamps))


# --- the first correction -------------------------------------------------------------------------
def _give_connections_to_the_earlier_step(nodes: Nodes, times: Times) -> None:
    """Give an unstamped operation that a step reads the latest step among its inputs."""
    read_by_steps = _read_by_a_step(nodes)
    for n in nodes:
        if n.time is None and n.fn is not None and n in read_by_steps:
            steps = [times.get(x) for x in n.inputs if x.fn]
            times[n] = max((t for t in steps if t is not None), default=None)


def _read_by_a_step(nodes: Nodes) -> set[Tensor]:
    """What a stamped node reads, directly or through unstamped ones."""
    read = set[Tensor]()
    for n in reversed(nodes):
        if n.time is not None or n in read:
            read.update(n.inputs)
    return read


# --- the second correction ------------------------------------------------------------------------
def _running_sums(nodes: Nodes) -> set[Tensor]:
    """The stamped sums at the end that add an earlier step's, and those that read one of them."""
    final, read = _final_sums(nodes)
    running = set[Tensor]()
    for n in nodes:
        if n.time is None or n not in final:
            continue
        begins = n.fn not in _SCALES and _adds_an_earlier_sum(n, read)
        if begins or any(x in running for x in n.inputs):
            running.add(n)
    return running


def _adds_an_earlier_sum(n: Tensor, read: set[Tensor]) -> bool:
    """Whether n reads another step, and of other steps only what nothing but sums reads."""
    others = [x for x in n.inputs if x.time not in (None, n.time)]
    if not others:
        return False
    return not any(x in read for x in others)


def _final_sums(nodes: Nodes) -> tuple[set[Tensor], set[Tensor]]:
    """The sums and unstamped nodes that only such ones read; and what the other nodes read."""
    final = set[Tensor]()
    read = set[Tensor]()
    for n in reversed(nodes):
        if n not in read and (n.time is None or _is_sum(n)):
            final.add(n)
        else:
            read.update(n.inputs)
    return final, read


def _is_sum(n: Tensor) -> bool:
    """Whether n adds up its inputs, passes one on, or scales one by a constant."""
    if n.fn is np.multiply:
        return any(_is_constant(x) for x in n.inputs)
    if n.fn is np.divide:
        return _is_constant(n.inputs[1])
    return n.fn in _ADDS or n.fn is np.negative


def _is_constant(x: Tensor) -> bool:
    return x.fn is None and not x.requires_grad
