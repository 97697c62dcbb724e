"""Checkpointing: a tape that keeps the values of few steps and recomputes the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import isqrt
from operator import attrgetter

import numpy as np

from minigrad.core.arguments import refuse_unstamped
from minigrad.core.order import behind
from minigrad.core.recompute import Form, Segment
from minigrad.core.recurrence.collecting import collecting
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.core.time import Nodes, Times, steps_of, times_of
from minigrad.errors import ArgumentError

from .rewrite import refuse_differentiated

Blocks = dict[Tensor, int | None]
"""The block of steps of each node, counted from 0; None outside the steps."""
Segments = dict[int, Segment]
"""The segment of each block."""

# The forms of a long tape are few: one object for each, instead of one a node.
_form = cache(Form)


def checkpoint(tape: Tape, every: int | str = "auto") -> Tape:
    """Drop what only its own segment of ``every`` steps reads: backward recomputes it.

    One segment at a time is recomputed. Outputs and gradients stay the same to the last bit. The
    new tape keeps what a segment hands on, what lies outside the steps, and its outputs; the memory
    of the rest is free when nobody holds the old tape any more. "auto" takes the square root of the
    number of steps. (Second derivatives are the same too, but where they pass a ``clip_grad``
    inside a segment: it clips what reaches the value and what reaches its recomputation apart.)

    What was checkpointed before stays as it is, so that the forward pass need never hold more than
    a segment either: ``h, loss = checkpoint(Tape.of(h, loss), every=64).outputs``, in the loop, at
    every 64th step. What else you keep, as states in a list, must be among those outputs, or it
    holds the old tape.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> w = mg.tensor(0.5, requires_grad=True, name="w")
    >>> h = mg.tensor(1.0)
    >>> for t in (1, 2, 3, 4):
    ...     with mg.timestep(t):
    ...         h = np.tanh(h * w)
    >>> tape = mg.transforms.checkpoint(mg.Tape.of(h), every=2)
    >>> [name for n, name in tape.names.items() if n.recomputed]
    ['multiply@1', 'tanh@1', 'multiply@2', 'multiply@3', 'tanh@3', 'multiply@4']
    >>> tape.backward()
    >>> bool(w.grad == mg.grad(h, w)[0].data)
    True

    Cost: linear in the nodes that are new. Raises: ArgumentError for a length that is no whole
    number from 1, for a loss in place of a tape, and for one without time steps; GradientError for
    a tape that holds its gradients already. Source: Chen et al. 2016; Gruslys et al. 2016.
    """
    _refuse_length(every)
    refuse_differentiated(tape)
    # Not tape.nodes: what an earlier call has done is not walked again, so a loop stays linear.
    nodes = behind(tape.outputs, ends=_is_checkpointed)
    times = _times(nodes)
    fresh = {n: times[n] for n in nodes if _is_fresh(n)}
    stamps = steps_of(fresh)
    if not stamps and any(_is_checkpointed(n) for n in nodes):
        return tape
    refuse_unstamped("checkpoint", stamps)
    length = isqrt(len(stamps)) if every == "auto" else int(every)
    block_of = _blocks(fresh, stamps[0], length)
    # Whoever holds an output may read it at any time.
    kept = _handed_on(block_of).union(tape.outputs)
    if all(n in kept for n, block in block_of.items() if block is not None):
        return tape
    segments = _segments(block_of, stamps, length)
    new = _copies(block_of, kept, segments)
    outputs = [new.get(o, o) for o in tape.outputs]
    return Tape.of(*outputs)


def _times(nodes: Nodes) -> Times:
    """The time step of each node; a running loss is a number, and not worth recomputing."""
    times = times_of(nodes)
    losses = {n for n in collecting(nodes, times).collected if n.size == 1}
    return times | dict.fromkeys(losses)


def _refuse_length(every: int | str) -> None:
    """Raise for anything but a whole number from 1, or "auto"."""
    if isinstance(every, str) and every == "auto":
        return
    is_whole = isinstance(every, (int, np.integer)) and every is not True
    if not is_whole or every < 1:  # type: ignore[operator]  # a number
        raise ArgumentError(
            "checkpoint: every",
            got=f"{every!r}",
            expected='expected a whole number from 1, or "auto"',
        )


def _is_checkpointed(n: Tensor) -> bool:
    return n.segment is not None


def _is_fresh(n: Tensor) -> bool:
    """Whether n is to be checkpointed: a leaf is always kept."""
    return n.fn is not None and n.segment is None


def _blocks(times: Mapping[Tensor, int | None], first: int, length: int) -> Blocks:
    """The block of each node: ``length`` steps from the first on, the next ones, and so on."""
    block_of: Blocks = {}
    for n, t in times.items():
        block_of[n] = None if t is None else (t - first) // length
    return block_of


def _handed_on(block_of: Blocks) -> set[Tensor]:
    """What is read by another block than its own."""
    handed_on: set[Tensor] = set()
    for n, block in block_of.items():
        for x in n.inputs:
            if block_of.get(x) != block:
                handed_on.add(x)
    return handed_on


def _segments(
    block_of: Blocks,
    stamps: Sequence[int],
    length: int,
) -> Segments:
    """What is recomputed together: one segment a block, which knows its first and last step."""
    segments: Segments = {}
    for block in block_of.values():
        if block is not None and block not in segments:
            start = stamps[0] + block * length
            end = min(start + length - 1, stamps[-1])
            segments[block] = Segment(start, end)
    return segments


def _copies(
    block_of: Blocks,
    kept: set[Tensor],
    segments: Segments,
) -> dict[Tensor, Tensor]:
    """A copy of each node in its segment, with its value where that is kept, else without."""
    copies: dict[Tensor, Tensor] = {}
    for n, block in block_of.items():
        inputs = [copies.get(x, x) for x in n.inputs]
        copy = n.copied(tuple(inputs))
        copies[n] = copy
        # Its value stays, but backward may have to read dropped ones beside it.
        if block is None:
            copy.segment = _segment_at_hand(copy, segments)
        elif n in kept:
            copy.segment = segments[block]
        else:
            form = _form(n.shape, n.dtype)
            copy.drop(form, segments[block])
    return copies


def _segment_at_hand(n: Tensor, segments: Segments) -> Segment:
    """The segment that is open where backward passes a node outside the steps: its last input's."""
    inputs = [x for x in n.inputs if _is_checkpointed(x)]
    if not inputs:
        return segments[0]
    last = max(inputs, key=attrgetter("serial"))
    segment: Segment = last.segment
    return segment
