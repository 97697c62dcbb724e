"""One tape, three levels: every operation, the named variables, the network folded in time."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, Literal, get_args

from graphviz import Digraph

from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.internal import refuse_no_tape, uncollected
from minigrad.viz.graphs.operations.operation_paint import draw_operations
from minigrad.viz.graphs.rolled.rolled_paint import draw_rolled
from minigrad.viz.graphs.variables.unrolled import draw_variables

from .fold import Collapse, Labels, Rules, View
from .looks import refuse_style
from .norm_colors import Grads, scale

Level = Literal["ops", "variables", "rolled"]


@uncollected
def draw(
    tape: Tape,
    level: Level = "ops",
    collapse: Collapse = "auto",
    steps: Container[int] | None = None,
    grads: Grads = None,
    rules: Rules = "folded",
    style: Mapping[str, Any] | None = None,
    label: Labels | None = None,
) -> Digraph:
    """The tape as a graph: its operations, its variables (Fig. 9.7.2), or the network rolled up.

    Grey: no gradient reaches it. Orange: adjoints, on a differentiated tape. Red and dashed: the
    gradient is cut. A dashed outline: recomputed, as ``checkpoint`` has it.

    >>> import minigrad as mg
    >>> h = mg.tensor(0.5, requires_grad=True, name="h_0")
    >>> for t in (1, 2):
    ...     with mg.timestep(t):
    ...         h = (h * h).named(f"h_{t}")
    >>> graph = draw(mg.Tape.of(h), level="variables", grads=True)
    >>> "h_2" in graph.source
    True

    level: ``ops`` for each operation, ``variables`` for each named tensor, ``rolled`` for one node
    per role, such as h_t.
    collapse: how many steps are shown before runs of steps alike fold; None unfolds all; "auto" as
    many as a page has room for. Not of ``rolled``, which stands for all steps.
    steps: the steps that are shown, such as range(4, 9); all others fold; not of ``rolled``.
    grads: True writes the norm of its adjoint on each node, in colour; so does a mapping from
    Tensors or names to adjoints or norms.
    rules: of a differentiated tape the rule of each node is one box, or "open" its operations.
    style: sizes, colours and shapes by role, such as ``{"font_size": 14, "parameter": {"fill":
    "#1B5A91", "shape": "rounded"}}``; docs/pictures.md lists them.
    label: a function of a node: what is written in place of its name; None: the name.

    Raises: ArgumentError for what is no Tape and for options outside their domain; GradientError
    for ``grads=True`` where the tape has no backward pass.
    """
    refuse_no_tape("draw", tape)
    if level not in get_args(Level):
        expected = "expected 'ops', 'variables' or 'rolled'"
        raise ArgumentError("draw: level", got=f"{level!r}", expected=expected)
    if level == "rolled":
        _refuse_fold(collapse, steps)
    view = View(collapse, steps, rules, label=label).checked()
    looks = style or {}
    refuse_style("draw", looks, level)
    colours = scale(tape, grads)
    if level == "rolled":
        graph = draw_rolled(tape, view, colours)
        graph.looks = looks
        return graph
    draw_level = draw_operations if level == "ops" else draw_variables
    graph = draw_level(tape, view, colours)
    is_chosen = collapse != "auto" or steps is not None
    graph.looks = looks
    graph.simpler = _simpler(tape, level if is_chosen else "rolled", looks)
    return graph


def _refuse_fold(collapse: Collapse, steps: Container[int] | None) -> None:
    """Raise ArgumentError where it is said which steps fold of what stands for all of them."""
    expected = "expected 'ops' or 'variables' for some of the steps; 'rolled' stands for all"
    if steps is not None:
        raise ArgumentError("draw: steps of 'rolled'", got=f"{steps}", expected=expected)
    if collapse != "auto":
        raise ArgumentError("draw: collapse of 'rolled'", got=f"{collapse}", expected=expected)


def _simpler(tape: Tape, level: Level, looks: Mapping[str, Any]) -> Callable[[], Any]:
    """The picture in place of one that Graphviz comes to no end with, drawn when asked for.

    It is the usual one where the user chose what folds, else the rolled one.
    """
    return lambda: draw(tape, level, style=looks)
