"""Recurrent models, text, training and the closed forms of backpropagation through time."""

from .cells import GRUCell, LinearRNN, LSTMCell, RNNCell, Stacked, parameters, unroll
from .language_model import RNNLM
from .section import section
from .text import Vocabulary, Windows

__all__ = [
    "RNNLM", "GRUCell", "LSTMCell", "LinearRNN", "RNNCell", "Stacked", "Vocabulary", "Windows", "parameters", "section",
    "unroll",
]  # fmt: skip
