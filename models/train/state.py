"""Where a training run stands, as a file: whoever goes on from it ends with the same bits."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from minigrad.models.data.text import Vocabulary
from minigrad.models.language_model import RNNLM

from minigrad.errors import ArgumentError, DataError
from minigrad.optim import Optimizer

from . import checkpoint, tensorfile
from .chunk import Arrays
from .loop import Update, exp

FREE = {"epochs"}  # may change on the way, unless the schedule counts on it


@dataclass(frozen=True)
class Keep:
    """The checkpoint's file, and the seconds between two writings of it."""

    path: str
    every: float = 30.0


@dataclass(frozen=True)
class Progress:
    """The next chunk is ``number`` of ``epoch``; nats and tokens of this epoch so far; bytes of the log."""

    step: int = 0
    epoch: int = 1
    number: int = 0
    nats: float = 0.0
    tokens: int = 0
    best: float = math.inf
    log: int = 0


@dataclass(frozen=True, eq=False)
class Standing:
    """All that a run carries beside the parameters and what the optimizer remembers."""

    at: Progress
    rng: np.random.Generator
    state: Arrays | None = None
    history: list[tuple[float, float, float]] = field(default_factory=list)

    def after(self, u: Update) -> Standing:
        """One update later."""
        epoch, number = u.place
        nats, tokens = self.at.nats + u.loss * u.tokens, self.at.tokens + u.tokens
        at = replace(self.at, step=u.step, epoch=epoch, number=number + 1, nats=nats, tokens=tokens)
        return replace(self, at=at, state=u.state)

    def after_epoch(self, validation: float) -> Standing:
        """At the start of the next epoch."""
        best, train = min(self.at.best, validation), exp(self.at.nats / self.at.tokens)
        at = replace(self.at, epoch=self.at.epoch + 1, number=0, nats=0.0, tokens=0, best=best)
        return replace(self, at=at, history=[*self.history, (self.at.step, train, validation)])

    def logged(self, size: int) -> Standing:
        """With so many bytes in the log."""
        return replace(self, at=replace(self.at, log=size))


def write(
    path: str,
    model: RNNLM,
    vocab: Vocabulary,
    optimizer: Optimizer,
    options: Mapping[str, Any],
    now: Standing,
) -> None:
    """The whole state of a run in one file, in place of the one before. Raises DataError; that one is intact then."""
    arrays: dict[str, npt.NDArray[Any]] = {
        f"optimizer.{k}": a for k, a in optimizer.state().items()
    }
    arrays |= {f"state.{i}": s for i, s in enumerate(now.state or ())}
    arrays["history"] = np.reshape(np.array(now.history, np.float64), (-1, 3))
    about = {
        "options": options,
        "progress": asdict(now.at),
        "generator": now.rng.bit_generator.state,
    }
    checkpoint.save(model, vocab, path, arrays, {k: json.dumps(v) for k, v in about.items()})


def read(
    path: str | os.PathLike[str], model: RNNLM, optimizer: Optimizer, options: Mapping[str, Any]
) -> Standing:
    """Put parameters and optimizer where the file's run stood, and return the rest.

    Raises DataError where the file cannot be read, is of another model, or of a run with other options.
    """
    arrays, about = tensorfile.read(path)
    checkpoint.restore(model, arrays, path)
    try:
        theirs, at = json.loads(about["options"]), Progress(**json.loads(about["progress"]))
        rng = np.random.default_rng(0)
        rng.bit_generator.state = json.loads(about["generator"])
        own = {
            k.removeprefix("training."): a for k, a in arrays.items() if k.startswith("training.")
        }
        optimizer.restore(
            {k.removeprefix("optimizer."): a for k, a in own.items() if k.startswith("optimizer.")}
        )
        state = tuple(own[f"state.{i}"] for i in range(sum(k.startswith("state.") for k in own)))
        history = [(step, train, validation) for step, train, validation in own["history"].tolist()]
        pairs, wanted = (
            zip(asdict(at).values(), asdict(Progress()).values(), strict=True),
            model.zero_state(1),
        )
        numbers = all(type(v) is type(first) and v >= 0 for v, first in pairs)
        if not numbers or [s.shape[1:] for s in state] != [z.shape[1:] for z in wanted]:
            raise ValueError("its state or its place in the data is none of this model's")
        apart = [k for k in options if theirs.get(k) != options[k]]
    except (KeyError, ValueError, TypeError, AttributeError, ArgumentError) as error:
        why = getattr(error, "text", str(error)).rstrip(".")
        why = "it holds a model and no training" if isinstance(error, KeyError) else why
        raise DataError(
            "checkpoint", got=f"'{path}' cannot be resumed: {why}", remedy="Train anew"
        ) from None
    free = FREE if options["schedule"] == "constant" else set()
    if apart := [k for k in apart if k not in free]:
        told = {k: f"{k} {theirs.get(k)} there, {options[k]} here" for k in apart} | {
            "text": "another text"
        }
        listed = "; ".join(told[k] for k in apart)
        got, remedy = (
            f"'{path}' is of a run with other options: {listed}",
            "Give the same, or another file",
        )
        raise DataError("checkpoint", got=got, remedy=remedy)
    return Standing(at, rng, state or None, history)
