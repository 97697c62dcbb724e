"""One tape, three levels: every operation, the named variables, the network folded in time."""

from __future__ import annotations

from collections.abc import Container
from typing import Literal, get_args

import graphviz

from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.viz.graphs.operations.operation_paint import ops
from minigrad.viz.graphs.variables.unrolled import variables

from .folding import Collapse, View
from .norms import Grads, scale
from .rolled import rolled

Level = Literal["ops", "variables", "rolled"]


def draw(
    tape: Tape,
    level: Level = "ops",
    collapse: Collapse = "auto",
    steps: Container[int] | None = None,
    grads: Grads = None,
) -> graphviz.Digraph:
    """The tape as a graph: its operations, its variables as in Fig. 9.7.2, or the network rolled up in time.

    Runs of steps alike fold where there are more than ``collapse`` steps (None unfolds all), or all but ``steps``,
    such as range(4, 9). ``grads=True`` writes the norm of its adjoint on each node, in colour; so does a mapping
    from Tensors or names to adjoints or norms.

    Grey: no gradient reaches it. Orange: adjoints, on a differentiated tape. Red and dashed: the gradient is cut. A
    dashed outline: recomputed, as ``checkpoint`` has it.
    """
    if not isinstance(tape, Tape):
        raise ArgumentError(
            "draw",
            got=f"a {type(tape).__name__}",
            expected="expected a Tape, as Tape.of(loss) makes",
        )
    if level not in get_args(Level):
        raise ArgumentError(
            "draw: level", got=f"{level!r}", expected="expected 'ops', 'variables' or 'rolled'"
        )
    view, colours = View(collapse, steps), scale(tape, grads)
    if level == "rolled":
        return rolled(tape, colours)
    graph = ops(tape, view, colours) if level == "ops" else variables(tape, view, colours)
    # what takes its place where Graphviz does not come to an end with it
    graph.simpler = (
        (lambda: draw(tape, level))
        if collapse != "auto" or steps
        else (lambda: draw(tape, "rolled"))
    )
    return graph
