"""Checkpoints: a language model with its vocabulary in one safetensors file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from minigrad.errors import DataError
from minigrad.files import write_atomically

from .cells import parameters
from .language_model import RNNLM
from .text import Vocabulary

MISSING = 'Install it with pip install "minigrad[lab]"'


def save(model: RNNLM, vocab: Vocabulary, path: str | os.PathLike[str]) -> Path:
    """Write the parameters, and what else load needs, whole or not at all."""
    try:
        from safetensors.numpy import save as to_bytes
    except ImportError:
        raise DataError("checkpoint", got="safetensors is not installed", remedy=MISSING) from None
    named = {p.label: p.numpy() for p in parameters(model)}
    about = {"kind": model.kind, "hidden": str(len(model.W_hq)), "vocabulary": json.dumps(vocab.tokens)}
    return write_atomically(path, to_bytes(named, metadata=about))


def load(path: str | os.PathLike[str]) -> tuple[RNNLM, Vocabulary]:
    """The model and vocabulary of a checkpoint. Raises DataError where the file is none of ours."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise DataError("checkpoint", got="safetensors is not installed", remedy=MISSING) from None
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            vocab = Vocabulary(tuple(json.loads(about["vocabulary"])))
            model = RNNLM(about["kind"], int(about["hidden"]), len(vocab.tokens))
            for p in parameters(model):
                p.assign(file.get_tensor(p.label))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        got, remedy = f"'{path}' cannot be read as one: {error}", "Make one with minigrad train --save FILE"
        raise DataError("checkpoint", got=got, remedy=remedy) from None
    return model, vocab
