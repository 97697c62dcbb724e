"""Colours, and names as people write them: real subscripts, shortened, and safe inside DOT, SVG and XML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from html import escape
from unicodedata import east_asian_width

PARAMETER, CIRCLE, BOX = "#66BFFF", "#B2D9FF", "white"  # the book's
OPERATION, ADJOINT, UNREACHED = "#E3F1FF", "#FFE0B8", "#F2F2F2"
CUT, GATE, FAINT, BACKWARD = "#D0021B", "#5B2A9D", "#80868F", "#A65E00"
ADDED, REMOVED = "#0B7A3B", "#B3B8BF"
SANS, MATH = "Helvetica", "Times-Italic"
NOTE = 9.0  # the font size of what is written below a name

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_INDEXED = re.compile(r"([^\W_]+)_(\w+)")
_COUNTED = re.compile(r"#\d+")  # the second of its name
_SHRINK = 0.75  # a subscript beside its name


def plain(text: str, limit: int = 40) -> str:
    """One printable line of at most ``limit`` characters: control characters and line breaks become spaces."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 10 * limit]).split())
    line += " …" if len(text) > 10 * limit else ""
    return line if len(line) <= limit else f"{line[: limit - 11].rstrip()} … {line[-8:].lstrip()}"


def parts(name: str) -> list[tuple[str, bool]]:
    """The name in pieces, each with whether it is a subscript: ``W_hh`` -> W and hh, ``hidden_3`` -> hidden and 3."""
    text, found, at = plain(name), [], 0
    for m in _INDEXED.finditer(text):
        base, index = m[1], m[2].strip("_")
        if index and (len(base) <= 2 or index == "t" or index.replace("_", "").isdigit()):
            found += [(text[at : m.end(1)], False), (index.replace("_", ","), True)]
            at = m.end()
    return [*found, (text[at:], False)] if text[at:] or not found else found


def html(name: str, size: float) -> str:
    """The name as the inside of an HTML-like label in a font of that size."""
    found = []
    for text, kind in _pieces(name):
        small = f'<{kind}><font point-size="{size * _SHRINK:g}">{escape(text)}</font></{kind}>'
        found.append(small if kind else escape(text))
    return "".join(found) or " "


def _pieces(name: str) -> list[tuple[str, str]]:
    """The name in pieces that are plain, ``sub`` or ``sup``."""
    found = []
    for text, lowered in parts(name):
        count = None if lowered else _COUNTED.match(text)
        found += (
            [(count[0], "sup"), (text[count.end() :], "")]
            if count
            else [(text, "sub" if lowered else "")]
        )
    return [(text, kind) for text, kind in found if text]


def sized(name: str, size: float) -> str:
    """The name in a font of that size, for a row of a label."""
    return f'<font point-size="{size:g}">{html(name, size)}</font>'


def label(*lines: str, size: float, note: str = "") -> str:
    """An HTML-like label; several lines are rows of a table, where a subscript does not touch the line below."""
    rows = [html(line, size) for line in lines]
    rows += [f'<font face="{SANS}" point-size="{NOTE:g}">{escape(note)}</font>'] if note else []
    if len(rows) == 1:
        return f"<{rows[0]}>"
    table = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    return f'<<table border="0" cellspacing="0" cellpadding="{0 if note else 1}">{table}</table>>'


def width(name: str, size: float) -> float:
    """How wide the name is in points, in a wide font: what a box must hold wherever it is opened."""
    return sum(
        size * (_SHRINK if kind else 1) * sum(map(_em, text)) for text, kind in _pieces(name)
    )


def _em(c: str) -> float:
    if east_asian_width(c) in "WF" or c in "WMm@%—":
        return 1.0
    return 0.35 if c in " ,.:;'|!ijl()[]/" else 0.64


def tooltip(text: str) -> str:
    """The text as an escString: neither a backslash nor an entity in it means anything."""
    return escape(plain(text, 200)).replace("\\", "\\\\") or " "


def identifiers(names: Iterable[str]) -> list[str]:
    """A DOT identifier for each name: readable, and unique although no quote, colon or backslash survives."""
    count: Counter[str] = Counter()
    found = []
    for name in names:
        base = re.sub(r"[^\w@#./]", "_", name[:60])
        count[base] += 1
        found.append(base if count[base] == 1 else f"{base}~{count[base]}")
    return found
