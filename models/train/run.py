"""What ``minigrad train`` does once its options are read: the data, the model, the loop, and its interruptions."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from minigrad.models.cells import parameters
from minigrad.models.data.corpus import corpus
from minigrad.models.data.stream import Rows, Shuffled, Source, epochs
from minigrad.models.data.text import Vocabulary, Windows, load, preprocess
from minigrad.models.language_model import RNNLM

import minigrad as mg
from minigrad.errors import DataError
from minigrad.files import leftovers
from minigrad.transforms import truncate

from . import state as resume
from .chunk import Plans
from .interrupt import Pause
from .log import Reporter
from .loop import BATCH, evaluate, exp, refuse_nonfinite, updates
from .schedule import SCHEDULES
from .state import Keep, Progress, Standing

RATES = {"rnn": 1.0, "gru": 4.0, "lstm": 4.0}  # of SGD: the book's
OPTIMIZERS: dict[str, Callable[..., mg.optim.Optimizer]] = {
    "sgd": mg.optim.SGD,
    "adam": mg.optim.Adam,
    "adamw": mg.optim.AdamW,
}
FAR = 100.0  # nats: a model that guesses at random is 30 times nearer
ROWS = 32  # of a stream, side by side, unless --batch says otherwise; in validation too


@dataclass(frozen=True)
class Settings:
    """All that decides the outcome of a run; the defaults are the book's. Names as in ``minigrad train --help``."""

    text: str | None = None
    stream: bool = False
    steps: int = 32
    batch: int | None = None
    cell: str = "rnn"
    hidden: int = 32
    layers: int = 1
    dropout: float = 0.0
    epochs: int = 100
    optimizer: str = "sgd"
    lr: float | None = None
    schedule: str = "constant"
    clip: float = 1.0
    truncate: int | None = None
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Data:
    """What there is to learn from: ``sha256`` is that of the tokens, ``lines`` say what it is."""

    train: Source
    validation: Source
    vocab: Vocabulary
    sha256: str
    lines: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training: history has rows (updates, training perplexity, validation perplexity), one per epoch."""

    model: RNNLM
    vocab: Vocabulary
    history: list[tuple[float, float, float]]


def train(s: Settings, reporter: Reporter, keep: Keep | None = None) -> Run:
    """Train a language model; with ``keep`` go on from its checkpoint, and write it as time passes and at the end.

    Raises DataError where text or checkpoint cannot be used or the training diverges; KeyboardInterrupt, once the
    state is saved, where the user interrupts it.
    """
    data = read(s)
    model = RNNLM(
        s.cell, s.hidden, len(data.vocab.tokens), s.seed, layers=s.layers, dropout=s.dropout
    )
    lr = s.lr or (RATES[s.cell] if s.optimizer == "sgd" else 0.01)
    optimizer = OPTIMIZERS[s.optimizer](parameters(model), lr)
    total = s.epochs * len(data.train)
    now = Standing(Progress(), np.random.default_rng((s.seed, 2)))
    options = asdict(replace(s, text=data.sha256, lr=lr))
    for stale in leftovers(Path(keep.path)) if keep else ():
        stale.unlink()
    if keep and Path(keep.path).exists():
        now = resume.read(keep.path, model, optimizer, options)
    seen = _stamp(keep)

    def save() -> None:
        nonlocal seen
        if keep and _stamp(keep) not in (seen, None):
            got, remedy = (
                f"another training has written '{keep.path}' meanwhile",
                "Give each a file of its own",
            )
            raise DataError("checkpoint", got=got, remedy=remedy)
        if keep:
            resume.write(
                keep.path, model, data.vocab, optimizer, options, now.logged(reporter.log_at())
            )
        seen = _stamp(keep)

    reporter.start(total, now.at.step, now.at.log)
    _introduce(reporter, s, data, model, lr, now.at)
    check = Plans(model)
    written = time.monotonic()
    with Pause(keep is not None) as pause:
        for u in updates(
            model,
            epochs(data.train, s.epochs, (now.at.epoch, now.at.number)),
            partial(truncate, every=s.truncate) if s.truncate else None,
            s.clip,
            optimizer,
            schedule=SCHEDULES[s.schedule](lr, total),
            rng=now.rng,
            state=now.state,
            step=now.at.step,
        ):
            refuse_nonfinite(u)
            if u.loss > FAR:
                got, remedy = (
                    f"a loss of {u.loss:.3g} nats per character",
                    "Try a smaller --lr or --clip",
                )
                raise DataError(f"training diverged at update {u.step}", got=got, remedy=remedy)
            reporter.update(u)
            now = now.after(u)
            if now.at.number == len(data.train):
                now = now.after_epoch(exp(evaluate(model, data.validation.chunks(1), check)))
                _tell(reporter, s, now)
            if keep and (pause.wanted or time.monotonic() - written >= keep.every):
                save()
                written = time.monotonic()
            if pause.wanted and keep:
                raise KeyboardInterrupt(
                    f"'{keep.path}' is saved at update {u.step}. Add --resume to go on"
                )
    save()
    return Run(model, data.vocab, now.history)


def _stamp(keep: Keep | None) -> tuple[int, int, int] | None:
    """What tells two writings of the checkpoint apart; None where there is none."""
    try:
        found = os.stat(keep.path) if keep else None
    except OSError:
        return None
    return found and (found.st_ino, found.st_mtime_ns, found.st_size)


def read(s: Settings) -> Data:
    """The text as the settings want it: the book's windows, or a stream. Raises DataError."""
    if s.stream and s.text:
        source, (tokens, vocab) = s.text, corpus(s.text)
    else:
        raw, source = load(s.text)
        clean = preprocess(raw)
        vocab = Vocabulary.of(clean)
        tokens = np.asarray(vocab.encode(clean), np.uint8)
    train, validation, line = (_stream if s.stream else _windows)(s, tokens)
    about = f"text: {source}: {len(tokens):,} characters, {len(vocab.tokens)} distinct"
    return Data(train, validation, vocab, hashlib.sha256(tokens.data).hexdigest(), (about, line))


def _windows(s: Settings, tokens: npt.NDArray[Any]) -> tuple[Source, Source, str]:
    windows = Windows.of(tokens.astype(np.int64), s.steps)
    line = f"data: {len(windows.train):,} windows of {s.steps} to train on, {len(windows.validation):,} to validate"
    return (
        Shuffled(windows.train, s.batch or BATCH, s.seed),
        Shuffled(windows.validation, BATCH),
        line,
    )


def _stream(s: Settings, tokens: npt.NDArray[Any]) -> tuple[Source, Source, str]:
    """The first nine tenths to train on, the rest to validate."""
    cut, rows = len(tokens) * 9 // 10, s.batch or ROWS
    train, held = tokens[:cut], tokens[cut:]
    line = f"data: {len(train):,} characters to train on, in {rows} rows, {s.steps} steps at a time"
    line += f"; {len(held):,} to validate"
    return Rows(train, rows, s.steps), Rows(held, min(ROWS, len(held) - 1), s.steps), line


def _introduce(
    reporter: Reporter, s: Settings, data: Data, model: RNNLM, lr: float, at: Progress
) -> None:
    for line in data.lines:
        reporter.say(line)
    depth = f"truncated every {s.truncate} steps" if s.truncate else "in full"
    layers = f" in {s.layers} layers" if s.layers > 1 else ""
    extra = f"dropout {s.dropout:g}; " if s.dropout else ""
    rule = f"{s.optimizer.upper() if s.optimizer == 'sgd' else s.optimizer} lr {lr:g}"
    rule += "" if s.schedule == "constant" else f" {s.schedule}"
    reporter.say(
        f"model: {s.cell}, {s.hidden} hidden{layers}; {extra}{rule}, gradient clipped to {s.clip:g}; BPTT {depth}; "
        f"seed {s.seed}",
        event="start",
        **asdict(s) | {"lr": lr},
        parameters=sum(p.size for p in parameters(model)),
        step=at.step,
    )
    if at.step:
        left = at.epoch <= s.epochs
        where = (
            f"in epoch {at.epoch} of {s.epochs}"
            if left
            else f"its {at.epoch - 1} epochs done already"
        )
        reporter.say(f"resumed after update {at.step}, {where}")


def _tell(reporter: Reporter, s: Settings, now: Standing) -> None:
    """The line of an epoch; people see about six of them."""
    epoch, (step, train, validation) = now.at.epoch - 1, now.history[-1]
    shown = (f"{p:6.2f}" if p < 1e6 else f"{p:.0e}" for p in (train, validation))
    line = "epoch {:4d}: perplexity {} train, {} validation".format(epoch, *shown)
    seen = epoch in (1, s.epochs) or epoch % max(1, s.epochs // 5) == 0
    reporter.say(
        line if seen else "",
        event="epoch",
        epoch=epoch,
        step=int(step),
        train=train,
        validation=validation,
        best=now.at.best,
        tokens_per_second=round(reporter.rate()),
    )
