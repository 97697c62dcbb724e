"""Recurrent models, text, training and the closed forms of backpropagation through time."""

from .anatomy import Anatomy, anatomy
from .cells import GRUCell, LinearRNN, LSTMCell, RNNCell, Stacked, parameters, unroll
from .language_model import RNNLM
from .section import section
from .text import Vocabulary, Windows

__all__ = [
    "RNNLM", "Anatomy", "GRUCell", "LSTMCell", "LinearRNN", "RNNCell", "Stacked", "Vocabulary", "Windows", "anatomy",
    "parameters", "section", "unroll",
]  # fmt: skip
