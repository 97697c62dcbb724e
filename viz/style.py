"""Colours, and names as people write them: with subscripts, short, safe inside DOT, SVG and XML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape

from minigrad.viz.lettering.font_widths import MATH_WIDTHS, SANS_WIDTHS, text_ems
from minigrad.viz.lettering.latex import Piece, pieces_of
from minigrad.viz.lettering.latex_symbols import BOLD, RAISED, UPRIGHT, greek_letter

# The book's colours.
PARAMETER = "#66BFFF"
CIRCLE = "#B2D9FF"
BOX = "white"

OPERATION = "#E3F1FF"
ADJOINT = "#FFE0B8"
UNREACHED = "#F2F2F2"
CUT = "#D0021B"
GATE = "#5B2A9D"
FAINT = "#5F6670"
BACKWARD = "#A65E00"
ADDED = "#0B7A3B"
REMOVED = "#B3B8BF"

SERIES = (
    "#0072B2",
    "#D06C25",
    "#1C9C71",
    "#C76BA1",
    "#8A38DC",
    "#6F632A",
    "#6F2A2A",
    "#0E494E",
)
"""Lines and bars of plots, told apart by colour-blind readers too, on either ground."""

SANS = "Helvetica"
MATH = "Times-Italic"
NOTE_POINTS = 9.0
"""The font size of what is written below a name."""
LINE_HEIGHT = 1.3
"""From line to line of a text, as a multiple of its font."""
STATE_WIDTH = "1.5"
"""The outline of a state, in points."""

MAX_LINE_CHARACTERS = 40
MAX_LATEX_CHARACTERS = 200
MAX_TOOLTIP_CHARACTERS = 200
MAX_IDENTIFIER_CHARACTERS = 60

# An index, up to a power of what has it: h_1², W_hhᵀ; and the layer, h_1^2.
_INDEXED = re.compile(r"([^\W_]+)_([^\W²³¹⁰ⁱ-ⁿᴬ-ᵡ]+)(?:\^([^\W_]+))?")
# The second of its name: W#2.
_COUNTED = re.compile(r"#\d+")
# How large a subscript is beside its name.
SHRINK = 0.75
# Upright letters, bold ones too, beside italic ones.
_UPRIGHT_FACES = (BOLD, UPRIGHT)
_UPRIGHT_STRETCH = 1.18
# Characters that end a shortened line, and the room for " … " before them.
_TAIL_CHARACTERS = 8
_ELLIPSIS_CHARACTERS = 3
# Between names in a line; a comma in an index parts no names.
_BETWEEN_NAMES = re.compile(r"(, )(?![^{}]*\})")
# What a picture leaves for fonts that are a little wider than those measured.
_SPARE = 1.06


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


def short(name: str) -> str:
    """The name on one line, for a picture; one in LaTeX whole, where what it means is short."""
    if "\\" in name:
        whole = plain(name, MAX_LATEX_CHARACTERS)
        pieces = pieces_of(whole)
        if pieces and sum(len(piece.text) for piece in pieces) <= MAX_LINE_CHARACTERS:
            return whole
    return plain(name)


def parts(name: str) -> list[tuple[str, bool]]:
    """The name in pieces, each with whether it is a subscript.

    >>> parts("W_hh")
    [('W', False), ('hh', True)]
    """
    read = []
    for text, kind, _ in _uncounted(name):
        raised = text.translate(RAISED) if kind == "sup" else text
        read.append((raised, kind == "sub"))
    return [piece for piece in read if piece[0]] or [("", False)]


def pieces(line: str) -> list[Piece]:
    """The names in a line in pieces that are plain, ``sub`` or ``sup``."""
    read: list[Piece] = []
    for piece in _uncounted(line):
        read += _counted(piece)
    return [piece for piece in read if piece.text]


def _uncounted(line: str) -> Iterator[Piece]:
    """The pieces of the names, each count ``#2`` within another piece."""
    for name in _BETWEEN_NAMES.split(short(line)):
        yield from pieces_of(name) or _plain_pieces(name)


def _plain_pieces(text: str) -> list[Piece]:
    """The pieces of a name as programs have it."""
    read: list[Piece] = []
    start = 0
    for match in _INDEXED.finditer(text):
        index = match[2].strip("_")
        base = greek_letter(match[1]) or match[1]
        if _is_index(base, index):
            read.append(Piece(text[start : match.start()] + base))
            read.append(Piece(index.replace("_", ","), "sub"))
            read.append(Piece(match[3] or "", "sup"))
            start = match.end()
    read.append(Piece(text[start:]))
    return read


def _counted(piece: Piece) -> list[Piece]:
    """The count of a name that is there twice, ``#2``, stands high."""
    count = None if piece.kind else _COUNTED.match(piece.text)
    if count is None:
        return [piece]
    return [Piece(count[0], "sup"), piece._replace(text=piece.text[count.end() :])]


def _is_index(base: str, index: str) -> bool:
    """Whether it is written as a subscript: that of ``W_hh`` is, that of ``learning_rate`` not."""
    if not index:
        return False
    is_number = index.replace("_", "").isdigit()
    return len(base) <= 2 or index == "t" or is_number


def html(name: str, size: float) -> str:
    """The name as the inside of an HTML-like label in a font of that size (points)."""
    label = ""
    for text, kind, face in pieces(name):
        written = _escaped(text)
        if face:
            written = f'<font face="{face}">{written}</font>'
        if kind:
            written = f'<font point-size="{size * SHRINK:g}">{written}</font>'
            written = f"<{kind}>{written}</{kind}>"
        label += written
    return label or " "


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


def width(name: str, size: float, face: str = MATH) -> float:
    """How wide the name is in points, in a font of that size; a little more than measured."""
    widths = SANS_WIDTHS if face == SANS else MATH_WIDTHS
    total = 0.0
    for text, kind, own_face in pieces(name):
        em = size
        if kind:
            em *= SHRINK
        if own_face in _UPRIGHT_FACES:
            em *= _UPRIGHT_STRETCH
        total += em * text_ems(text, widths)
    return total * _SPARE


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
