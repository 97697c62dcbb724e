"""Which leaves of a plan hold which of its outputs at the next call."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minigrad.compiler.emit.program import Program, copying
from minigrad.compiler.strided import owner
from minigrad.core.array import Array
from minigrad.core.rerun.feeds import Leaves
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, DTypeError, ShapeError

from .read import is_input

Carry = Mapping[Tensor | str, Tensor | str]
"""The output, or its name, that each leaf holds after a call."""
Carried = Mapping[Tensor, int]
"""The number of the output that each leaf holds after a call."""


def carried_outputs(tape: Tape, carry: Carry) -> Carried:
    """The number of the output that each leaf takes in: those of the tape, and those of carry.

    Raises ArgumentError for what is no input, or no output; ShapeError and DTypeError where the two
    are unlike.
    """
    number_of = {output: i for i, output in enumerate(tape.outputs)}
    numbers = {leaf: number_of[output] for leaf, output in tape.carried}
    if not isinstance(carry, Mapping):
        expected = "expected {leaf or name: output, ...}"
        raise ArgumentError("carry", got=f"a {type(carry).__name__}", expected=expected)
    inputs = Leaves("plan", list(filter(is_input, tape.leaves)), tape.names)
    for key, value in carry.items():
        leaf = inputs.leaf(key)
        output = tape[value] if isinstance(value, str) else value
        if output not in number_of:
            name = getattr(output, "label", output)
            names = ", ".join([tape.names[o] for o in tape.outputs])
            expected = f"the outputs are {names}"
            raise ArgumentError("carry", got=f"'{name}' is no output", expected=expected)
        if leaf in numbers:
            raise ArgumentError("carry", got=f"'{leaf.label}' is carried twice")
        _refuse_unlike(leaf, output)
        numbers[leaf] = number_of[output]
    return numbers


def not_carried(tape: Tape, carried: Carried) -> list[int]:
    """The numbers of the outputs that a call gives."""
    kept = {tape.outputs[number] for number in carried.values()}
    return [i for i, output in enumerate(tape.outputs) if output not in kept]


def _refuse_unlike(leaf: Tensor, output: Tensor) -> None:
    got = f"'{output.label}' is {output.shape}"
    if output.shape != leaf.shape:
        raise ShapeError("carry", got=got, expected=f"'{leaf.label}' is {leaf.shape}")
    got = f"'{output.label}' is {output.dtype}"
    if output.dtype != leaf.dtype:
        remedy = "Cast it on the tape: t.astype(...)"
        expected = f"'{leaf.label}' is {leaf.dtype}"
        raise DTypeError("carry", got=got, expected=expected, remedy=remedy)


def emit_carried(
    program: Program, values: Mapping[Tensor, Array], homes: Mapping[Tensor, Array]
) -> None:
    """The calls that write the values to the leaves, and to where the plan reads these.

    They may be repeated: none reads what another one writes.
    """
    written = {id(owner(home)) for home in homes.values()}
    for leaf, array in values.items():
        value = array
        if id(owner(array)) in written:
            value = np.empty_like(array)
            program.add([copying(value, array)])
        places = [_to_write_to(leaf)]
        if homes[leaf] is not leaf._array:
            places.append(homes[leaf])
        program.carrying += [copying(place, value) for place in places]


def _to_write_to(leaf: Tensor) -> Array:
    """A leaf's memory, as nobody else may write to it."""
    array = leaf._array
    array.setflags(write=True)
    view = array.view()
    array.setflags(write=False)
    return view
