"""Curves, with matplotlib, which is loaded when the first is drawn: training logs, and gradients over time."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
from minigrad.viz.graphs.roles import roles

from minigrad import Tape
from minigrad.errors import ArgumentError, UnsupportedError

_COLOURS = ("#0B62A4", "#D0021B", "#0B7A3B", "#A65E00", "#5B2A9D", "#555B61")
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def curves(log: Iterable[Any] | Mapping[str, Iterable[Any]], ylabel: str = "perplexity") -> Any:
    """Training (solid) and validation (dashed) against the epoch, one colour per run: a matplotlib Figure.

    A log is what ``models.train.train`` yields: records with ``number``, ``train`` and ``validation``.
    """
    runs = dict(log) if isinstance(log, Mapping) else {"": log}
    figure, axes = _axes("epoch", ylabel)
    for colour, (name, epochs) in zip(_colours(), runs.items(), strict=False):
        records = list(epochs)
        if not records:
            raise ArgumentError(
                "curves", got=f"an empty log {name!r}", expected="expected one record per epoch"
            )
        for part, line in (("train", "-"), ("validation", "--")):
            ys = [getattr(r, part) for r in records]
            axes.plot(
                [r.number for r in records], ys, line, color=colour, label=f"{name} {part}".strip()
            )
    axes.set_yscale("log")
    axes.legend(frameon=False)
    _plain_numbers(axes)
    return figure


def gradient_norms(tapes: Mapping[str, Tape] | Tape) -> Any:
    """The norm of dL/d(state) against the time step on a log scale, one line per strategy: a matplotlib Figure.

    A step that no gradient reaches has no point: it is not zero.
    """
    strategies = {"": tapes} if isinstance(tapes, Tape) else dict(tapes)
    figure, axes = _axes("time step t", "‖∂L/∂h‖ at step t")
    markers = "osD^vx"
    for k, (colour, (name, tape)) in enumerate(zip(_colours(), strategies.items(), strict=False)):
        norms = state_norms(tape)
        if not norms:
            remedy = "Run each step of the loop inside `with minigrad.timestep(t):`"
            raise ArgumentError(
                "gradient_norms", got=f"{name!r} has no recurrent edges", remedy=remedy
            )
        steps = range(min(norms), max(norms) + 1)
        ys = [norms.get(t) or np.nan for t in steps]
        mark = markers[k % len(markers)]
        axes.plot(
            steps,
            ys,
            mark + "-",
            color=colour,
            label=name,
            markersize=3.5,
            linewidth=1.2,
            alpha=0.9,
        )
    axes.set_yscale("log")
    if any(strategies):
        axes.legend(frameon=False)
    return figure


def state_norms(tape: Tape) -> dict[int, float]:
    """The norm of the adjoint of the whole state at each step that a gradient reaches.

    The copies of a state that ``truncate(window=)`` makes hold parts of one adjoint: they are added up.
    """
    times = tape.times
    role = roles(tape.nodes, times)
    state = {role[e.source] for e in tape.recurrent_edges()}
    whole: dict[Hashable, Any] = {}
    at: dict[Hashable, int] = {}
    origin = {(n.serial, n.fn) for n in tape.nodes if role[n] in state}
    for n, g, _ in tape.steps():
        key = (n.serial, n.fn)
        if key in origin and (t := times[n]) is not None:
            whole[key] = whole[key] + g if key in whole else g
            at[key] = t
    squares: defaultdict[int, float] = defaultdict(float)
    for where, g in whole.items():
        squares[at[where]] += float(np.linalg.norm(np.asarray(g, np.float64))) ** 2
    return {t: float(np.sqrt(s)) for t, s in sorted(squares.items())}


def saved(figure: Any, kind: str) -> bytes:
    """The figure as a file's bytes, the same for the same figure."""
    from matplotlib import rc_context

    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    file = io.BytesIO()
    with rc_context({**_STYLE, "svg.hashsalt": "minigrad"}):
        figure.savefig(file, format=kind, metadata=dates, dpi=192, bbox_inches="tight")
    return file.getvalue()


def _axes(xlabel: str, ylabel: str) -> tuple[Any, Any]:
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UnsupportedError("plots", got=str(error), remedy="pip install matplotlib") from None
    with rc_context(_STYLE):
        figure = Figure(figsize=(5.4, 3.2))
        axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    return figure, axes


def _plain_numbers(axes: Any) -> None:
    """7, not 7 x 10^0."""
    from matplotlib.ticker import FormatStrFormatter

    for which in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        which(FormatStrFormatter("%g"))


def _colours() -> Iterable[str]:
    while True:
        yield from _COLOURS
