"""Pictures of tapes and of the gradients on them."""

from . import plots
from .compare import compare
from .diff import Diff, diff
from .draw import draw
from .notebook import notebook
from .render import render, svg
from .stepper import stepper
from .strategies import strategies
from .unrolled import unrolled

__all__ = [
    "Diff", "compare", "diff", "draw", "notebook", "plots", "render", "stepper", "strategies", "svg", "unrolled",
]  # fmt: skip
