"""Checkpointing: a tape that keeps the values of few steps and recomputes the others on the way back."""

from __future__ import annotations

from functools import cache
from math import isqrt
from operator import attrgetter

import numpy as np

from minigrad.core.arguments import refuse_unstamped
from minigrad.core.order import behind
from minigrad.core.recompute import Form, Segment
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.core.time import times_of
from minigrad.errors import ArgumentError

from .edges import undifferentiated

_form, _serial = cache(Form), attrgetter("serial")


def checkpoint(tape: Tape, every: int | str = "auto") -> Tape:
    """Drop what only its own segment of ``every`` steps reads: backward recomputes it, one segment at a time.

    Outputs and gradients stay the same to the last bit. The new tape keeps what a segment hands on, what lies outside
    the steps, and its outputs; the memory of the rest is free when nobody holds the old tape any more. "auto" takes
    the square root of the number of steps.

    What was checkpointed before stays as it is, so that the forward pass need never hold more than a segment either:
    ``h, loss = checkpoint(Tape.of(h, loss), every=64).outputs``, in the loop, at every 64th step. What else you keep,
    as states in a list, must be among those outputs, or it holds the old tape.

    Cost: linear in the nodes that are new. Source: Chen et al. 2016; Gruslys et al. 2016.
    """
    whole = isinstance(every, (int, np.integer)) and every is not True and every >= 1
    if not whole and not (isinstance(every, str) and every == "auto"):
        expected = 'expected a whole number from 1, or "auto"'
        raise ArgumentError("checkpoint: every", got=f"{every!r}", expected=expected)
    undifferentiated(tape)
    nodes = behind(tape.outputs, ends=_is_done)
    times = times_of(nodes)
    fresh = [n for n in nodes if n.fn is not None and n.segment is None]
    stamps = {t for n in fresh if (t := times[n]) is not None}
    if not stamps and any(map(_is_done, nodes)):
        return tape
    refuse_unstamped("checkpoint", stamps)
    k, first, last = isqrt(len(stamps)) if every == "auto" else int(every), min(stamps), max(stamps)
    block = {n: None if (t := times[n]) is None else (t - first) // k for n in fresh}
    kept = {x for n, b in block.items() for x in n.inputs if block.get(x) != b}.union(tape.outputs)
    if all(b is None or n in kept for n, b in block.items()):
        return tape
    starts = {b: first + b * k for b in set(block.values()) if b is not None}
    segments = {b: Segment(start, min(start + k - 1, last)) for b, start in starts.items()}
    new: dict[Tensor, Tensor] = {}
    for n, b in block.items():
        new[n] = copy = n.copied(tuple([new.get(x, x) for x in n.inputs]))
        if (
            b is None
        ):  # outside the steps: where backward passes it, the segment of its last input is at hand
            its = max((x for x in copy.inputs if x.segment is not None), key=_serial, default=None)
            copy.segment = segments[0] if its is None else its.segment
        elif n in kept:
            copy.segment = segments[b]
        else:
            value = n.data
            copy.drop(_form(value.shape, value.dtype), segments[b])
    return Tape.of(*[new.get(o, o) for o in tape.outputs])


def _is_done(n: Tensor) -> bool:
    return n.segment is not None
