"""Recurrent models, text, training and the closed forms of backpropagation through time."""

from .anatomy import Anatomy, anatomy
from .cells import GRUCell, LinearRNN, LSTMCell, RNNCell, Stacked, parameters, unroll
from .jacobians import Jacobians, jacobians, verdict
from .language_model import RNNLM
from .section import section
from .text import Vocabulary, Windows
from .totals import totals

__all__ = [
    "RNNLM", "Anatomy", "GRUCell", "Jacobians", "LSTMCell", "LinearRNN", "RNNCell", "Stacked", "Vocabulary", "Windows",
    "anatomy", "jacobians", "parameters", "section", "totals", "unroll", "verdict",
]  # fmt: skip
