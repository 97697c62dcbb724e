"""Plots of what a gradient does, by matplotlib."""

from .gradients import curves, gradient_norms, saved, state_norms

__all__ = ["curves", "gradient_norms", "saved", "state_norms"]
