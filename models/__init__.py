"""Recurrent models, text, training and the closed forms of backpropagation through time."""

from . import checkpoint, corpus, stream, train
from .anatomy import Anatomy, anatomy
from .artbp import artbp
from .cells import GRUCell, LinearRNN, LSTMCell, RNNCell, Stacked, parameters, unroll
from .compare import compare
from .jacobians import Jacobians, jacobians, verdict
from .language_model import RNNLM
from .report import report
from .section import section
from .strategy import Strategy
from .text import Vocabulary, Windows
from .totals import totals

__all__ = [
    "RNNLM", "Anatomy", "GRUCell", "Jacobians", "LSTMCell", "LinearRNN", "RNNCell", "Stacked", "Strategy",
    "Vocabulary", "Windows", "anatomy", "artbp", "checkpoint", "compare", "corpus", "jacobians", "parameters", "report",
    "section", "stream", "totals", "train", "unroll", "verdict",
]  # fmt: skip
