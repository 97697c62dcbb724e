"""``mg.roll``: a tape as a program whose size does not depend on the number of steps."""

from __future__ import annotations

import numpy as np

from minigrad.compiler.looked_at import refuse_off_tape, refuse_peeks
from minigrad.compiler.read import is_input, read_graph
from minigrad.compiler.rewrite.chains import flatten
from minigrad.compiler.rewrite.fold import fold
from minigrad.core.arguments import refuse_no_tape
from minigrad.core.array import Array
from minigrad.core.rerun.feeds import Feeds, Leaves, Missing
from minigrad.core.tape import Tape
from minigrad.gc_paused import uncollected

from .program import Program
from .roll import roll_graph
from .run import run


class Rolled:
    """A rolled program with the values that its inputs were recorded with. It prints.

    program: the calls and loops. recorded: the arrays by the names of the inputs.
    """

    def __init__(self, program: Program, leaves: Leaves, recorded: dict[str, Array]) -> None:
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
    return Rolled(program, leaves, recorded)
