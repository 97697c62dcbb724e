"""Checkpoints: a language model with its vocabulary, and where its training stands, in one file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from minigrad import Tensor
from minigrad.errors import DataError
from minigrad.internal import unique_names
from minigrad.models.cells import CELLS, parameters
from minigrad.models.data.text import Vocabulary
from minigrad.models.language_model import RNNLM

from . import tensorfile
from .tensorfile import NamedArrays

# What the names of arrays begin with that are no parameters: resuming needs them.
TRAINING = "training."


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

    Raises DataError where the file cannot be written or safetensors is not installed.

    >>> from minigrad import models
    >>> vocab = models.Vocabulary.of("it has")
    >>> lm = models.RNNLM("lstm", hidden=4, vocab=len(vocab.tokens))
    >>> save(lm, vocab, "model.safetensors").name
    'model.safetensors'
    >>> loaded, vocab = load("model.safetensors")
    >>> loaded.kind, loaded.W_hq.data.tolist() == lm.W_hq.data.tolist()
    ('lstm', True)
    """
    arrays = {name: p.numpy() for name, p in named(model).items()}
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
        hidden = int(about["hidden"])
        layers = int(about["layers"])
        vocab = Vocabulary(tuple(json.loads(about["vocabulary"])))
        size = sum(math.prod(a.shape) for a in arrays.values())
        # Before memory is asked for.
        least_size = _least_size(kind, hidden, layers, len(vocab.tokens))
        if min(hidden, layers) < 1 or size < least_size:
            raise ValueError("it is smaller than the model that it names")
        model = RNNLM(kind, hidden, len(vocab.tokens), layers=layers)
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        got = f"'{path}' holds no model: {error}"
        remedy = "Make one with minigrad train --save FILE"
        raise DataError("checkpoint", got=got, remedy=remedy) from None
    restore(model, arrays, path)
    return model, vocab


def _least_size(kind: str, hidden: int, layers: int, vocab: int) -> int:
    """How many numbers the cells of such a model have, their biases aside."""
    # W_x* of the first layer reads characters; W_h*, and W_x* of other layers, read hidden units.
    inputs = vocab + (2 * layers - 1) * hidden
    return CELLS[kind].gates * hidden * inputs


def restore(model: Any, arrays: NamedArrays, path: str | os.PathLike[str]) -> None:
    """Assign all parameters.

    Raises DataError that lists the differences where the file is of another model.
    """
    tensors = named(model)
    saved = {name: a for name, a in arrays.items() if not name.startswith(TRAINING)}
    differences = sorted(_differences(tensors, saved))
    if differences:
        got = f"'{path}' is of another model: {'; '.join(differences)}"
        raise DataError("checkpoint", got=got, remedy="Give the options it was trained with")
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
            yield f"{name} {a.shape} is in the file only"
