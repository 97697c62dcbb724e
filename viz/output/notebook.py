"""What a notebook shows of a Tape or a Tensor."""

from __future__ import annotations

from minigrad.viz.graphs.draw import draw

from minigrad import Tape, Tensor

from .render import svg

_MANY = 80  # nodes: beyond, the variables say more than the operations
_LIMIT = 10.0  # seconds


def notebook(shown: Tape | Tensor) -> str:
    """The picture of a tape, or of the tape behind a tensor, as SVG."""
    tape = shown if isinstance(shown, Tape) else Tape.of(shown)
    return svg(draw(tape, "ops" if len(tape.nodes) <= _MANY else "variables"), _LIMIT)
