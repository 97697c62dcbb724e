"""Pictures of tapes and of the gradients on them."""

from minigrad.viz import plots
from minigrad.viz.cells.notebook import notebook
from minigrad.viz.graphs.draw import draw
from minigrad.viz.graphs.side_by_side.compare import compare
from minigrad.viz.graphs.side_by_side.diff import Diff, diff
from minigrad.viz.graphs.strategies import strategies
from minigrad.viz.graphs.variables.unrolled import unrolled
from minigrad.viz.output.render import render, svg
from minigrad.viz.page.shown import Stepper
from minigrad.viz.page.write import stepper

__all__ = [
    "Diff",
    "Stepper",
    "compare",
    "diff",
    "draw",
    "notebook",
    "plots",
    "render",
    "stepper",
    "strategies",
    "svg",
    "unrolled",
]
