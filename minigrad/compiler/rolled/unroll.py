"""A rolled program recorded as a tape again: to compile, to draw, to step through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.core.scope import timestep
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor, tensor

from .rolled_program import Call, Program
from .run import Values, called, operand, run_loop


def unrolled(program: Program, leaves: Mapping[str, Tensor]) -> Tape:
    """The tape of a program: the steps of every loop, from 1, in time steps of that number.

    leaves: its inputs.
    """
    values: Values = {**leaves, **program.constants}
    for block in program.blocks:
        if isinstance(block, Call):
            values[block.name] = called(block, values, 0, 0)
        else:
            run_loop(block, values, lambda step: timestep(step + 1))
    outputs = [as_tensor(operand(values, read, 0, 0)) for read in program.outputs]
    return Tape.of(*outputs)


def as_tensor(x: Any) -> Tensor:
    """An output that depends on no input is a constant."""
    return x if isinstance(x, Tensor) else tensor(x)
