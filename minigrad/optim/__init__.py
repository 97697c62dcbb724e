"""Optimizers, schedules of their learning rates, and gradient clipping.

Parameters change in place, as by Tensor.assign.
"""

from . import schedules
from .clipping import clip_grad_norm
from .optimizer import Optimizer, Rule
from .rules import SGD, Adagrad, Adam, AdamW, RMSprop

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "Rule",
    "clip_grad_norm",
    "schedules",
]
