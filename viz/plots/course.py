"""A training over its updates: perplexities, and the norm of the gradient where it is known."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigrad.errors import ArgumentError, DataError

from .axes import FAINT, color, figure, label_powers, look

EXPECTED = (
    "expected what fit or train returns, a file of `train --log`, "
    "or rows (updates, training perplexity, validation perplexity)"
)


class Course(NamedTuple):
    """What is known of a run: columns of numbers; those without a number for an update are empty.

    train and the norms, before and after clipping, are of ``updates``; validation is of
    ``validated``.
    """

    updates: Sequence[float]
    train: Sequence[float]
    validated: Sequence[float] = ()
    validation: Sequence[float] = ()
    norms: Sequence[float] = ()
    clipped_norms: Sequence[float] = ()


def curves(runs: Mapping[str, Any] | Any) -> Any:
    """The perplexity of a training over its updates, and the norm of its gradient beside it.

    Shapes: runs is one run, or {name: run}; the result is a matplotlib Figure. A run is what
    ``models.train.fit`` or ``minigrad train`` give: its ``Fit``, its ``Run``, the name of the file
    that ``--log`` writes, or rows (updates, training perplexity, validation perplexity).
    Raises ArgumentError for anything else, and where matplotlib is missing; DataError for a file
    that cannot be read, or is no such log.

    >>> from minigrad import viz
    >>> figure = viz.plots.curves([(10, 20.0, 21.0), (20, 9.0, 11.0)])
    >>> figure.axes[0].get_title(loc="left")
    'perplexity; validation best 11.00, last 11.00'
    """
    named = runs if isinstance(runs, Mapping) else {"": runs}
    courses = {name: _course(run) for name, run in named.items()}
    has_norms = any(len(course.norms) for course in courses.values())
    with look():
        fig = figure(9.6 if has_norms else 5.2, 3.2)
        row = fig.subplots(1, 1 + has_norms, squeeze=False)[0]
        _perplexities(row[0], courses)
        if has_norms:
            _norms(row[1], courses)
    return fig


def _perplexities(axes: Any, courses: Mapping[str, Course]) -> None:
    for k, (name, course) in enumerate(courses.items()):
        looks = {"color": color(k), "marker": _marker(course.updates)}
        axes.plot(course.updates, course.train, label=_label(name, "train"), lw=0.9, **looks)
        if len(course.validated):
            looks["marker"] = _marker(course.validated)
            label = _label(name, "validation")
            axes.plot(course.validated, course.validation, label=label, ls="--", **looks)
    axes.set(xlabel="updates", yscale="log", title="perplexity")
    scores = [course.validation for course in courses.values() if len(course.validation)]
    if len(courses) == len(scores) == 1:
        best, last = min(scores[0]), scores[0][-1]
        axes.set_title(f"perplexity; validation best {best:.2f}, last {last:.2f}")
    label_powers(axes.yaxis)
    axes.legend()


def _norms(axes: Any, courses: Mapping[str, Course]) -> None:
    for k, (name, course) in enumerate(courses.items()):
        steps = course.updates[: len(course.norms)]
        marker = _marker(steps)
        is_clipped = list(course.norms) != list(course.clipped_norms)
        if is_clipped:
            before = _label(name, "before clipping")
            axes.plot(steps, course.norms, color=FAINT, lw=0.7, marker=marker, label=before)
        label = _label(name, "after clipping" if is_clipped else "")
        axes.plot(steps, course.clipped_norms, color=color(k), marker=marker, label=label)
    axes.set(xlabel="updates", yscale="log", title="norm of the gradient")
    label_powers(axes.yaxis)
    if axes.get_legend_handles_labels()[1]:
        axes.legend()


def _marker(values: Sequence[float]) -> str | None:
    """A point for what is no line."""
    return "o" if len(values) == 1 else None


def _label(name: str, part: str) -> str:
    return ", ".join(filter(None, (name, part)))


def _course(run: Any) -> Course:
    """What is known of a run. Raises ArgumentError, DataError."""
    if isinstance(run, str | os.PathLike):
        return _logged(run)
    if hasattr(run, "losses"):
        count = range(1, len(run.losses) + 1)
        return Course(count, _perplexities_of(run.losses), (), (), run.norms, run.clipped_norms)
    try:
        rows = np.array(getattr(run, "history", run), float).reshape(-1, 3)
    except (TypeError, ValueError):
        got = f"a {type(run).__name__}"
        raise ArgumentError("curves", got=got, expected=EXPECTED) from None
    updates, train, validation = rows.T.tolist()
    return Course(updates, train, updates, validation)


def _perplexities_of(losses: Sequence[float]) -> list[float]:
    """exp of losses in nats per token; one too large to be written is infinite."""
    with np.errstate(over="ignore"):
        return [float(np.exp(loss)) for loss in losses]


def _logged(path: str | os.PathLike[str]) -> Course:
    """The updates and epochs of a log, a line of JSON each."""
    events: dict[str, list[Any]] = {"update": [], "epoch": []}
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        for event in map(json.loads, lines):
            events.get(event["event"], []).append(event)
        steps, losses, norms, clipped_norms = _columns(
            events["update"], "step", "loss", "norm", "clipped_norm"
        )
        validated, validation = _columns(events["epoch"], "step", "validation")
    except OSError as error:
        raise DataError(f"cannot read '{path}'", got=error.strerror or str(error)) from None
    except (ValueError, TypeError, LookupError) as error:
        got = f"no log of a training: {error}"
        raise DataError(
            f"'{path}'", got=got, expected="expected what `train --log` wrote"
        ) from None
    train = _perplexities_of(losses)
    return Course(steps, train, validated, validation, norms, clipped_norms)


def _columns(events: Sequence[Mapping[str, float]], *names: str) -> list[list[float]]:
    columns = []
    for name in names:
        columns.append([float(event[name]) for event in events])
    return columns
