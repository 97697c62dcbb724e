r"""Text for LaTeX: what it means in mathematics, or as it is; no character of it is a command."""

from __future__ import annotations

import re
from unicodedata import name, normalize

from .latex_symbols import ACCENTS, ALPHABETS, GREEK, LOWERED, RAISED, SYMBOLS

_SPECIAL = {
    "\\": r"\backslash ",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\mbox{\textasciicircum}",
    "~": r"\sim ",
    "`": r"\mbox{\textasciigrave}",
    '"': r"\mbox{\textquotedblright}",
    " ": r"\ ",
    ",": "{,}",
    "-": "{-}",
    "*": "{*}",
    "'": "{'}",
    "′": "{'}",
    "√": r"\surd ",
    "‖": r"\Vert ",
    "−": "-",
    "–": r"\mbox{--}",
    "—": r"\mbox{---}",
    "°": r"{}^{\circ}",
    "ς": r"\varsigma ",
    "✂": r"\minigradscissors ",
}
_LIGATURES = {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "Ø": "O", "Æ": "AE", "Œ": "OE"}
_SPECIAL |= {letter: rf"\mbox{{\{command}}}" for letter, command in _LIGATURES.items()}
# Letters that LaTeX has no command for: they look like these.
_LIKE_LATIN = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΧοϒ", "ABEZHIKMNOPTXoY")
_WORD = re.compile(r"[A-Za-z]{3,}")
_KNOWN = {
    letter: rf"\{command} " for command, letter in reversed(SYMBOLS.items()) if letter.strip()
}
for _command, _letter in GREEK.items():
    _KNOWN.setdefault(_letter, rf"\{_command} ")
    _KNOWN.setdefault(_letter.upper(), rf"\{_command.capitalize()} ")
_ACCENT_NAMES = {accent: command for command, accent in reversed(ACCENTS.items())}
_ACCENT_NAMES["\u030a"] = "mathring"
_SCRIPTS = {code: f"{{}}_{{{chr(base)}}}" for base, code in LOWERED.items()}
_SCRIPTS |= {code: f"{{}}^{{{chr(base)}}}" for base, code in RAISED.items()}
# What text mode takes as it is.
_PLAIN = re.compile(r"[A-Za-z0-9 .,:;!?()\[\]/=+@'*-]")


def math(text: str) -> str:
    r"""The text in mathematics: letters as variables, words as words.

    >>> math("W"), math("ŷ"), math("head"), math(r"\input")
    ('W', '\\hat{y}', '\\mathit{head}', '\\backslash \\mathit{input}')
    """
    written = ""
    end = 0
    for word in _WORD.finditer(text):
        written += symbols(text[end : word.start()]) + rf"\mathit{{{word[0]}}}"
        end = word.end()
    return written + symbols(text[end:])


def symbols(text: str) -> str:
    r"""Each character of the text in mathematics.

    >>> symbols("W_1"), symbols("∇ξ")
    ('W\\_1', '\\nabla \\xi ')
    """
    return "".join(map(_character, _letters(text)))


def plain(text: str) -> str:
    r"""The text as text.

    >>> plain("50 % of t")
    '50 \\ensuremath{\\%} of t'
    """
    written = ""
    for letter in _letters(text):
        written += letter if _PLAIN.fullmatch(letter) else rf"\ensuremath{{{_character(letter)}}}"
    return written


def _letters(text: str) -> list[str]:
    """The characters, accents with what they stand on."""
    apart = "".join(c if c in _KNOWN else normalize("NFD", c) for c in text)
    return re.findall(r"[^\u0300-\u036f\u20d7][\u0300-\u036f\u20d7]*", apart)


def _character(letter: str) -> str:
    """One character, maybe with accents, in mathematics."""
    base = letter[0]
    written = _base(base)
    for accent in letter[1:]:
        if accent not in _ACCENT_NAMES:
            return _foreign(normalize("NFC", letter))
        written = rf"\{_ACCENT_NAMES[accent]}{{{written}}}"
    return written


def _base(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    latin = character.translate(_LIKE_LATIN)
    if latin.isascii() and latin.isprintable():
        return latin
    code = ord(character)
    if code in _SCRIPTS:
        return _SCRIPTS[code]
    return _KNOWN.get(character) or _in_alphabet(character) or _foreign(character)


def _in_alphabet(character: str) -> str:
    """A letter that is double-struck, script or Fraktur; nothing for others."""
    words = name(character, "").removeprefix("MATHEMATICAL ").replace("BLACK-LETTER", "FRAKTUR")
    alphabet, _, letter = words.partition(" CAPITAL ")
    for command, known in ALPHABETS.items():
        if alphabet == known and len(letter) == 1:
            return rf"\{command}{{{letter}}}"
    return ""


def _foreign(text: str) -> str:
    """What a font may lack; of what nothing shows the number alone."""
    written = ""
    for character in text:
        shown = character if character.isprintable() else ""
        written += rf"\minigradforeign{{{shown}}}{{{ord(character):X}}}"
    return written
