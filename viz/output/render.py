"""From a graph to a file; what Graphviz cannot lay out in time is drawn folded."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from minigrad.errors import ArgumentError, UnsupportedError
from minigrad.internal import write_atomically
from minigrad.viz.plots import vector

from .converter import INSTALL_CONVERTER, converted, has_converter
from .graphviz_process import LIMIT, TimeLimitError, laid_out
from .scene import read_scene
from .svg_writer import svg_text

FORMATS = ("svg", "png", "pdf", "dot")
INSTALL = "pip install pygraphviz, or install Graphviz"
NO_GRAPHVIZ = "no Graphviz"


class Drawn(NamedTuple):
    """A picture as SVG, None where there is none, and what to say of it."""

    picture: str | None
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
    _refuse_no_picture("render", graph)
    if kind == "dot":
        _refuse_plot(graph, path)
        return write_atomically(path, graph.source.encode())
    drawn = _drawn(graph, limit)
    remark, remedy = drawn.remark, ""
    if drawn.picture is None:
        path = path.with_suffix(".dot")
        write_atomically(path, graph.source.encode())
        remedy = f". {INSTALL}" if NO_GRAPHVIZ in remark else ""
    elif kind == "svg":
        write_atomically(path, drawn.picture.encode())
    elif has_converter():
        write_atomically(path, converted(drawn.picture, kind))
    elif _is_plot(graph):
        # matplotlib can write it alone, in a font of its own
        write_atomically(path, vector.written(graph, kind))
    else:
        path = path.with_suffix(".svg")
        write_atomically(path, drawn.picture.encode())
        remark = f"no typst to make a .{kind} with"
        remedy = f". {INSTALL_CONVERTER}"
    if remark:
        print(f"render: {remark}, wrote {path}{remedy}", file=sys.stderr)
    return path


def svg(graph: Any, limit: float = LIMIT) -> str:
    """The graph, or a plot, as SVG text, for notebooks.

    Raises ArgumentError for what is no picture, UnsupportedError where Graphviz is missing, or
    comes to no end within ``limit`` seconds.

    >>> from minigrad import models, viz
    >>> viz.svg(viz.unrolled(models.section(T=3).tape)).count('<g class="node')
    23
    """
    _refuse_no_picture("svg", graph)
    drawn = _drawn(graph, limit)
    if drawn.picture is None:
        remedy = "Fold more of it, or take viz.render(graph, 'graph.dot')"
        if NO_GRAPHVIZ in drawn.remark:
            remedy = INSTALL
        raise UnsupportedError("svg", got=drawn.remark, remedy=remedy)
    if drawn.remark:
        print(f"svg: {drawn.remark}", file=sys.stderr)
    return drawn.picture


def _refuse_no_picture(caller: str, graph: Any) -> None:
    """Raise ArgumentError for a tape, or anything else, where a picture of it belongs."""
    if not (_is_plot(graph) or hasattr(type(graph), "source")):
        got = f"a {type(graph).__name__}"
        raise ArgumentError(caller, got=got, expected="expected a picture, as viz.draw(tape) makes")


def _is_plot(graph: Any) -> bool:
    """Whether it is a figure of matplotlib's."""
    return hasattr(type(graph), "savefig")


def _refuse_plot(graph: Any, path: Path) -> None:
    """Raise ArgumentError for a plot where a graph belongs."""
    if _is_plot(graph):
        expected = "a plot is expected as .svg, .png or .pdf"
        raise ArgumentError("render", got=f"{str(path)!r}", expected=expected)


def _drawn(graph: Any, limit: float) -> Drawn:
    """The picture, or that of the graph's ``simpler`` one where the layout takes too long."""
    if _is_plot(graph):
        return Drawn(vector.svg_text(graph), "")
    remark = ""
    while True:
        try:
            layout = laid_out(graph.source, graph.engine, limit)
        except TimeLimitError:
            simpler = getattr(graph, "simpler", None)
            if simpler is None:
                return Drawn(None, f"no layout within {limit:g} s")
            remark = f"no layout within {limit:g} s, so it is drawn folded"
            graph = simpler()
            continue
        if layout is None:
            return Drawn(None, f"{NO_GRAPHVIZ} to lay it out with")
        return Drawn(svg_text(read_scene(layout)), remark)
