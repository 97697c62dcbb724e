"""From a graph to a file; what Graphviz cannot lay out in time is drawn folded."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import graphviz

from minigrad.errors import ArgumentError, UnsupportedError
from minigrad.internal import write_atomically
from minigrad.viz.plots.axes import image

from .graphviz_process import LIMIT, TimeLimitError, laid_out

FORMATS = ("svg", "png", "pdf", "dot")
INSTALL = "pip install pygraphviz, or install Graphviz"
NO_GRAPHVIZ = "no Graphviz"
DATE = re.compile(rb"(/CreationDate \(D:)\d{14}")
# twice the size on the page, for sharp lines
PNG_PIXELS_PER_INCH = 192


class Drawn(NamedTuple):
    """A picture's bytes, None where there is none, and what to say of it."""

    picture: bytes | None
    remark: str


def render(graph: Any, file: str | os.PathLike[str], limit: float = LIMIT) -> Path:
    """Write the graph, or a plot, in the format that the file's suffix names.

    Returns the path of what was written. Where nothing can lay the graph out, that is a .dot file,
    and one line on stderr says what to install; where it takes more than ``limit`` seconds, the
    picture is drawn folded, and one line says so.

    Raises ArgumentError for another suffix and for what is no picture, DataError where the file
    cannot be written.

    >>> from minigrad import models, viz
    >>> viz.render(viz.unrolled(models.section(T=3).tape), "unrolled.dot").name
    'unrolled.dot'
    """
    path = Path(file)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        expected = "expected a name ending in " + ", ".join(f".{k}" for k in FORMATS)
        raise ArgumentError("render", got=f"{str(path)!r}", expected=expected)
    if hasattr(graph, "savefig"):
        return write_atomically(path, _plotted(graph, path, kind))
    _refuse_no_picture("render", graph)
    if kind == "dot":
        return write_atomically(path, graph.source.encode())
    drawn = _drawn(graph, kind, limit)
    if drawn.picture is None:
        path = path.with_suffix(".dot")
        write_atomically(path, graph.source.encode())
    else:
        write_atomically(path, drawn.picture)
    if drawn.remark:
        remedy = f". {INSTALL}" if NO_GRAPHVIZ in drawn.remark else ""
        print(f"render: {drawn.remark}, wrote {path}{remedy}", file=sys.stderr)
    return path


def svg(graph: graphviz.Digraph, limit: float = LIMIT) -> str:
    """The graph as SVG text, for notebooks.

    Raises ArgumentError for what is no graph, UnsupportedError where Graphviz is missing, or comes
    to no end within ``limit`` seconds.

    >>> from minigrad import models, viz
    >>> viz.svg(viz.unrolled(models.section(T=3).tape)).count('class="node')
    23
    """
    _refuse_no_picture("svg", graph)
    drawn = _drawn(graph, "svg", limit)
    if drawn.picture is None:
        remedy = "Fold more of it, or take viz.render(graph, 'graph.dot')"
        if NO_GRAPHVIZ in drawn.remark:
            remedy = INSTALL
        raise UnsupportedError("svg", got=drawn.remark, remedy=remedy)
    if drawn.remark:
        print(f"svg: {drawn.remark}", file=sys.stderr)
    return drawn.picture.decode()


def _refuse_no_picture(caller: str, graph: Any) -> None:
    """Raise ArgumentError for a tape, or anything else, where a picture of it belongs."""
    if not hasattr(type(graph), "source"):
        got = f"a {type(graph).__name__}"
        raise ArgumentError(caller, got=got, expected="expected a picture, as viz.draw(tape) makes")


def _plotted(figure: Any, path: Path, kind: str) -> bytes:
    """A matplotlib figure as the bytes of a file."""
    if kind == "dot":
        expected = "a plot is expected as .svg, .png or .pdf"
        raise ArgumentError("render", got=f"{str(path)!r}", expected=expected)
    return image(figure, kind)


def _drawn(graph: graphviz.Digraph, kind: str, limit: float) -> Drawn:
    """The picture, or that of the graph's ``simpler`` one where the layout takes too long."""
    remark = ""
    while True:
        try:
            picture = laid_out(_source(graph, kind), graph.engine, kind, limit)
        except TimeLimitError:
            simpler = getattr(graph, "simpler", None)
            if simpler is None:
                return Drawn(None, f"no layout within {limit:g} s")
            remark = f"no layout within {limit:g} s, so it is drawn folded"
            graph = simpler()
            continue
        if picture is None:
            return Drawn(None, f"{NO_GRAPHVIZ} to make a .{kind} with")
        return Drawn(_without_date(picture), remark)


def _source(graph: graphviz.Digraph, kind: str) -> str:
    if kind == "png":
        return str(graph.source).replace("{", f"{{\n\tdpi={PNG_PIXELS_PER_INCH}", 1)
    return str(graph.source)


def _without_date(picture: bytes) -> bytes:
    """The same bytes for the same graph: a PDF carries the time it was made."""
    return DATE.sub(rb"\g<1>20000101000000", picture)
