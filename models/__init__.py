"""Recurrent models, text, training and the closed forms of backpropagation through time."""

from minigrad.models import train
from minigrad.models.book.section import section
from minigrad.models.data import corpus, stream
from minigrad.models.data.text import Vocabulary, Windows
from minigrad.models.lab.anatomy import Anatomy, anatomy
from minigrad.models.lab.artbp import artbp
from minigrad.models.lab.compare import compare
from minigrad.models.lab.jacobians import Jacobians, jacobians
from minigrad.models.lab.report import report
from minigrad.models.lab.strategy import Strategy
from minigrad.models.lab.total_derivative import totals
from minigrad.models.lab.verdict import verdict
from minigrad.models.train import checkpoint
from minigrad.models.weights.keras_layers import from_keras, to_keras
from minigrad.models.weights.pytorch import from_torch, to_torch
from minigrad.models.weights.trees import from_equinox, from_flax, to_equinox, to_flax

from .bidirectional import Bidirectional
from .cells import GRUCell, LinearRNN, LSTMCell, RNNCell, parameters
from .language_model import RNNLM
from .sampling import Sampler, sampler
from .stacked import Stacked
from .unrolling import pad, unroll

__all__ = [
    "RNNLM",
    "Anatomy",
    "Bidirectional",
    "GRUCell",
    "Jacobians",
    "LSTMCell",
    "LinearRNN",
    "RNNCell",
    "Sampler",
    "Stacked",
    "Strategy",
    "Vocabulary",
    "Windows",
    "anatomy",
    "artbp",
    "checkpoint",
    "compare",
    "corpus",
    "from_equinox",
    "from_flax",
    "from_keras",
    "from_torch",
    "jacobians",
    "pad",
    "parameters",
    "report",
    "sampler",
    "section",
    "stream",
    "to_equinox",
    "to_flax",
    "to_keras",
    "to_torch",
    "totals",
    "train",
    "unroll",
    "verdict",
]
