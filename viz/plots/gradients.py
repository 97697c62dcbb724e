"""The gradient over time: the norm of the adjoint of the state at each step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.viz.graphs.roles import roles, step_numbers

from .axes import color, figure, label_powers, look

MARKERS = "osD^vx"
# Of more states the axis says that they are the state.
MAX_NAMES = 4


def gradient_norms(tapes: Mapping[str, Tape] | Tape) -> Any:
    """The norm of the adjoint of the state, as dL/dh_t, against the step on a log scale.

    A line per strategy; several states are taken as one, and named together.

    Shapes: tapes is one Tape, or {name: Tape}; the result is a matplotlib Figure.
    A step that no gradient reaches has no point: it is not zero.
    Raises ArgumentError for a tape without recurrent edges, and where matplotlib is missing.

    >>> from minigrad import models, transforms, viz
    >>> full = models.section(T=6).tape
    >>> figure = viz.plots.gradient_norms({"full": full, "every 3": transforms.truncate(full, 3)})
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['full', 'every 3']
    """
    strategies = {"": tapes} if isinstance(tapes, Tape) else dict(tapes)
    norms = {name: _known_norms(name, tape) for name, tape in strategies.items()}
    with look():
        fig = figure(5.4, 3.2)
        axes = fig.subplots()
        for k, (name, norm_at) in enumerate(norms.items()):
            steps = range(min(norm_at), max(norm_at) + 1)
            axes.plot(
                steps,
                [norm_at.get(t) or np.nan for t in steps],
                color=color(k),
                marker=MARKERS[k % len(MARKERS)],
                markersize=3.5,
                label=name,
            )
        axes.set(
            xlabel="time step  t",
            ylabel=_title(strategies.values()),
            yscale="log",
        )
        axes.xaxis.get_major_locator().set_params(integer=True)
        label_powers(axes.yaxis)
        if any(strategies):
            axes.legend()
    return fig


def _title(tapes: Iterable[Tape]) -> str:
    """What is plotted: the norm of the derivative by the states, by name where all have few."""
    names: dict[str, None] = {}
    for tape in tapes:
        names |= dict.fromkeys(_state_names(tape))
    listed = ", ".join(names)
    if not names or len(names) > MAX_NAMES:
        return "|dL/dstate|"
    return f"|dL/d({listed})|" if len(names) > 1 else f"|dL/d{listed}|"


def _state_names(tape: Tape) -> Iterator[str]:
    """The name of each state that has one, with t for the step."""
    times = tape.times
    numbers = step_numbers(times)
    for state in tape.states():
        for n in state.tensors:
            t = times[n]
            if n.name and t is not None:
                yield numbers.template(n.name, t)


def _known_norms(name: str, tape: Tape) -> dict[int, float]:
    norms = state_norms(tape)
    if not norms:
        remedy = "Run each step of the loop inside `with minigrad.timestep(t):`"
        got = f"{name!r} has no recurrent edges"
        raise ArgumentError("gradient_norms", got=got, remedy=remedy)
    return norms


def state_norms(tape: Tape) -> dict[int, float]:
    """The Euclidean norm of the adjoint of the whole state at each step that a gradient reaches.

    The copies of a state that ``truncate(window=)`` makes hold parts of one adjoint: they are
    added up.

    >>> from minigrad import models, viz
    >>> sorted(viz.plots.state_norms(models.section(T=3).tape))
    [1, 2, 3]
    """
    times = tape.times
    role = roles(tape.nodes, times)
    state_roles = {role[x] for state in tape.states() for x in state.tensors}
    # copies of one state agree in their serial and function
    states = {(n.serial, n.fn) for n in tape.nodes if role[n] in state_roles}
    adjoints: dict[Hashable, Any] = {}
    step_of: dict[Hashable, int] = {}
    for node, g, _ in tape.steps():
        state = (node.serial, node.fn)
        t = times[node]
        if state in states and t is not None:
            adjoints[state] = adjoints[state] + g if state in adjoints else g
            step_of[state] = t
    squares: defaultdict[int, float] = defaultdict(float)
    for key, g in adjoints.items():
        squares[step_of[key]] += float(np.linalg.norm(np.asarray(g, np.float64))) ** 2
    return {t: float(np.sqrt(total)) for t, total in sorted(squares.items())}
