"""The language model of a file, whoever wrote it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from minigrad.errors import DataError
from minigrad.models.language_model import RNNLM
from minigrad.models.train import checkpoint

from .characters import as_tokens
from .keras_layers import from_keras
from .pytorch import from_torch, load_foreign


def load_model(path: str | os.PathLike[str]) -> tuple[RNNLM, list[str] | None]:
    """A language model in float64, and its tokens where the file says them.

    A checkpoint of ours, a .safetensors file of PyTorch's with perhaps a JSON list ``vocabulary``
    in its metadata, a .keras or .weights.h5 file. Raises DataError, or what from_torch and
    from_keras do, for another.
    """
    tokens = None
    if Path(path).suffix in (".keras", ".h5"):
        model = from_keras(path, dtype=np.float64)
    else:
        arrays, about = load_foreign(path)
        if "checksum" in about and "kind" in about:
            own, vocab = checkpoint.load(path)
            return own, list(vocab.tokens)
        if "vocabulary" in about:
            tokens = as_tokens(path, about["vocabulary"])
        model = from_torch(arrays, dtype=np.float64)
    if not isinstance(model, RNNLM):
        got = f"'{path}' holds recurrent layers only"
        expected = "expected a linear layer behind them, whose outputs are tokens"
        raise DataError("--weights", got=got, expected=expected)
    return model, tokens
