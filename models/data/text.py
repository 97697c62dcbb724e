"""Text to learn from: loading, the book's preprocessing, the vocabulary and the windows."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import sys
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.errors import DataError
from minigrad.internal import write_atomically

URL = "http://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt"
SHA1 = "090b5e7e70c295757f55df93cb0a180b9691891a"
DOWNLOAD_SECONDS = 5
# One window to validate, two to train on.
MIN_WINDOWS = 3
Tokens = npt.NDArray[np.int64]


def load(path: str | os.PathLike[str] | None = None) -> tuple[str, str]:
    """A text and one line that says where it came from.

    The given file; else The Time Machine from the user's cache folder or the book's address; else,
    offline, the documentation of Python that every Python carries.

    Raises DataError that names the file and the remedy.
    """
    if path is not None:
        return _read(Path(path)), f"{path}"
    try:
        return _time_machine(), "The Time Machine by H. G. Wells, the book's copy"
    except (OSError, DataError) as error:
        # Imported only when needed: it is large.
        from pydoc_data import topics

        text = "\n".join(topics.topics.values())
        why = f"The Time Machine is out of reach: {_reason(error)}"
        return text, f"Python's own documentation ({why})"


def _reason(error: OSError | DataError) -> str:
    """Why the book's text did not come, in a few words."""
    if isinstance(getattr(error, "reason", None), socket.gaierror):
        return "no network"
    return str(error)


def _time_machine() -> str:
    """The book's text, from the cache or else the net.

    Every copy is checked against the book's sha1.
    """
    cached = cache_folder() / "timemachine.txt"
    if cached.is_file() and hashlib.sha1(cached.read_bytes()).hexdigest() == SHA1:
        return cached.read_text("utf-8")
    with urllib.request.urlopen(URL, timeout=DOWNLOAD_SECONDS) as answer:
        data: bytes = answer.read()
    if hashlib.sha1(data).hexdigest() != SHA1:
        raise DataError("download", got=f"{URL} answered something else than the book's text")
    # A cache that cannot be written is no reason to do without the text.
    with contextlib.suppress(OSError, DataError):
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(cached, data)
    return data.decode("utf-8")


def _read(path: Path) -> str:
    """A file as text. Raises DataError where it cannot be read, or has nothing in it."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    if not text.strip():
        raise DataError("text", got=f"'{path}' is empty", remedy="Give a file with some text in it")
    return text


def unreadable(path: str | os.PathLike[str], error: OSError | UnicodeDecodeError) -> DataError:
    """Why a file cannot be read as text."""
    if isinstance(error, OSError):
        got = f"cannot read '{path}': {error.strerror}"
        remedy = "Give the path of a plain text file"
    else:
        got = f"'{path}' is not UTF-8 (byte {error.start})"
        remedy = "Convert it, for example with iconv -t UTF-8"
    return DataError("text", got=got, remedy=remedy)


def cache_folder() -> Path:
    """The user's cache folder for minigrad, by the custom of the system."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "minigrad"


def preprocess(text: str) -> str:
    """Lower-case letters and single spaces only. Source: D2L 9.2.

    >>> preprocess("The Time Machine, by H. G. Wells [1898]")
    'the time machine by h g wells '
    """
    return re.sub("[^A-Za-z]+", " ", text).lower()


@dataclass(frozen=True)
class Vocabulary:
    """Characters and their indices; index 0 is the unknown character.

    >>> vocab = Vocabulary.of("abba")
    >>> vocab.tokens, vocab.encode("bad"), vocab.decode([2, 1])
    (('<unk>', 'a', 'b'), [2, 1, 0], 'ba')
    """

    tokens: tuple[str, ...]

    @classmethod
    def of(cls, text: Iterable[str]) -> Vocabulary:
        """The sorted characters of a text, after ``<unk>``."""
        return cls(("<unk>", *sorted(set(text))))

    def encode(self, text: str) -> list[int]:
        """Indices of the characters; 0 for those the vocabulary does not have."""
        index = {c: i for i, c in enumerate(self.tokens)}
        return [index.get(c, 0) for c in text]

    def decode(self, indices: Sequence[int]) -> str:
        """The text of these indices."""
        return "".join(self.tokens[i] for i in indices)


@dataclass(frozen=True)
class Windows:
    """Overlapping windows of T + 1 characters at stride 1: some to train on, the next to validate.

    Shapes: train (N, T+1), validation (M, T+1); inputs are [:, :-1], targets [:, 1:]. Source: D2L
    9.3, 9.5.

    >>> windows = Windows.of(range(10), steps=3, train=4, validation=2)
    >>> windows.train[0].tolist(), windows.train.shape, windows.validation.shape
    ([0, 1, 2, 3], (4, 4), (2, 4))
    """

    train: Tokens
    validation: Tokens

    @classmethod
    def of(
        cls,
        corpus: Sequence[int] | npt.NDArray[Any],
        steps: int,
        train: int = 10_000,
        validation: int = 5_000,
    ) -> Windows:
        """The book's split of a corpus, tokens (N,), into windows of so many steps.

        ``train`` and ``validation`` are numbers of windows; of a shorter text two thirds train and
        one third validates. Raises DataError where there are fewer than 3 windows.
        """
        count = len(corpus) - steps
        if count < MIN_WINDOWS:
            letters = f"{len(corpus)} characters after preprocessing"
            got = f"{letters}, too few for windows of {steps} steps"
            remedy = f"Give a text with at least {steps + MIN_WINDOWS} letters"
            raise DataError("text", got=got, remedy=remedy)
        if count < train + validation:
            train = count * 2 // 3
            validation = count - train
        tokens = np.asarray(corpus, np.int64)
        rows = np.lib.stride_tricks.sliding_window_view(tokens, steps + 1)
        return cls(rows[:train], rows[train : train + validation])


@dataclass(frozen=True, eq=False)
class Prepared:
    """A preprocessed text: its tokens (N,), its vocabulary, and where it came from."""

    tokens: npt.NDArray[Any]
    vocab: Vocabulary
    source: str

    def windows(self, steps: int) -> Windows:
        """The book's windows of so many steps. Raises DataError for a text that is too short."""
        return Windows.of(self.tokens, steps)


def prepared(path: str | os.PathLike[str] | None = None) -> Prepared:
    """A text ready to learn from: loaded as by ``load``, preprocessed and encoded.

    Raises DataError for a file that cannot be read.

    >>> from pathlib import Path
    >>> _ = Path("book.txt").write_text("It was the best of times, it was the worst of times.")
    >>> text = prepared("book.txt")
    >>> text.source, len(text.tokens), len(text.vocab.tokens), text.windows(steps=8).train.shape
    ('book.txt', 51, 14, (28, 9))
    """
    raw, source = load(path)
    clean = preprocess(raw)
    vocab = Vocabulary.of(clean)
    # Letters, the space and <unk>: never more than 256 tokens.
    tokens = np.asarray(vocab.encode(clean), np.uint8)
    return Prepared(tokens, vocab, source)
