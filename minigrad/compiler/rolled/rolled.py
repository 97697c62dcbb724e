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
from minigrad.core.rerun.feeds import Feeds, Leaves, Missing, is_asked_for, listed
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor, tensor
from minigrad.errors import ArgumentError, DataError
from minigrad.gc_paused import uncollected

from .file import read_program, write_program
from .program_json import as_json, from_json
from .program_text import lines
from .roll import roll_graph
from .rolled_program import Form, Program
from .run import run
from .unroll import unrolled


class Rolled:
    """A rolled program with the leaves that are its inputs. It prints.

    program: the calls and loops.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name="x")
    >>> outs = []
    >>> for t in range(3):
    ...     with mg.timestep(t):
    ...         outs.append(np.tanh(x[t]))
    >>> rolled = mg.roll(mg.Tape.of(np.stack(outs)))
    >>> rolled
    Rolled(3 blocks, inputs x)
    >>> rolled({"x": np.zeros((3, 2))})[0].tolist()
    [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """

    def __init__(
        self, program: Program, leaves: Leaves, unknown: frozenset[str] = frozenset()
    ) -> None:
        """leaves: the inputs, as they may be fed; ``mg.roll`` makes rolled programs.

        unknown: those that have no recorded values.
        """
        self.program = program
        self._leaves = leaves
        self._unknown = unknown

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what may be fed."""
        return tuple(self.leaves.values())

    @property
    def leaves(self) -> dict[Tensor, str]:
        """The names of the inputs by their Tensors."""
        return self._leaves.names

    @property
    def recorded(self) -> dict[str, Array]:
        """The arrays that the inputs have, by name: read anew, so an ``assign`` is seen.

        Raises ArgumentError where ``family.at(T)`` knows none.
        """
        return self._with_recorded({})

    @property
    def optional(self) -> tuple[str, ...]:
        """The names of inputs that need not be fed: parameters, and the rest of a step's state."""
        named = self._leaves.names.items()
        return tuple([name for leaf, name in named if leaf not in self._leaves.asked_for])

    def arrays(
        self,
        feeds: Feeds | None,
        missing: Missing = "error",
    ) -> dict[str, Array]:
        """The arrays of all inputs by name; those that are not fed have their recorded values.

        Raises what a plan raises for feeds.
        """
        if feeds is None:
            return self.recorded
        fed = self._leaves.arrays(feeds, missing)
        return self._with_recorded({self.leaves[leaf]: array for leaf, array in fed.items()})

    def _with_recorded(self, fed: dict[str, Array]) -> dict[str, Array]:
        """Arrays by name, and of the other inputs the recorded ones."""
        unknown = [name for name in self.inputs if name in self._unknown and name not in fed]
        if unknown:
            raise ArgumentError(
                "rolled program",
                got=f"no values for {listed(map(repr, unknown))}, which were not recorded",
                remedy="Feed them, or say family.at(T, {name: array, ...})",
            )
        return {name: leaf.data for leaf, name in self.leaves.items()} | fed

    def with_values(self, feeds: Feeds) -> Rolled:
        """The same program, these values recorded for its inputs; others keep theirs.

        Raises what a plan raises for feeds.
        """
        fed = self._leaves.arrays(feeds, "recorded")
        names = {}
        for leaf, name in self.leaves.items():
            value = leaf
            if leaf in fed:
                array = np.array(fed[leaf], leaf.dtype)
                value = Tensor(array, leaf.requires_grad, leaf.name, kwargs=leaf.kwargs)
            names[value] = name
        unknown = self._unknown - {self.leaves[leaf] for leaf in fed}
        return Rolled(self.program, Leaves("rolled program", names, names), unknown)

    def __call__(
        self,
        feeds: Feeds | None = None,
        *,
        missing: Missing = "error",
    ) -> tuple[Array, ...]:
        """The outputs, by NumPy, one call after another: slow, and what engines are held to.

        feeds, missing: as for a plan.
        """
        return run(self.program, self.arrays(feeds, missing))

    def tape(self) -> Tape:
        """The program recorded as a tape again, its leaves under the names of the inputs.

        To compile, to draw, to step through. The steps of every loop count from 1.
        """
        arrays = self.recorded
        leaves = {}
        for leaf, name in self.leaves.items():
            trained = leaf.requires_grad
            leaves[name] = tensor(arrays[name], requires_grad=trained, name=name, dtype=leaf.dtype)
        return unrolled(self.program, leaves)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the program and the values of its inputs as one safetensors file.

        ``mg.load_program(path)`` reads it, in a process that has only NumPy.

        Raises UnsupportedError for functions of your own, DataError where the file cannot be
        written; what was there before is untouched then.
        """
        arrays = {f"input {name}": array for name, array in self.recorded.items()}
        arrays |= {f"constant {name}": array for name, array in self.program.constants.items()}
        optional = [n for leaf, n in self.leaves.items() if not is_asked_for(leaf)]
        return write_program(path, as_json(self.program) | {"optional": optional}, arrays)

    def __str__(self) -> str:
        return "\n".join(lines(self.program))

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
    w: float64[]
    h_0: float64[]
    for t = 0..99:
        h_t-1 is at first h_0
        product_t: float64[] = product(w, h_t-1)
        h_t: float64[] = tanh(product_t)
        h[t] = h_t
    return h[99]

    Raises ArgumentError for what is no tape, GradientError where Python looked at a value while it
    was recorded.
    """
    refuse_no_tape("roll", tape)
    refuse_off_tape(tape, "roll")
    refuse_peeks(tape, "roll")
    inputs = [leaf for leaf in tape.leaves if is_input(leaf)]
    carried = [leaf for leaf, _ in tape.carried]
    leaves = Leaves("rolled program", inputs, tape.names, carried)
    graph = flatten(fold(read_graph(tape, checkpoints=False)))
    program = roll_graph(graph, leaves.names)
    return Rolled(program, leaves)


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

    Raises ArgumentError for what is no path, DataError for a file that is no program, or that calls
    what is not in the table of minigrad.
    """
    data, arrays = read_program(path)
    constants: dict[str, Array] = {}
    recorded: dict[str, Array] = {}
    for key, array in arrays.items():
        kind, _, rest = key.partition(" ")
        (constants if kind == "constant" else recorded)[rest] = array
    program = from_json(data, constants)
    optional = data.get("optional", [])
    names = {}
    for name, form in program.inputs.items():
        given = recorded.get(name)
        if given is None or Form(given.shape, given.dtype) != form:
            expected = f"expected {form.dtype}{list(form.shape)}"
            raise DataError(f"'{path}': input '{name}'", got="another array", expected=expected)
        leaf = tensor(given, requires_grad=name in optional, name=name, dtype=form.dtype)
        names[leaf] = name
    return Rolled(program, Leaves("rolled program", names, names))
