"""Training, in the one right order, with everything that a long run needs."""

from .carry import Model, entering
from .loop import (
    Clipped,
    Fit,
    clipped,
    evaluate,
    fit,
    perplexity,
    refuse_nonfinite,
    take_step,
    updates,
)
from .update import Update

__all__ = [
    "Clipped",
    "Fit",
    "Model",
    "Update",
    "clipped",
    "entering",
    "evaluate",
    "fit",
    "perplexity",
    "refuse_nonfinite",
    "take_step",
    "updates",
]
