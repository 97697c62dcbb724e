"""Plots of what a gradient and a training do, by matplotlib, loaded when the first is drawn."""

from .gradients import gradient_norms, state_norms
from .perplexities import training

__all__ = ["gradient_norms", "state_norms", "training"]
