"""Checkpoints: a language model with its vocabulary in one safetensors file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from minigrad.errors import DataError
from minigrad.files import write_atomically

from .cells import parameters
from .language_model import RNNLM
from .text import Vocabulary


def writer() -> Callable[..., bytes]:
    """The function that makes a checkpoint's bytes. Raises DataError where safetensors is not installed."""
    try:
        from safetensors.numpy import save as to_bytes
    except ImportError:
        raise DataError("checkpoint", got="safetensors is not installed", remedy="pip install safetensors") from None
    make: Callable[..., bytes] = to_bytes
    return make


def save(model: RNNLM, vocab: Vocabulary, path: str | os.PathLike[str]) -> Path:
    """Write the parameters, and what else load needs, whole or not at all."""
    to_bytes = writer()
    named = {p.label: p.numpy() for p in parameters(model)}
    about = {"kind": model.kind, "hidden": str(len(model.W_hq)), "vocabulary": json.dumps(vocab.tokens)}
    return write_atomically(path, to_bytes(named, metadata=about))


def load(path: str | os.PathLike[str]) -> tuple[RNNLM, Vocabulary]:
    """The model and vocabulary of a checkpoint. Raises DataError where the file is none of ours."""
    writer()  # says what to install
    from safetensors import SafetensorError, safe_open

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
