"""Pictures of tapes and of the gradients on them."""

from .draw import draw
from .render import render, svg
from .stepper import stepper
from .strategies import strategies
from .unrolled import unrolled

__all__ = ["draw", "render", "stepper", "strategies", "svg", "unrolled"]
