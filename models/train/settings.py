"""What a training run is asked for, and the data that this means."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from minigrad.models.cells import CELLS
from minigrad.models.data.corpus import corpus
from minigrad.models.data.stream import Rows, Shuffled, Source
from minigrad.models.data.text import Prepared, Vocabulary, prepared

from .loop import EVAL_BATCH

ADAM_RATE = 0.01
# The book's, of windows.
WINDOWS_PER_BATCH = 1024
# Of a stream, side by side; in validation always.
STREAM_ROWS = 32


@dataclass(frozen=True)
class Settings:
    """All that decides the outcome of a run; the defaults are the book's.

    Names as in ``minigrad train --help``.
    """

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

    @property
    def rate(self) -> float:
        """The learning rate: ``lr``, or what is usual for the optimizer.

        For SGD the book's for the cell.
        """
        if self.lr is not None:
            return self.lr
        if self.optimizer == "sgd":
            return CELLS[self.cell].rate
        return ADAM_RATE


@dataclass(frozen=True, eq=False)
class Data:
    """What there is to learn from: ``sha256`` is that of the tokens, ``lines`` say what it is."""

    train: Source
    validation: Source
    vocab: Vocabulary
    sha256: str
    lines: tuple[str, str]


def read_data(settings: Settings) -> Data:
    """The text as the settings want it: the book's windows, or a stream. Raises DataError."""
    text = _read_text(settings)
    if settings.stream:
        train, validation, line = _in_rows(settings, text.tokens)
    else:
        train, validation, line = _in_windows(settings, text)
    # Of the tokens: a text that is read otherwise is another text.
    sha256 = hashlib.sha256(text.tokens.data).hexdigest()
    characters = f"{len(text.tokens):,} characters, {len(text.vocab.tokens)} distinct"
    lines = (f"text: {text.source}: {characters}", line)
    return Data(train, validation, text.vocab, sha256, lines)


def _read_text(settings: Settings) -> Prepared:
    """The text in memory, or, where it is a stream from a file, on disk."""
    if settings.stream and settings.text:
        tokens, vocab = corpus(settings.text)
        return Prepared(tokens, vocab, settings.text)
    return prepared(settings.text)


def _in_windows(settings: Settings, text: Prepared) -> tuple[Source, Source, str]:
    """The book's windows to train on and to validate, and a line about them."""
    windows = text.windows(settings.steps)
    line = (
        f"data: {len(windows.train):,} windows of {settings.steps} to train on, "
        f"{len(windows.validation):,} to validate"
    )
    train = Shuffled(windows.train, settings.batch or WINDOWS_PER_BATCH, settings.seed)
    return train, Shuffled(windows.validation, EVAL_BATCH), line


def _in_rows(settings: Settings, tokens: npt.NDArray[Any]) -> tuple[Source, Source, str]:
    """The first nine tenths to train on, the rest to validate, and a line about them."""
    split = len(tokens) * 9 // 10
    rows = settings.batch or STREAM_ROWS
    train = tokens[:split]
    validation = tokens[split:]
    line = (
        f"data: {len(train):,} characters to train on, in {rows} rows, "
        f"{settings.steps} steps at a time; {len(validation):,} to validate"
    )
    source = Rows(train, rows, settings.steps)
    validation_rows = min(STREAM_ROWS, len(validation) - 1)
    return source, Rows(validation, validation_rows, settings.steps), line
