"""The rolled program run by NumPy, one call after another: what every engine is held to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.core.array import Array
from minigrad.ops import OPS

from .program import Call, Index, Loop, Program, Read

Values = dict[str, Any]


def run(program: Program, feeds: Mapping[str, Array]) -> tuple[Array, ...]:
    """The outputs for arrays by the names of the inputs."""
    values: Values = {**feeds, **program.constants}
    for block in program.blocks:
        if isinstance(block, Call):
            values[block.name] = _called(block, values, 0, 0)
        else:
            _run_loop(block, values)
    return tuple([np.asarray(operand(values, read, 0, 0)) for read in program.outputs])


def _called(call: Call, values: Values, step: int, lane: int) -> Any:
    fn = OPS[call.fn].call if call.fn in OPS else call.fn
    operands = [operand(values, read, step, lane) for read in call.reads]
    result = np.asarray(fn(*operands, **call.kwargs), call.dtype)
    assert result.shape == call.shape, (call, result.shape)
    return result


def operand(values: Values, read: Read, step: int, lane: int) -> Any:
    """What a call reads in one step and lane."""
    x = values[read.source]
    if read.index is not None:
        x = np.take(x, read.index.at(step, lane), axis=read.axis)
    for view in read.views:
        fn = OPS[view.fn].call if view.fn in OPS else view.fn
        x = fn(x, **fixed(view.kwargs, step, lane))
    return x


def fixed(x: Any, step: int, lane: int) -> Any:
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


def _run_loop(loop: Loop, values: Values) -> None:
    rows: dict[str, list[Any]] = {call.name: [None] * (loop.steps * loop.lanes) for call in loop.body}
    steps = range(loop.steps)
    for done, step in enumerate(reversed(steps) if loop.backward else steps):
        for lane in range(loop.lanes):
            local = dict(values)
            for carry in loop.carries:
                if done < carry.lag:
                    local[carry.name] = operand(values, carry.first[done], 0, lane)
                else:
                    before = step + carry.lag if loop.backward else step - carry.lag
                    local[carry.name] = rows[carry.result][before * loop.lanes + lane]
            for call in loop.body:
                local[call.name] = _called(call, local, step, lane)
                rows[call.name][step * loop.lanes + lane] = local[call.name]
    for name, value in loop.stacked.items():
        values[value] = np.stack(rows[name])
    for name, value in loop.summed.items():
        values[value] = np.sum(np.stack(rows[name]), axis=0)
