"""Training, in the one right order, with everything that a long run needs."""

from .loop import Fit, Model, Update, entering, evaluate, fit, perplexity, refuse_nonfinite, updates

__all__ = [
    "Fit",
    "Model",
    "Update",
    "entering",
    "evaluate",
    "fit",
    "perplexity",
    "refuse_nonfinite",
    "updates",
]
