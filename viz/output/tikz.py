r"""A scene as TikZ: a document of its own, whose names are LaTeX's; it needs nothing but TikZ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from minigrad.viz import style
from minigrad.viz.lettering import tex_letters
from minigrad.viz.lettering.latex_symbols import BOLD, UPRIGHT

from .legend import shown_groups
from .scene import (
    Group,
    Line,
    Point,
    Run,
    Scene,
    Shape,
)
from .svg_writer import MARGIN_POINTS, bounds, decimal

# Points of PostScript in the size that LaTeX's fonts are made for, 10 of its own points.
_FONT_POINTS = 9.963
_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}
_DASHES = {"dashed": "on 4bp off 2.5bp", "dotted": "on 1bp off 2.5bp"}
_MATH_FACES = (style.MATH, BOLD, UPRIGHT)
_SCRIPTS = {"sub": "_", "sup": "^"}
_TEXT_FONTS = {"Courier": "texttt"}
# What page and picture leave between them, so that rounding makes no second page.
_SPARE_POINTS = 2.0
_DOCUMENT = r"""
% Compile it as it is, or put what stands from \begin{tikzpicture} to \end{tikzpicture} into a
% document of yours, below the packages and definitions that it needs.
\documentclass{article}
\usepackage[paperwidth=WIDTHbp,paperheight=HEIGHTbp,margin=0bp]{geometry}
\usepackage{amssymb}
\usepackage{tikz}
% text, not wider than its box allows
\newsavebox\minigradbox
\newcommand\minigradtext[2]{\sbox\minigradbox{#2}%
  \ifdim\wd\minigradbox>#1 \resizebox{#1}{\height}{\usebox\minigradbox}%
  \else\usebox\minigradbox\fi}
% what a font may lack: its number, unless the font has it
\newcommand\minigradforeign[2]{\mbox{\ifdefined\Umathcode\iffontchar\font"#2 #1\else
  {\tiny U+#2}\fi\else{\tiny U+#2}\fi}}
% where a gradient is cut
\newcommand\minigradscissors{\mbox{\tikz[baseline=-.5ex,line width=.08ex]{%
  \draw (0,-.35ex) circle (.3ex) (0,.35ex) circle (.3ex);
  \draw (.25ex,-.2ex) -- (1.5ex,.6ex) (.25ex,.2ex) -- (1.5ex,-.6ex);}}}
\pagestyle{empty}
\setlength\topskip{0pt}
\setlength\parindent{0pt}
\begin{document}
\begin{tikzpicture}[x=1bp,y=1bp,line join=round]
PICTURE
\end{tikzpicture}
\end{document}
"""


def tikz_text(scene: Scene) -> str:
    """The picture as the text of a LaTeX document."""
    groups = shown_groups(scene)
    left, bottom, right, top = bounds(mark for group in groups for mark in group.marks)
    lines = [*_colours(groups), _room(left, bottom, right, top)]
    for group in groups:
        lines += _group(group)
    wide = decimal(right - left + _SPARE_POINTS)
    tall = decimal(top - bottom + _SPARE_POINTS)
    document = _DOCUMENT.replace("WIDTH", wide).replace("HEIGHT", tall)
    before, after = document.split("PICTURE")
    return f"% {style.plain(scene.title)}{before}" + "\n".join(lines) + after


def _room(left: float, bottom: float, right: float, top: float) -> str:
    """The picture's bounding box, whatever the fonts make of its text."""
    lowest = f"({decimal(left)},{decimal(bottom)})"
    highest = f"({decimal(right)},{decimal(top)})"
    return rf"\useasboundingbox {lowest} rectangle {highest};"


def _colours(groups: list[Group]) -> Iterator[str]:
    used: set[str] = set()
    for group in groups:
        used.update(group.colours)
    for colour in sorted(used - {""}):
        yield rf"\definecolor{{{_name(colour)}}}{{HTML}}{{{colour.removeprefix('#')}}}"


def _name(colour: str) -> str:
    return "minigrad" + colour.removeprefix("#")


def _group(group: Group) -> Iterator[str]:
    said = " to ".join(group.ends) or group.name
    yield f"% {group.kind} {style.plain(said)}".rstrip()
    for mark in group.marks:
        yield _text(mark) if isinstance(mark, Line) else _shape(mark)


def _shape(shape: Shape) -> str:
    pen = shape.pen
    looks = [f"draw={_name(pen.stroke)}" if pen.stroke else "draw=none"]
    if pen.fill:
        looks.append(f"fill={_name(pen.fill)}")
    looks.append(f"line width={decimal(pen.width)}bp")
    if pen.dash:
        looks.append(f"dash pattern={_DASHES[pen.dash]}")
    if shape.radius:
        looks.append(f"rounded corners={decimal(shape.radius)}bp")
    return rf"\path[{','.join(looks)}] {_outline(shape)};"


def _outline(shape: Shape) -> str:
    if shape.kind == "curve":
        return _curve(shape.points)
    points = [_point(point) for point in shape.points]
    if shape.kind == "box":
        return " rectangle ".join(points)
    if shape.kind == "ellipse":
        (left, bottom), (right, top) = shape.points
        centre = _point(((left + right) / 2, (bottom + top) / 2))
        wide = decimal((right - left) / 2)
        tall = decimal((top - bottom) / 2)
        return f"{centre} ellipse [x radius={wide},y radius={tall}]"
    path = " -- ".join(points)
    return f"{path} -- cycle" if shape.kind == "polygon" else path


def _curve(points: tuple[Point, ...]) -> str:
    """A chain of cubic Bézier curves."""
    start, *others = [_point(point) for point in points]
    path = start
    for k in range(0, len(others), 3):
        first, second, end = others[k : k + 3]
        path += f" .. controls {first} and {second} .. {end}"
    return path


def _point(point: Point) -> str:
    x, y = point
    return f"({decimal(x)},{decimal(y)})"


def _text(line: Line) -> str:
    """A line of text, scaled to the size that it has in the picture."""
    left, _, right, _ = bounds([line])
    scale = max(run.size for run in line.runs) / _FONT_POINTS
    room = (right - left - 2 * MARGIN_POINTS) / scale
    looks = (
        f"anchor={_ANCHORS[line.anchor]},inner sep=0bp,text={_name(line.colour)},scale={scale:.4g}"
    )
    content = rf"\minigradtext{{{decimal(room)}bp}}{{{_content(line)}}}"
    return rf"\node[{looks}] at ({decimal(line.x)},{decimal(line.y)}) {{{content}}};"


def _content(line: Line) -> str:
    """The text in mathematics where its letters are those of names, else as text."""
    if line.runs[0].face in _MATH_FACES:
        return f"${_formula(line.runs)}$"
    font = _TEXT_FONTS.get(line.runs[0].face, "textsf")
    return rf"\{font}{{{''.join(map(_in_text, line.runs))}}}"


def _formula(runs: Iterable[Run]) -> str:
    written = ""
    # The indices that what stands last has already: it can have one of each kind.
    taken: set[str] = set()
    for rise, together in groupby(runs, key=lambda run: run.rise):
        text = "".join(map(_in_math, together))
        if not rise:
            taken = set()
            # An index of its own is not to meet ours.
            written += f"{{{text}}}" if "{}" in text else text
            continue
        if rise in taken:
            written += "{}"
            taken = set()
        taken.add(rise)
        written += f"{_SCRIPTS[rise]}{{{text}}}"
    return written


def _in_math(run: Run) -> str:
    if run.bold or run.face == BOLD:
        return rf"\mathbf{{{tex_letters.symbols(run.text)}}}"
    if run.face == UPRIGHT:
        return rf"\mathrm{{{tex_letters.symbols(run.text)}}}"
    if run.face == style.MATH:
        return tex_letters.math(run.text)
    return rf"\mbox{{\textsf{{{tex_letters.plain(run.text)}}}}}"


def _in_text(run: Run) -> str:
    written = tex_letters.plain(run.text)
    if run.bold:
        written = rf"\textbf{{{written}}}"
    fonts = {"sub": rf"\textsubscript{{{written}}}", "sup": rf"\textsuperscript{{{written}}}"}
    return fonts.get(run.rise, written)
