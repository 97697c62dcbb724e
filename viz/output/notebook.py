"""What a notebook shows of a Tape or a Tensor."""

from __future__ import annotations

from minigrad import Tape, Tensor
from minigrad.viz.graphs.draw import draw

from .render import svg

# in longer tapes the variables say more than the operations
MAX_OPERATIONS = 80
LIMIT_SECONDS = 10.0


def notebook(value: Tape | Tensor) -> str:
    """The picture of a tape, or of the tape behind a tensor, as SVG.

    Raises UnsupportedError where Graphviz is missing.

    >>> from minigrad import models, viz
    >>> viz.notebook(models.section(T=3).tape).rstrip().endswith("</svg>")
    True
    """
    tape = value if isinstance(value, Tape) else Tape.of(value)
    few = len(tape.nodes) <= MAX_OPERATIONS
    return svg(draw(tape, "ops" if few else "variables"), LIMIT_SECONDS)
