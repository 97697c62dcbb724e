"""``mg.roll``: a tape as a program whose size does not depend on the number of steps."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from minigrad.compiler.looked_at import refuse_off_tape, refuse_peeks
from minigrad.compiler.read import is_input, read_graph
from minigrad.compiler.rewrite.chains import flatten
from minigrad.compiler.rewrite.fold import fold
from minigrad.core.arguments import refuse_no_tape
from minigrad.core.array import Array
from minigrad.core.rerun.feeds import Feeds, Leaves, Missing
from minigrad.core.tape import Tape
from minigrad.core.tensor import tensor
from minigrad.errors import DataError
from minigrad.gc_paused import uncollected

from .file import read_program, write_program
from .notation import as_json, from_json
from .program import Program
from .roll import roll_graph
from .run import run
from .unroll import unrolled


class Rolled:
    """A rolled program with the values that its inputs were recorded with. It prints.

    program: the calls and loops. recorded: the arrays by the names of the inputs.
    """

    def __init__(self, program: Program, recorded: dict[str, Array], leaves: Leaves) -> None:
        """leaves: the inputs, as they may be fed."""
        self.program = program
        self.recorded = recorded
        self._leaves = leaves

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what may be fed."""
        return tuple(self.recorded)

    def arrays(self, feeds: Feeds | None, missing: Missing = "error") -> dict[str, Array]:
        """The arrays of all inputs by name; those that are not fed have their recorded values.

        Raises what a plan raises for feeds.
        """
        if feeds is None:
            return self.recorded
        fed = self._leaves.arrays(feeds, missing)
        by_name = {self._leaves.names[leaf]: array for leaf, array in fed.items()}
        return self.recorded | by_name

    def __call__(
        self, feeds: Feeds | None = None, *, missing: Missing = "error"
    ) -> tuple[Array, ...]:
        """The outputs, by NumPy, one call after another: slow, and what engines are held to.

        feeds, missing: as for a plan.
        """
        return run(self.program, self.arrays(feeds, missing))

    def tape(self) -> Tape:
        """The program recorded as a tape again, its leaves under the names of the inputs.

        To compile, to draw, to step through. The steps of every loop count from 1.
        """
        return unrolled(self.program, self.recorded)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the program and the values of its inputs as one safetensors file.

        ``mg.load_program(path)`` reads it, in a process that has only NumPy.

        Raises UnsupportedError for functions of your own, DataError where the file cannot be
        written; what was there before is untouched then.
        """
        arrays = {f"input {name}": array for name, array in self.recorded.items()}
        arrays |= {f"constant {name}": array for name, array in self.program.constants.items()}
        return write_program(path, as_json(self.program), arrays)

    def __str__(self) -> str:
        return str(self.program)

    def __repr__(self) -> str:
        return f"Rolled({len(self.program.blocks)} blocks, inputs {', '.join(self.inputs)})"


@uncollected
def roll(tape: Tape) -> Rolled:
    """Roll a tape up: calls and loops over named values, the same in number for any T.

    Truncated segments run side by side, as lanes of one loop; what a checkpoint would compute
    again is computed once.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> w, h = mg.tensor(0.5, requires_grad=True, name="w"), mg.tensor(1.0, name="h_0")
    >>> for t in range(1, 101):
    ...     with mg.timestep(t):
    ...         h = np.tanh(w * h).named(f"h_{t}")
    >>> print(mg.roll(mg.Tape.of(h)))
    h_0: float64[]
    w: float64[]
    for t = 0..99:
        h_t.1-1 = h_t.1 of 1 before, at first h_0
        product.0: float64[] = product(w, h_t.1-1)
        h_t.1: float64[] = tanh(product.0)
        h_t[t] = h_t.1
    return h_t[99]

    Raises ArgumentError for what is no tape, GradientError where Python looked at a value while it
    was recorded.
    """
    refuse_no_tape("roll", tape)
    refuse_off_tape(tape)
    refuse_peeks(tape)
    inputs = [leaf for leaf in tape.leaves if is_input(leaf)]
    leaves = Leaves("rolled program", inputs, tape.names)
    graph = flatten(fold(read_graph(tape, checkpoints=False)))
    program = roll_graph(graph, leaves.names)
    recorded = {leaves.names[leaf]: np.asarray(leaf.data) for leaf in inputs}
    return Rolled(program, recorded, leaves)


def load_program(path: str | os.PathLike[str]) -> Rolled:
    """The program that ``Rolled.save`` wrote. Nothing in the file is executed.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([3.0, 4.0], name="x")
    >>> path = mg.roll(mg.Tape.of(np.sum(x * x))).save("square.safetensors")
    >>> program = mg.load_program(path)
    >>> float(program({"x": [1.0, 2.0]})[0])
    5.0
    >>> float(mg.compile(program.tape())({"x": [1.0, 2.0]})[0])
    5.0

    Raises DataError for a file that is none, or that calls what is not in minigrad's table.
    """
    data, arrays = read_program(path)
    constants, recorded = {}, {}
    for name, array in arrays.items():
        kind, _, rest = name.partition(" ")
        (constants if kind == "constant" else recorded)[rest] = array
    program = from_json(data, constants)
    for name, form in program.inputs.items():
        array = recorded.get(name)
        if array is None or (array.shape, array.dtype) != form:
            raise DataError(f"'{path}'", got=f"no array for input '{name}', {form.dtype}{list(form.shape)}")
    tensors = [tensor(recorded[name], name=name, dtype=form.dtype) for name, form in program.inputs.items()]
    names = {leaf: leaf.label for leaf in tensors}
    return Rolled(program, {name: recorded[name] for name in program.inputs}, Leaves("rolled program", tensors, names))
