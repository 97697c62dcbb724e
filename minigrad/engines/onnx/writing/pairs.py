"""Calls that add a part of every step at an index of its own: what they read, as rows.

Such a call has two operands for every step. Where the parts are rows of one value, and the indices
of another, each are read at once, so that more steps are no more nodes.
"""

from __future__ import annotations

from typing import Any

from minigrad.compiler.primitives import added_rows
from minigrad.compiler.rolled.rolled_program import Call, Read
from minigrad.ops.indexing import PART, scatter

Run = list[tuple[Read, Read, Any]]
"""Parts, the indices at which they are added, and the forms of these."""


def runs_of(call: Call) -> list[Run] | None:
    """The operands of the call, those whose rows lie evenly together; None for other calls."""
    if call.fn is scatter:
        indices = call.kwargs["indices"]
        if any(index[0] is not PART or index.count(PART) > 1 for index in indices):
            return None
    elif call.fn is added_rows:
        indices = (None,) * (len(call.reads) // 2)
    else:
        return None
    runs: list[Run] = []
    for part, at, index in zip(call.reads[::2], call.reads[1::2], indices, strict=True):
        if runs and _goes_on(runs[-1], (part, at, index)):
            runs[-1].append((part, at, index))
        else:
            runs.append([(part, at, index)])
    return runs


def _goes_on(
    run: Run,
    pair: tuple[Read, Read, Any],
) -> bool:
    """Whether the pair is the next row, on both sides, in steps of the rows before."""
    if run[-1][2] != pair[2]:
        return False
    for side in (0, 1):
        step = _step(run[-1][side], pair[side])
        if not step or (len(run) > 1 and step != _step(run[-2][side], run[-1][side])):
            return False
    return True


def _step(
    x: Read,
    y: Read,
) -> int:
    """How many rows of one value one lies behind the other; 0 where they are no such rows."""
    if x.index is None or y.index is None or x.views or y.views:
        return 0
    is_one_value = (x.source, x.axis) == (y.source, y.axis)
    return (y.index.start - x.index.start) * is_one_value


def rows_read(
    run: Run,
    side: int,
) -> tuple[Read, slice]:
    """What the run reads on one side: the value and its axis, and which of its rows."""
    first = run[0][side]
    assert first.index is not None
    start, step = first.index.start, _step(first, run[1][side])
    stop = start + len(run) * step
    return first, slice(start, stop if stop >= 0 else None, step)
