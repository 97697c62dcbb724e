"""Checkpoints: a language model with its vocabulary in one safetensors file, and where its training stands."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minigrad.models.cells import parameters
from minigrad.models.data.text import Vocabulary
from minigrad.models.language_model import RNNLM

from minigrad import Tensor
from minigrad.errors import DataError

from . import tensorfile
from .tensorfile import Arrays

GATES = {"rnn": 1, "gru": 3, "lstm": 4}  # of a cell, the candidate among them


def named(model: Any) -> dict[str, Tensor]:
    """The parameters by unique names: the W_xh of a second layer is ``W_xh#2``."""
    found: dict[str, Tensor] = {}
    for p in parameters(model):
        count = sum(name.partition("#")[0] == p.label for name in found)
        found[f"{p.label}#{count + 1}" if count else p.label] = p
    return found


def save(
    model: RNNLM,
    vocab: Vocabulary,
    path: str | os.PathLike[str],
    training: Arrays | None = None,
    about: Mapping[str, str] | None = None,
) -> Path:
    """Write the parameters, and what else load needs, whole or not at all; with ``training`` what resuming needs."""
    arrays = {name: p.numpy() for name, p in named(model).items()}
    arrays |= {f"training.{k}": a for k, a in (training or {}).items()}
    shape = {"kind": model.kind, "hidden": str(len(model.W_hq)), "layers": str(len(model.layers))}
    return tensorfile.write(
        path, arrays, {**(about or {}), **shape, "vocabulary": json.dumps(vocab.tokens)}
    )


def load(path: str | os.PathLike[str]) -> tuple[RNNLM, Vocabulary]:
    """The model and vocabulary of a checkpoint. Raises DataError where the file is none of ours."""
    arrays, about = tensorfile.read(path)
    try:
        kind, hidden, layers = about["kind"], int(about["hidden"]), int(about["layers"])
        vocab = Vocabulary(tuple(json.loads(about["vocabulary"])))
        size, V = sum(math.prod(a.shape) for a in arrays.values()), len(vocab.tokens)
        least = GATES[kind] * hidden * (V + (2 * layers - 1) * hidden)
        if min(hidden, layers) < 1 or size < least:  # before memory is asked for
            raise ValueError("it is smaller than the model that it names")
        model = RNNLM(kind, hidden, V, layers=layers)
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        got, remedy = (
            f"'{path}' holds no model: {error}",
            "Make one with minigrad train --save FILE",
        )
        raise DataError("checkpoint", got=got, remedy=remedy) from None
    restore(model, arrays, path)
    return model, vocab


def restore(model: Any, arrays: Arrays, path: str | os.PathLike[str]) -> None:
    """Assign all parameters. Raises DataError that lists the differences where the file is of another model."""
    mine, theirs = named(model), {k: a for k, a in arrays.items() if not k.startswith("training.")}
    apart = [f"{k} is not in the file" for k in mine.keys() - theirs.keys()]
    apart += [f"{k} {theirs[k].shape} is in the file only" for k in theirs.keys() - mine.keys()]
    apart += [
        f"{k} is {theirs[k].dtype}{theirs[k].shape} in the file and {mine[k].dtype}{mine[k].shape} here"
        for k in mine.keys() & theirs.keys()
        if (mine[k].shape, mine[k].dtype) != (theirs[k].shape, theirs[k].dtype)
    ]
    if apart:
        got = f"'{path}' is of another model: {'; '.join(sorted(apart))}"
        raise DataError("checkpoint", got=got, remedy="Give the options it was trained with")
    for name, p in mine.items():
        p.assign(theirs[name])
