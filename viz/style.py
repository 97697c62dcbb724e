"""Colours, and names as people write them: with subscripts, short, safe inside DOT, SVG and XML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from html import escape
from unicodedata import east_asian_width

# The book's colours.
PARAMETER = "#66BFFF"
CIRCLE = "#B2D9FF"
BOX = "white"

OPERATION = "#E3F1FF"
ADJOINT = "#FFE0B8"
UNREACHED = "#F2F2F2"
CUT = "#D0021B"
GATE = "#5B2A9D"
FAINT = "#80868F"
BACKWARD = "#A65E00"
ADDED = "#0B7A3B"
REMOVED = "#B3B8BF"

SANS = "Helvetica"
MATH = "Times-Italic"
NOTE_POINTS = 9.0
"""The font size of what is written below a name."""

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MAX_LINE_CHARACTERS = 40
MAX_TOOLTIP_CHARACTERS = 200
MAX_IDENTIFIER_CHARACTERS = 60

_INDEXED = re.compile(r"([^\W_]+)_(\w+)")
# The second of its name: W#2.
_COUNTED = re.compile(r"#\d+")
# How large a subscript is beside its name.
_SHRINK = 0.75
# Characters that end a shortened line, and the room for " … " before them.
_TAIL_CHARACTERS = 8
_ELLIPSIS_CHARACTERS = 3

# The widths of characters in ems, as of a wide font.
_WIDE_EMS = 1.0
_USUAL_EMS = 0.64
_NARROW_EMS = 0.35
_NARROW = " ,.:;'|!ijl()[]/"


def plain(text: str, limit: int = MAX_LINE_CHARACTERS) -> str:
    """One printable line of at most ``limit`` characters: control characters become spaces."""
    # What is cut off anyway need not be looked at: a name may be a whole file.
    start = text[: 10 * limit]
    printable = "".join(c if c.isprintable() else " " for c in start)
    line = " ".join(printable.split())
    if len(text) > len(start):
        line += " …"
    if len(line) <= limit:
        return line
    head = line[: limit - _TAIL_CHARACTERS - _ELLIPSIS_CHARACTERS].rstrip()
    tail = line[-_TAIL_CHARACTERS:].lstrip()
    return f"{head} … {tail}"


def parts(name: str) -> list[tuple[str, bool]]:
    """The name in pieces, each with whether it is a subscript.

    >>> parts("W_hh")
    [('W', False), ('hh', True)]
    """
    text = plain(name)
    pieces: list[tuple[str, bool]] = []
    start = 0
    for match in _INDEXED.finditer(text):
        index = match[2].strip("_")
        if _is_index(match[1], index):
            pieces.append((text[start : match.end(1)], False))
            pieces.append((index.replace("_", ","), True))
            start = match.end()
    rest = text[start:]
    if rest or not pieces:
        pieces.append((rest, False))
    return pieces


def _is_index(base: str, index: str) -> bool:
    """Whether it is written as a subscript: that of ``W_hh`` is, that of ``learning_rate`` not."""
    if not index:
        return False
    is_number = index.replace("_", "").isdigit()
    return len(base) <= 2 or index == "t" or is_number


def html(name: str, size: float) -> str:
    """The name as the inside of an HTML-like label in a font of that size (points)."""
    label = ""
    for text, kind in _pieces(name):
        if kind:
            font = f'<font point-size="{size * _SHRINK:g}">{_escaped(text)}</font>'
            label += f"<{kind}>{font}</{kind}>"
        else:
            label += _escaped(text)
    return label or " "


def _pieces(name: str) -> list[tuple[str, str]]:
    """The name in pieces that are plain, ``sub`` or ``sup``."""
    pieces: list[tuple[str, str]] = []
    for text, lowered in parts(name):
        count = _COUNTED.match(text)
        if lowered:
            pieces.append((text, "sub"))
        elif count:
            pieces.append((count[0], "sup"))
            pieces.append((text[count.end() :], ""))
        else:
            pieces.append((text, ""))
    return [piece for piece in pieces if piece[0]]


def sized(name: str, size: float) -> str:
    """The name in a font of that size (points), for a row of a label."""
    return f'<font point-size="{size:g}">{html(name, size)}</font>'


def label(*lines: str, size: float, note: str = "") -> str:
    """An HTML-like label, the note small below the lines.

    Several lines are rows of a table, where a subscript does not touch the line below.
    """
    rows = [html(line, size) for line in lines]
    if note:
        rows.append(f'<font face="{SANS}" point-size="{NOTE_POINTS:g}">{_escaped(note)}</font>')
    if len(rows) == 1:
        return f"<{rows[0]}>"
    padding = 0 if note else 1
    return table(rows, padding)


def table(rows: Iterable[str], padding: int = 0) -> str:
    """An HTML-like label of rows below each other."""
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    return f'<<table border="0" cellspacing="0" cellpadding="{padding}">{cells}</table>>'


def width(name: str, size: float) -> float:
    """How wide the name is in points, in a wide font: what a box must hold in any viewer."""
    total = 0.0
    for text, kind in _pieces(name):
        em = size
        if kind:
            em *= _SHRINK
        total += em * sum(map(_ems, text))
    return total


def _ems(character: str) -> float:
    if east_asian_width(character) in "WF" or character in "WMm@%—":
        return _WIDE_EMS
    if character in _NARROW:
        return _NARROW_EMS
    return _USUAL_EMS


def tooltip(text: str) -> str:
    """The text as an escString: neither a backslash nor an entity in it means anything."""
    line = plain(text, MAX_TOOLTIP_CHARACTERS)
    return _escaped(line) or " "


def _escaped(text: str) -> str:
    r"""The text for Graphviz: no tag, no entity, and no escape such as ``\N``, the node's name."""
    return escape(text).replace("\\", "\\\\")


def identifiers(names: Iterable[str]) -> list[str]:
    """A DOT identifier for each name: readable, unique, without quotes, colons and backslashes.

    >>> identifiers(["h_1", "a b", "a:b"])
    ['h_1', 'a_b', 'a_b~2']
    """
    count: Counter[str] = Counter()
    unique = []
    for name in names:
        base = re.sub(r"[^\w@#./]", "_", name[:MAX_IDENTIFIER_CHARACTERS])
        count[base] += 1
        if count[base] > 1:
            base = f"{base}~{count[base]}"
        unique.append(base)
    return unique
