"""Plots of what a gradient and a training do, by matplotlib, loaded when the first is drawn."""

from .course import curves
from .gradients import gradient_norms, state_norms

__all__ = ["curves", "gradient_norms", "state_norms"]
