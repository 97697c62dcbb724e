"""What a notebook shows: a row for every kind of value, each with its text and its HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minigrad import Tape, Tensor

from . import laboratory_cells, plan_cells, tape_cells
from .cell import cell

CELLS: dict[str, Callable[[Any, str], Iterator[str]]] = {
    "tensor": tape_cells.tensor,
    "tape": tape_cells.tape,
    "step": tape_cells.step,
    "finding": tape_cells.finding,
    "plan": plan_cells.plan,
    "report": plan_cells.report,
    "anatomy": laboratory_cells.anatomy,
    "jacobians": laboratory_cells.jacobians,
    "diff": tape_cells.diff,
    "picture": tape_cells.drawn,
    "plot": laboratory_cells.plot,
    "stepper": tape_cells.stepper,
}


def in_cell(kind: str, value: Any, text: str) -> str:
    """The HTML of a value of this kind; ``text`` is what a terminal shows of it."""
    return cell(*CELLS[kind](value, text))


def notebook(value: Tape | Tensor) -> str:
    """The picture of a tape, or of the tape behind a tensor, as a notebook shows it: as SVG.

    A long tape is drawn folded, of a very long one the end.

    Raises UnsupportedError where Graphviz is missing.

    >>> from minigrad import models, viz
    >>> viz.notebook(models.section(T=3).tape).rstrip().endswith("</svg>")
    True
    """
    tape = value if isinstance(value, Tape) else Tape.of(value)
    return tape_cells.picture_of(tape)
