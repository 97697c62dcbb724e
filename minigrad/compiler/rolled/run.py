"""The rolled program run by NumPy, one call after another: what every engine is held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from minigrad.core.array import Array
from minigrad.core.tensor import Tensor
from minigrad.errors import DataError
from minigrad.ops import OPS

from .rolled_program import Call, Fn, Index, Loop, Program, Read

Values = dict[str, Any]
"""Arrays by name, or Tensors: then what is called is recorded."""
Scope = Callable[[int], AbstractContextManager[Any]]


def run(program: Program, feeds: Mapping[str, Array]) -> tuple[Array, ...]:
    """The outputs for arrays by the names of the inputs.

    Raises DataError where a call gives another shape than the program says.
    """
    values: Values = {**feeds, **program.constants}
    for block in program.blocks:
        if isinstance(block, Call):
            values[block.name] = called(block, values, 0, 0)
        else:
            run_loop(block, values, lambda step: nullcontext())
    return tuple([np.asarray(operand(values, read, 0, 0)) for read in program.outputs])


def called(
    call: Call,
    values: Values,
    step: int,
    lane: int,
) -> Any:
    """The result of one call."""
    operands = [operand(values, read, step, lane) for read in call.reads]
    result = _applied(call.fn, operands, call.kwargs)
    if np.shape(result) != call.shape:
        expected = f"expected {call.shape}"
        raise DataError(f"program: '{call.name}'", got=f"{np.shape(result)}", expected=expected)
    return result if isinstance(result, Tensor) else np.asarray(result, call.dtype)


def operand(
    values: Values,
    read: Read,
    step: int,
    lane: int,
) -> Any:
    """What a call reads in one step and lane."""
    x = values[read.source]
    if read.index is not None:
        before = (slice(None),) * read.axis
        x = x[(*before, read.index.at(step, lane))]
    for view in read.views:
        x = _applied(view.fn, [x], fixed(view.kwargs, step, lane))
    return x


def _applied(
    fn: Fn,
    operands: list[Any],
    kwargs: dict[str, Any],
) -> Any:
    if fn in OPS and not any(isinstance(x, Tensor) for x in operands):
        fn = OPS[fn].call
    elif fn in RECORDED:
        fn = RECORDED[fn]
    return fn(*operands, **kwargs)


def fixed(
    x: Any,
    step: int,
    lane: int,
) -> Any:
    """Keywords with the numbers of one step and lane."""
    if isinstance(x, Index):
        return x.at(step, lane)
    if isinstance(x, slice):
        return slice(*fixed((x.start, x.stop, x.step), step, lane))
    if isinstance(x, dict):
        return {key: fixed(value, step, lane) for key, value in x.items()}
    if type(x) in (tuple, list):
        return type(x)([fixed(entry, step, lane) for entry in x])
    return x


RECORDED: dict[Fn, Fn] = {
    np.concatenate: lambda *xs, **keywords: np.concatenate(xs, **keywords),
    np.stack: lambda *xs, **keywords: np.stack(xs, **keywords),
    np.einsum: lambda *xs, subscripts, **keywords: np.einsum(subscripts, *xs, **keywords),
    np.linalg.multi_dot: lambda *xs: np.linalg.multi_dot(xs),
}
"""Functions that take their operands in another way than a row of the table does."""


def run_loop(
    loop: Loop,
    values: Values,
    scope: Scope,
) -> None:
    """Add the values of a loop. scope: what a step runs in."""
    count = loop.steps * loop.lanes
    rows: dict[str, list[Any]] = {call.name: [None] * count for call in loop.body}
    steps = range(loop.steps)
    for done, step in enumerate(reversed(steps) if loop.backward else steps):
        for lane in range(loop.lanes):
            with scope(step):
                _run_step(loop, values, rows, done, step, lane)
    for name, value in loop.stacked.items():
        values[value] = np.stack(rows[name])
    for name, value in loop.summed.items():
        values[value] = np.sum(np.stack(rows[name]), axis=0)


def _run_step(
    loop: Loop,
    values: Values,
    rows: dict[str, list[Any]],
    done: int,
    step: int,
    lane: int,
) -> None:
    """One step of one lane. rows: the results so far, entered here."""
    local = dict(values)
    for carry in loop.carries:
        if done < carry.lag:
            local[carry.name] = operand(values, carry.first[done], 0, lane)
        else:
            before = step + carry.lag if loop.backward else step - carry.lag
            local[carry.name] = rows[carry.result][before * loop.lanes + lane]
    for call in loop.body:
        result = called(call, local, step, lane)
        local[call.name] = rows[call.name][step * loop.lanes + lane] = result
