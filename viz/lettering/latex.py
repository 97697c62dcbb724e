r"""Names in LaTeX as what they mean: ``\Gamma`` is Γ, the index of ``\mathbf{W}_{hh}`` is low."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from unicodedata import lookup, normalize

from .latex_symbols import (
    ACCENTS,
    ALPHABETS,
    ESCAPED,
    FACES,
    FUNCTIONS,
    KINDS,
    SYMBOLS,
    TABLES,
    UPRIGHT,
    greek_letter,
)


class Piece(NamedTuple):
    """A stretch of a name: its text, ``sub`` or ``sup`` or neither, its font if it is another."""

    text: str
    kind: str = ""
    face: str = ""


_TOKEN = re.compile(r"\\(?P<command>[A-Za-z]+)\*? ?|\\(?P<escaped>.)|(?P<other>.)", re.S)
# What has an index: of letters that begin nothing else.
_INDEXED = re.compile(r"(?<![A-Za-z])[A-Za-z]+(?=[_^])")
_WORD = re.compile(r"[^\W_]+(?:,[^\W_]+)*")


class NotLatexError(Exception):
    """A brace without its other, or a command that is none: the name is written as it is."""


def pieces_of(name: str) -> list[Piece] | None:
    r"""The pieces of a name in LaTeX; None for one that is not.

    >>> pieces_of(r"\hat{y}_t")
    [Piece(text='ŷ', kind='', face=''), Piece(text='t', kind='sub', face='')]
    >>> pieces_of("W_hh") is None, pieces_of(r"C:\new") is None
    (True, True)
    """
    text = name.strip()
    if len(text) > 2 and text[0] == text[-1] == "$":
        text = text[1:-1]
    elif not re.search(r"\\[A-Za-z]|[_^]\{", text):
        return None
    try:
        return _joined(_Reader(text).rest())
    except NotLatexError:
        return None


class _Reader:
    """One name, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def rest(self, inside: bool = False) -> list[Piece]:
        """The pieces up to the end of the group, or of the name."""
        pieces: list[Piece] = []
        while self._position < len(self._text):
            if self._next_is("}"):
                if not inside:
                    raise NotLatexError
                return pieces
            piece = self._indexed_letter() or self._piece()
            if _continues(pieces, piece):
                pieces.append(Piece(",", piece[0].kind))
            pieces += piece
        if inside:
            raise NotLatexError
        return pieces

    def _next_is(self, character: str) -> bool:
        return self._text.startswith(character, self._position)

    def _indexed_letter(self) -> list[Piece]:
        """The letter that programs spell, as in ``xi_3^{(2)}``; nothing for other words."""
        word = _INDEXED.match(self._text, self._position)
        letter = greek_letter(word[0]) if word else ""
        if word and letter:
            self._position = word.end()
        return [Piece(letter)] if letter else []

    def _piece(self) -> list[Piece]:
        """What the next token and its arguments say."""
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            raise NotLatexError
        self._position = match.end()
        if match["command"]:
            return self._command(match["command"])
        if match["escaped"]:
            return [Piece(_known(ESCAPED, match["escaped"]))]
        character = match["other"]
        if character == "{":
            return self._group()
        if character in KINDS:
            return self._script(KINDS[character])
        return [Piece("′" if character == "'" else character)]

    def _group(self) -> list[Piece]:
        pieces = self.rest(inside=True)
        # past its brace
        self._position += 1
        return pieces

    def _argument(self) -> list[Piece]:
        """A group, a command, or one character."""
        if self._position == len(self._text):
            raise NotLatexError
        return self._piece()

    def _script(self, kind: str) -> list[Piece]:
        """What stands low or high; without braces the whole word, as names in programs have it."""
        word = _WORD.match(self._text, self._position)
        if word:
            self._position = word.end()
            return [Piece(word[0], kind)]
        return [_scripted(piece, kind) for piece in self._argument()]

    def _command(self, name: str) -> list[Piece]:
        if name == "frac":
            above = self._argument()
            return [*above, Piece("/"), *self._argument()]
        change = _change(name)
        if change:
            return [change(piece) for piece in self._argument()]
        if name in FUNCTIONS:
            return [Piece(name, face=UPRIGHT)]
        return [Piece(SYMBOLS[name] if name in SYMBOLS else _greek(name))]


def _continues(pieces: list[Piece], more: list[Piece]) -> bool:
    """Whether it is the second index of what has one there already, as in ``h_{1}_{2}``."""
    if not pieces or not more:
        return False
    kind = more[0].kind
    return bool(kind) and kind == pieces[-1].kind


def _change(name: str) -> Callable[[Piece], Piece] | None:
    """What a command does to its argument; None for one that has none."""
    if name in ACCENTS:
        return lambda piece: _accented(piece, ACCENTS[name])
    if name in FACES:
        return lambda piece: piece._replace(face=FACES[name])
    if name in ALPHABETS:
        return lambda piece: piece._replace(text=_in_alphabet(piece.text, ALPHABETS[name]))
    return None


def _known(table: dict[str, str], key: str) -> str:
    if key not in table:
        raise NotLatexError
    return table[key]


def _greek(name: str) -> str:
    """The letter of that name."""
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    # as Unicode spells it
    letter = "lamda" if name.lower() == "lambda" else name
    if letter[1:] != letter[1:].lower():
        raise NotLatexError
    try:
        return lookup(f"GREEK {case} LETTER {letter.upper()}")
    except KeyError:
        raise NotLatexError from None


def _accented(piece: Piece, accent: str) -> Piece:
    """The accent on each letter."""
    text = "".join(character + accent for character in piece.text)
    return piece._replace(text=normalize("NFC", text))


def _in_alphabet(text: str, alphabet: str) -> str:
    letters = ""
    for character in text:
        letters += _in_other_alphabet(character, alphabet)
    return letters


def _in_other_alphabet(character: str, alphabet: str) -> str:
    """The letter in double-struck, script or Fraktur; anything else as it is."""
    case = "CAPITAL" if character.isupper() else "SMALL"
    letter = f"{alphabet} {case} {character.upper()}"
    # some letters had a place before the others had theirs
    older = {"FRAKTUR": "BLACK-LETTER"}.get(alphabet, alphabet)
    names = (f"{older} {case} {character.upper()}", f"MATHEMATICAL {letter}")
    for name in names:
        try:
            return lookup(name)
        except KeyError:
            continue
    return character


def _scripted(piece: Piece, kind: str) -> Piece:
    """The piece as an index; its own index in characters that are low or high by themselves."""
    if piece.kind:
        return Piece(piece.text.translate(TABLES[piece.kind]), kind, piece.face)
    return piece._replace(kind=kind)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours alike as one piece."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last and last[1:] == piece[1:]:
            joined[-1] = last._replace(text=last.text + piece.text)
        elif piece.text:
            joined.append(piece)
    return joined
