"""A text as tokens in a file, encoded piece by piece and read through np.memmap.

It may be larger than the memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.errors import DataError

from .text import Vocabulary, preprocess, unreadable

PIECE_CHARACTERS = 1 << 20


def pieces(path: str | Path, size: int = PIECE_CHARACTERS) -> Iterator[str]:
    """A text file after the book's preprocessing, in pieces of at most ``size`` characters.

    Raises DataError where it is no text.
    """
    last = ""
    try:
        with open(path, encoding="utf-8-sig") as file:
            while raw := file.read(size):
                piece = preprocess(raw)
                # A gap that goes on from the piece before is one space, not two.
                if last == " " == piece[0]:
                    piece = piece[1:]
                if piece:
                    last = piece[-1]
                    yield piece
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None


def encode(text: Iterable[str], vocab: Vocabulary, file: Any) -> npt.NDArray[Any]:
    """Write the tokens of the pieces of a text to an empty binary file.

    They come back as an array on that file. Tokens are uint8, or uint16 where the vocabulary has
    more than 256. Raises DataError where there are none.
    """
    dtype: Any = np.uint8 if len(vocab.tokens) <= 256 else np.uint16
    for piece in text:
        tokens = np.array(vocab.encode(piece), dtype)
        file.write(tokens.tobytes())
    file.flush()
    if not file.tell():
        raise DataError("text", got="no characters", remedy="Give a file with some text in it")
    return np.memmap(file, dtype, "r")


def corpus(path: str | Path) -> tuple[npt.NDArray[Any], Vocabulary]:
    """The tokens (N,) of a text file of any size, and its vocabulary.

    The tokens lie in a temporary file that goes when they go.

    Raises DataError where the file cannot be read, is no text or has none.

    >>> from pathlib import Path
    >>> _ = Path("book.txt").write_text("It was the best of times.")
    >>> tokens, vocab = corpus("book.txt")
    >>> tokens.dtype, tokens.shape, vocab.decode(tokens[:6].tolist())
    (dtype('uint8'), (25,), 'it was')
    """
    characters: set[str] = set()
    for piece in pieces(path):
        characters |= set(piece)
    vocab = Vocabulary.of(characters)
    # The array holds the file open after the block.
    with tempfile.TemporaryFile() as file:
        return encode(pieces(path), vocab, file), vocab
