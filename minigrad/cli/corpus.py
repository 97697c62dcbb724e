"""A text ready to learn from."""

from __future__ import annotations

from dataclasses import dataclass

from minigrad.models.data.text import Vocabulary, Windows, load, preprocess


@dataclass(frozen=True)
class Prepared:
    """A preprocessed text as indices of its own vocabulary, and a line on where it is from."""

    tokens: list[int]
    vocab: Vocabulary
    source: str

    def windows(self, steps: int) -> Windows:
        """The windows to train on and to validate with. Raises DataError for too short a text."""
        return Windows.of(self.tokens, steps)


def prepared(path: str | None) -> Prepared:
    """The text of a file, The Time Machine without one.

    Raises: DataError where it cannot be read.
    """
    raw, source = load(path)
    clean = preprocess(raw)
    vocab = Vocabulary.of(clean)
    return Prepared(vocab.encode(clean), vocab, source)
