"""What the page about one gradient shows, measured: for a handout or a bug report."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import minigrad as mg
from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError, MinigradError
from minigrad.internal import write_atomically

from .anatomy import anatomy, steps_of
from .jacobians import Jacobians, jacobians
from .recurrence import Recurrence
from .strategy import Strategy
from .total_derivative import Row, totals
from .verdict import verdict

if TYPE_CHECKING:
    from minigrad.viz.report.gradient_page import Findings

# numbers in dh_t/dW above which the forward accumulation is left out
MAX_FORWARD_NUMBERS = 4_000_000
# how deep a sum of products is looked into for what the state is made of
MAX_SUM_DEPTH = 8


@dataclass(frozen=True)
class Choices:
    """What the caller of ``report`` chose; the names are its arguments."""

    wrt: Tensor | None
    strategies: Sequence[str] | None
    example: int | None
    axis: int
    seed: int
    title: str
    about: Mapping[str, Any]
    on_step: Callable[[], Any]


def report(
    tape: Tape,
    path: str | os.PathLike[str],
    wrt: Tensor | None = None,
    *,
    strategies: Sequence[str] | None = None,
    example: int | None = None,
    axis: int = 0,
    seed: int = 0,
    title: str = "Anatomy of a gradient",
    about: Mapping[str, Any] | None = None,
    on_step: Callable[[], Any] = lambda: None,
) -> Path:
    """Write the page about the gradient of the tape's loss with respect to one parameter.

    ``wrt`` is that parameter, by default the recurrent weight with the largest gradient.
    ``strategies`` are compared with full backpropagation (names as Strategy.of reads them; random
    ones draw from ``seed``); ``about`` is shown beside the versions; ``example`` and ``axis`` are
    as ``jacobians`` has them. ``on_step`` is called after each of the ``pieces(tape)`` pieces of
    work. The file is there when it is complete.

    Raises ArgumentError for a tape without time steps, or where matplotlib is missing.

    >>> from minigrad import models
    >>> models.report(models.section(T=4).tape, "report.html").name
    'report.html'
    """
    # The one place where the laboratory reaches for pictures: the page is viz's.
    from minigrad.viz.plots.axes import matplotlib
    from minigrad.viz.report.gradient_page import gradient_page

    steps_of(tape)
    matplotlib()
    choices = Choices(wrt, strategies, example, axis, seed, title, about or {}, on_step)
    return write_atomically(path, gradient_page(measured(tape, choices)))


def pieces(tape: Tape, strategies: Sequence[str] | None = None) -> int:
    """How often ``report`` calls on_step, at most."""
    T = len(steps_of(tape))
    compared = usual(T) if strategies is None else strategies
    return T * (2 + len(compared))


def usual(steps: int) -> list[str]:
    """The strategies that are compared unless others are named: they see a quarter of the steps."""
    k = max(1, steps // 4)
    keep = 1 - 1 / max(k, 2)
    return [f"every={k}", f"window={k}", f"random={keep:.2g}"]


def measured(tape: Tape, choices: Choices) -> Findings:
    """Everything that the page shows of a tape."""
    from minigrad.viz.report.gradient_page import Findings

    gradients = dict(zip(tape.parameters, mg.grad(tape.outputs[0], tape.parameters), strict=True))
    W = recurrent_weight(tape, gradients) if choices.wrt is None else choices.wrt
    anatomies = {}
    for name, rewritten in _rewritten(tape, choices).items():
        anatomies[name] = anatomy(rewritten, W, norms_only=True, on_term=choices.on_step)
    full = anatomies["full"]
    jacobian_record, no_jacobians = _jacobians(tape, W, choices)
    total_rows, no_totals = _totals(tape, W)
    if jacobian_record is None:
        says = f"dL/d{full.label}. {no_jacobians}"
    else:
        says = f"The gradient {verdict(jacobian_record, full)}."
    return Findings(
        title=choices.title,
        verdict=says,
        about=_about(tape, choices),
        steps=steps_of(tape),
        anatomies=anatomies,
        jacobians=jacobian_record,
        no_jacobians=no_jacobians,
        totals=total_rows,
        no_totals=no_totals,
        gradients=[_gradient_row(p, g) for p, g in gradients.items()],
    )


def _rewritten(tape: Tape, choices: Choices) -> dict[str, Tape]:
    """The tape as it is, and under each strategy."""
    names = choices.strategies
    if names is None:
        names = usual(len(steps_of(tape)))
    rng = np.random.default_rng(choices.seed)
    return {"full": tape, **{name: Strategy.of(name).rewrite(tape, rng) for name in names}}


def recurrent_weight(tape: Tape, gradients: Mapping[Tensor, Tensor]) -> Tensor:
    """The parameter with the largest gradient of those that multiply the state, else of all."""
    by_size = sorted(gradients, key=lambda p: -float(np.linalg.norm(gradients[p].data)))
    if not by_size:
        expected = "expected one that needs a gradient"
        raise ArgumentError("report", got="a tape without parameters", expected=expected)
    multiplied = _multiplied_by_the_state(tape)
    recurrent = [p for p in by_size if p in multiplied and len(_steps_using(tape, p)) > 1]
    return recurrent[0] if recurrent else by_size[0]


def _multiplied_by_the_state(tape: Tape) -> set[Tensor]:
    """The operands of the matrix products in the steps that read the state of the step before."""
    states = {x for state in tape.states() for x in state.tensors}
    operands: set[Tensor] = set()
    for n in tape.nodes:
        inside = n.fn is np.matmul and tape.times[n] is not None
        if inside and any(x in states for x in n.inputs):
            operands.update(n.inputs)
    return operands


def _steps_using(tape: Tape, W: Tensor) -> set[int | None]:
    return {tape.times[n] for n in tape.nodes if _reads(n, W)}


def _reads(n: Tensor, W: Tensor) -> bool:
    return any(x is W for x in n.inputs)


def _jacobians(tape: Tape, W: Tensor, choices: Choices) -> tuple[Jacobians | None, str]:
    """The Jacobians of the recurrence, or None and why there are none."""
    try:
        # Pascanu's bound holds for a square recurrent weight whose activation has slope 1 at most
        square = W.ndim == 2 and W.shape[0] == W.shape[1]
        bounded = W if square and _is_tanh(tape, W) else None
        record = jacobians(tape, choices.example, choices.axis, bounded, on_step=choices.on_step)
    except MinigradError as error:
        return None, error.text
    return record, ""


def _is_tanh(tape: Tape, W: Tensor) -> bool:
    """Whether the state is tanh of something linear in W, or linear itself: then max|phi'| is 1."""
    states = [x for state in Recurrence.of(tape).states.values() for x in state]
    terms = {x.inputs[0] if x.fn is np.tanh else x for x in states}
    for _ in range(MAX_SUM_DEPTH):
        terms = set().union(*map(_summands, terms))
    linear = (np.add, np.matmul, None)
    products = [x for x in terms if x.fn in linear and _reads(x, W)]
    return len(products) == len(states) and all(x.fn in linear for x in terms)


def _summands(x: Tensor) -> set[Tensor]:
    return set(x.inputs) if x.fn is np.add else {x}


def _totals(tape: Tape, W: Tensor) -> tuple[list[Row], str]:
    """Immediate and total derivatives, or none and why."""
    try:
        state = next(iter(Recurrence.of(tape).states.values()))
        numbers = sum(x.size for x in state) * W.size
        if numbers > MAX_FORWARD_NUMBERS:
            return [], f"dh_t/d{W.label} would hold {numbers:,} numbers."
        return totals(tape, W), ""
    except MinigradError as error:
        return [], error.text


def _about(tape: Tape, choices: Choices) -> dict[str, Any]:
    """What was measured, on what, with which versions."""
    loss = tape.outputs[0]
    nodes = f"{len(tape.nodes):,} nodes"
    parameters = f"{len(tape.parameters)} parameters"
    versions = [
        f"minigrad {mg.__version__}",
        f"NumPy {np.__version__}",
        f"Python {platform.python_version()}",
    ]
    return {
        **choices.about,
        "loss": f"{loss.label} = {loss.item():.6g}",
        "tape": f"{nodes}, {parameters}, {len(steps_of(tape))} time steps",
        "seed": choices.seed,
        "made with": ", ".join(versions),
    }


def _gradient_row(parameter: Tensor, gradient: Tensor) -> tuple[str, str, float, float]:
    norm = float(np.linalg.norm(gradient.data))
    largest = float(np.max(np.abs(gradient.data), initial=0))
    return parameter.label, str(parameter.shape), norm, largest
