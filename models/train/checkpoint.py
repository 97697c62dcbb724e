"""Checkpoints: a language model with its vocabulary, and where its training stands, in one file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.errors import DataError
from minigrad.internal import unique_names
from minigrad.models.cells import CELLS, parameters
from minigrad.models.data.text import Vocabulary
from minigrad.models.language_model import RNNLM

from . import tensorfile
from .tensorfile import NamedArrays, shown

# What the names of arrays begin with that are no parameters: resuming needs them.
TRAINING = "training."
# Of a file of another model, in a message.
MAX_DIFFERENCES = 40


def named(model: Any) -> dict[str, Tensor]:
    """The parameters by unique names: the W_xh of a second layer is ``W_xh#2``."""
    tensors = parameters(model)
    names = unique_names(p.label for p in tensors)
    return dict(zip(names, tensors, strict=True))


def save(
    model: RNNLM,
    vocab: Vocabulary,
    path: str | os.PathLike[str],
    training: NamedArrays | None = None,
    about: Mapping[str, str] | None = None,
) -> Path:
    """Write the parameters, and what else load needs, whole or not at all; the path of the file.

    ``training`` and ``about``: arrays and strings that resuming needs beside them.

    Raises DataError where the file cannot be written, safetensors is not installed, or load would
    refuse it: a parameter that is not finite, a vocabulary that is none. What was there stays then.

    >>> from minigrad import models
    >>> vocab = models.Vocabulary.of("it has")
    >>> lm = models.RNNLM("lstm", hidden=4, vocab=len(vocab.tokens))
    >>> save(lm, vocab, "model.safetensors").name
    'model.safetensors'
    >>> loaded, vocab = load("model.safetensors")
    >>> loaded.kind, loaded.W_hq.data.tolist() == lm.W_hq.data.tolist()
    ('lstm', True)
    """
    if model.kind not in CELLS:
        got = "a model of other parts than RNNLM(kind, ...) makes"
        remedy = "models.to_torch(model, path) writes its weights"
        raise DataError("checkpoint", got=got, remedy=remedy)
    arrays = {name: p.numpy() for name, p in named(model).items()}
    try:
        _refuse_no_vocabulary(vocab.tokens)
        refuse_nonfinite(arrays)
    except ValueError as error:
        raise DataError("checkpoint", got=f"'{path}' is not written: {error}") from None
    for name, array in (training or {}).items():
        arrays[TRAINING + name] = array
    shape = {
        "kind": model.kind,
        "hidden": str(len(model.W_hq)),
        "layers": str(len(model.layers)),
        "vocabulary": json.dumps(vocab.tokens),
    }
    return tensorfile.write(path, arrays, {**(about or {}), **shape})


def load(path: str | os.PathLike[str]) -> tuple[RNNLM, Vocabulary]:
    """The model and vocabulary of a checkpoint. Raises DataError where the file is none of ours.

    For an example see ``save``.
    """
    arrays, about = tensorfile.read(path)
    try:
        kind = about["kind"]
        hidden = _count(about["hidden"])
        layers = _count(about["layers"])
        tokens = json.loads(about["vocabulary"])
        _refuse_no_vocabulary(tokens)
        vocab = Vocabulary(tuple(tokens))
        size = sum(math.prod(a.shape) for a in arrays.values())
        # Before memory is asked for.
        least_size = _least_size(kind, hidden, layers, len(vocab.tokens))
        if size < least_size:
            raise ValueError("it is smaller than the model that it names")
        dtype = arrays["W_hq"].dtype
        if dtype.kind != "f":
            raise ValueError(f"its parameters are {dtype}")
        model = RNNLM(kind, hidden, len(vocab.tokens), layers=layers, dtype=dtype)
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        got = f"'{path}' holds no model: {shown(str(error))}"
        remedy = "Make one with minigrad train --save FILE"
        raise DataError("checkpoint", got=got, remedy=remedy) from None
    restore(model, arrays, path)
    return model, vocab


def _count(text: str) -> int:
    """A number of units or layers. Raises ValueError for another text, also one that int reads."""
    if not (text.isascii() and text.isdecimal() and text[0] != "0"):
        raise ValueError(f"'{shown(text)}' is no number of units or layers")
    return int(text)


def _refuse_no_vocabulary(tokens: Any) -> None:
    """Raise ValueError for what is not a sequence of different texts."""
    if not isinstance(tokens, (list, tuple)):
        raise ValueError("its vocabulary is no list")
    for token in tokens:
        # A lone surrogate is a str that no file or terminal takes.
        if not isinstance(token, str) or not token or not _is_text(token):
            raise ValueError(f"its vocabulary holds {shown(repr(token))}, which is no text")
    if len(set(tokens)) < len(tokens):
        raise ValueError("its vocabulary has a token twice")


def _is_text(token: str) -> bool:
    try:
        token.encode()
    except UnicodeEncodeError:
        return False
    return True


def refuse_nonfinite(arrays: NamedArrays) -> None:
    """Raise ValueError for a parameter with a NaN or an infinity."""
    for name, a in arrays.items():
        if not np.isfinite(a).all():
            raise ValueError(f"{name} holds a NaN or an infinity")


def _least_size(kind: str, hidden: int, layers: int, vocab: int) -> int:
    """How many numbers the cells of such a model have, their biases aside."""
    # W_x* of the first layer reads characters; W_h*, and W_x* of other layers, read hidden units.
    inputs = vocab + (2 * layers - 1) * hidden
    return CELLS[kind].gates * hidden * inputs


def restore(model: Any, arrays: NamedArrays, path: str | os.PathLike[str]) -> None:
    """Assign all parameters.

    Raises DataError that lists the differences where the file is of another model, and where a
    parameter is not finite; then none is assigned.
    """
    tensors = named(model)
    saved = {name: a for name, a in arrays.items() if not name.startswith(TRAINING)}
    differences = sorted(_differences(tensors, saved))
    if differences:
        more = len(differences) - MAX_DIFFERENCES
        listed = "; ".join(differences[:MAX_DIFFERENCES])
        listed += f"; and {more} more" if more > 0 else ""
        got = f"'{path}' is of another model: {listed}"
        raise DataError("checkpoint", got=got, remedy="Give the options it was trained with")
    try:
        refuse_nonfinite(saved)
    except ValueError as error:
        raise DataError("checkpoint", got=f"'{path}' cannot be used: {error}") from None
    for name, p in tensors.items():
        p.assign(saved[name])


def _differences(tensors: Mapping[str, Tensor], saved: NamedArrays) -> Iterator[str]:
    """A line for every parameter that is not in the file as it is in the model."""
    for name, p in tensors.items():
        if name not in saved:
            yield f"{name} is not in the file"
            continue
        a = saved[name]
        if (p.shape, p.dtype) != (a.shape, a.dtype):
            yield f"{name} is {a.dtype}{a.shape} in the file and {p.dtype}{p.shape} here"
    for name, a in saved.items():
        if name not in tensors:
            yield f"{shown(name)} {a.shape} is in the file only"
