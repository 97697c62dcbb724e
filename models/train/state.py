"""Where a training run stands, as a file: whoever goes on from it ends with the same bits."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from minigrad.errors import DataError
from minigrad.models.data.stream import Place
from minigrad.models.data.text import Vocabulary
from minigrad.models.language_model import RNNLM
from minigrad.models.unrolling import Arrays
from minigrad.optim import Optimizer

from . import checkpoint, tensorfile
from .checkpoint import TRAINING
from .tensorfile import NamedArrays
from .update import Update, as_perplexity

# What the names of arrays begin with: those of the optimizer, and of the state of the network.
OPTIMIZER = "optimizer."
STATE = "state."
# Options that may change on the way, unless the schedule counts on them.
FREE_OPTIONS = frozenset({"epochs"})
# A row per epoch: updates, training perplexity, validation perplexity.
History = list[tuple[float, float, float]]


@dataclass(frozen=True)
class Keep:
    """The checkpoint's file, and the seconds between two writings of it."""

    path: str
    every: float = 30.0


@dataclass(frozen=True)
class Position:
    """How far a run has come: its updates, the next chunk, and what is added up.

    The next chunk is ``number`` of ``epoch``; ``nats`` and ``tokens`` are those of this epoch so
    far; ``best`` is the lowest validation perplexity; ``log`` the bytes of the log.
    """

    step: int = 0
    epoch: int = 1
    number: int = 0
    nats: float = 0.0
    tokens: int = 0
    best: float = math.inf
    log: int = 0

    @property
    def place(self) -> Place:
        """That of the next chunk."""
        return Place(self.epoch, self.number)


@dataclass(frozen=True, eq=False)
class Standing:
    """All that a run carries beside the parameters and what the optimizer remembers."""

    position: Position
    rng: np.random.Generator
    state: Arrays | None = None
    history: History = field(default_factory=list)

    def after(self, u: Update) -> Standing:
        """One update later."""
        position = replace(
            self.position,
            step=u.step,
            epoch=u.place.epoch,
            number=u.place.number + 1,
            nats=self.position.nats + u.loss * u.tokens,
            tokens=self.position.tokens + u.tokens,
        )
        return replace(self, position=position, state=u.state)

    def after_epoch(self, validation: float) -> Standing:
        """At the start of the next epoch.

        ``validation`` is the perplexity at the end of this one.
        """
        end = self.position
        train = as_perplexity(end.nats / end.tokens)
        best = min(end.best, validation)
        start = Position(step=end.step, epoch=end.epoch + 1, best=best, log=end.log)
        history = [*self.history, (end.step, train, validation)]
        return replace(self, position=start, history=history)

    def logged(self, size: int) -> Standing:
        """With so many bytes in the log."""
        return replace(self, position=replace(self.position, log=size))


def write(
    path: str,
    model: RNNLM,
    vocab: Vocabulary,
    optimizer: Optimizer,
    options: Mapping[str, Any],
    now: Standing,
) -> None:
    """The whole state of a run in one file, in place of the one before.

    Raises DataError; that one is intact then. ``options``: all that decides the outcome of the run;
    ``read`` compares them.
    """
    arrays: NamedArrays = {OPTIMIZER + key: a for key, a in optimizer.state().items()}
    for i, s in enumerate(now.state or ()):
        arrays[f"{STATE}{i}"] = s
    history = np.array(now.history, np.float64)
    # Two axes also where there is no epoch yet.
    arrays["history"] = history.reshape(-1, 3)
    about = {
        "options": json.dumps(options),
        "progress": json.dumps(asdict(now.position)),
        "generator": json.dumps(now.rng.bit_generator.state),
    }
    checkpoint.save(model, vocab, path, arrays, about)


def read(
    path: str | os.PathLike[str],
    model: RNNLM,
    optimizer: Optimizer,
    options: Mapping[str, Any],
    chunks: int,
) -> Standing:
    """Put parameters and optimizer where the file's run stood, and return the rest.

    ``chunks``: those of an epoch. Raises DataError where the file cannot be read, is of another
    model, of a run with other options, or of a place that is not in the data.
    """
    arrays, about = tensorfile.read(path)
    checkpoint.restore(model, arrays, path)
    try:
        saved_options = json.loads(about["options"])
        other = [key for key in options if saved_options.get(key) != options[key]]
        if options["schedule"] == "constant":
            other = [key for key in other if key not in FREE_OPTIONS]
        now = None if other else _standing(arrays, about, model, optimizer)
        if now is not None:
            _refuse_other_place(now.position, chunks)
    except KeyError:
        raise _not_resumable(path, "it holds a model and no training") from None
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise _not_resumable(path, getattr(error, "text", str(error))) from None
    if now is None:
        listed = "; ".join(_difference(key, saved_options.get(key), options[key]) for key in other)
        got = f"'{path}' is of a run with other options: {listed}"
        raise DataError("checkpoint", got=got, remedy="Give the same, or another file")
    return now


def _not_resumable(path: str | os.PathLike[str], why: str) -> DataError:
    """The error for a file from which no training can go on."""
    got = f"'{path}' cannot be resumed: {tensorfile.shown(why).rstrip('.')}"
    return DataError("checkpoint", got=got, remedy="Train anew")


def _difference(option: str, saved: Any, wanted: Any) -> str:
    """One option that is another in the file. A text is known by its hash only."""
    if option == "text":
        return "another text"
    return f"{option} {tensorfile.shown(str(saved))} there, {wanted} here"


def _standing(
    arrays: NamedArrays, about: Mapping[str, str], model: RNNLM, optimizer: Optimizer
) -> Standing:
    """Where the file's run stood; restores the optimizer.

    Raises KeyError where something is missing, and one of many errors where something is none of a
    training.
    """
    progress = json.loads(about["progress"])
    if progress.keys() != asdict(Position()).keys():
        raise ValueError("its progress is not whole")
    position = Position(**progress)
    # Any seed: the state is that of the file.
    rng = np.random.default_rng(0)
    rng.bit_generator.state = json.loads(about["generator"])
    training = _below(TRAINING, arrays)
    checkpoint.refuse_nonfinite(training)
    optimizer.restore(_below(OPTIMIZER, training))
    count = sum(name.startswith(STATE) for name in training)
    state = tuple(training[f"{STATE}{i}"] for i in range(count))
    rows_of_history = training["history"]
    if rows_of_history.shape != (position.epoch - 1, 3) or rows_of_history.dtype != np.float64:
        raise ValueError("its history is not that of its epochs")
    history = [(step, train, valid) for step, train, valid in rows_of_history.tolist()]
    is_fitting = _like(state) == _like(model.zero_state(1))
    rows = {len(s) for s in state}
    # Before the first update there is no state.
    is_fresh = not state and position.step == 0
    if not _is_possible(position) or not (is_fresh or is_fitting) or len(rows) > 1:
        raise ValueError("its state or its place in the data is none of this model's")
    return Standing(position, rng, state or None, history)


def _refuse_other_place(position: Position, chunks: int) -> None:
    """Raise ValueError where so many updates do not lead there: each takes one chunk."""
    step = (position.epoch - 1) * chunks + position.number
    if position.step != step or not position.number < chunks:
        raise ValueError("its place in the data is not where its updates lead")


def _below(prefix: str, arrays: NamedArrays) -> NamedArrays:
    """The arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


def _is_possible(position: Position) -> bool:
    """Whether a position from a file has numbers of the right type, none below zero."""
    # The very type: True is an int, and no position.
    values = asdict(position).values()
    firsts = asdict(Position()).values()
    return all(
        type(value) is type(first) and value >= 0 and (value < math.inf or first == math.inf)
        for value, first in zip(values, firsts, strict=True)
    )


def _like(state: Iterable[Any]) -> list[Any]:
    """The shapes and dtypes of a state, for any number of rows, and that it is finite."""
    return [(s.ndim, s.shape[1:], s.dtype, bool(np.isfinite(s).all())) for s in state]
