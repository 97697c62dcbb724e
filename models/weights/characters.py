"""Which character each number of a foreign language model stands for, and a text in its numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DataError
from minigrad.models.data.text import Prepared, Vocabulary, load, preprocess, unreadable

BYTES = 256


def in_numbers_of(
    count: int, path: str | os.PathLike[str] | None, tokens: Sequence[str] | None = None
) -> tuple[Prepared, str]:
    """A text in the numbers of a model of so many tokens, and a line that says which these are.

    ``tokens``: what the numbers 0, 1, ... stand for. Without them they are the characters of the
    text in their order, after <unk> perhaps, or the bytes of UTF-8: what there are as many of.

    Raises ArgumentError where nothing fits, DataError for a file that cannot be read.
    """
    raw, source = load(path)
    numbers = []
    for says, vocab, text in _candidates(raw, tokens):
        numbers.append(f"{len(vocab.tokens)} ({says})")
        if len(vocab.tokens) == count:
            _refuse_unknown(vocab, text)
            encoded = np.asarray(vocab.encode(text), np.int64)
            return Prepared(encoded, vocab, source), says
    got = f"a model of {count} tokens"
    expected = f"the text has {', '.join(numbers)}"
    remedy = "Give --vocabulary FILE, a JSON list of the tokens 0, 1, ..."
    raise ArgumentError("--weights", got=got, expected=expected, remedy=remedy)


def _candidates(raw: str, tokens: Sequence[str] | None) -> Iterator[tuple[str, Vocabulary, str]]:
    """What the numbers may be, and the text in these characters."""
    if tokens is not None:
        yield "the given vocabulary", Vocabulary(tuple(tokens)), raw
        return
    yield "its characters", Vocabulary(tuple(sorted(set(raw)))), raw
    yield "its characters after <unk>", Vocabulary.of(raw), raw
    clean = preprocess(raw)
    yield "its letters after <unk>, as in the book", Vocabulary.of(clean), clean
    every_byte = tuple(map(chr, range(BYTES)))
    yield "bytes of UTF-8", Vocabulary(every_byte), raw.encode().decode("latin-1")


def _refuse_unknown(vocab: Vocabulary, text: str) -> None:
    """Raise ArgumentError for characters that would be read as the first one."""
    unknown = sorted(set(text) - set(vocab.tokens))
    if unknown and vocab.tokens[0] != "<unk>":
        got = f"a text with {''.join(unknown)[:20]!r}"
        expected = "the vocabulary has no such token, and no <unk> first"
        raise ArgumentError("--vocabulary", got=got, expected=expected)


def vocabulary(path: str | os.PathLike[str]) -> list[str]:
    """The tokens in a file, a JSON list. Raises DataError that names the file where it is none."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    return as_tokens(path, text)


def as_tokens(path: str | os.PathLike[str], text: str) -> list[str]:
    """The tokens in a text, a JSON list. Raises DataError that names the file where it is none."""
    try:
        tokens: Any = json.loads(text)
    except (ValueError, RecursionError):
        tokens = None
    texts = isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
    if not texts or len(set(tokens)) < len(tokens):
        got = f"'{path}' holds no JSON list of different texts"
        raise DataError("vocabulary", got=got, remedy='Write one such as ["a", "b", " "]')
    return list(tokens)
