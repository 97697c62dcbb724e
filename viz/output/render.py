"""From a graph to a file, whole or not there; what Graphviz cannot lay out in time is drawn folded instead."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import graphviz
from minigrad.viz.plots.gradients import saved

from minigrad.errors import ArgumentError, UnsupportedError
from minigrad.files import write_atomically

from .graphviz_process import LIMIT, TimeLimitError, laid_out

FORMATS = ("svg", "png", "pdf", "dot")
INSTALL = "pip install pygraphviz, or install Graphviz"


def render(graph: Any, file: str | os.PathLike[str], limit: float = LIMIT) -> Path:
    """Write the graph, or a plot, in the format that the file's suffix names; returns the path of what was written.

    Where nothing can lay it out, the .dot file is written instead and one line on stderr says what to install; where
    that takes more than ``limit`` seconds, the picture folded, and one line says so.
    Raises ArgumentError for another suffix, DataError where the file cannot be written.
    """
    path = Path(file)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        expected = "expected a name ending in " + ", ".join(f".{k}" for k in FORMATS)
        raise ArgumentError("render", got=f"{str(path)!r}", expected=expected)
    said = ""
    picture: bytes | None = None
    if hasattr(graph, "savefig"):  # a plot
        if kind == "dot":
            raise ArgumentError(
                "render", got=f"{str(path)!r}", expected="a plot is expected as .svg, .png or .pdf"
            )
        picture = saved(graph, kind)
    elif kind != "dot":
        picture, said = _picture(graph, kind, limit)
    else:
        picture = graph.source.encode()
    if picture is None:
        path = path.with_suffix(".dot")
    write_atomically(path, graph.source.encode() if picture is None else picture)
    if said:
        print(
            f"render: {said}, wrote {path}{'. ' + INSTALL if 'no Graphviz' in said else ''}",
            file=sys.stderr,
        )
    return path


def svg(graph: graphviz.Digraph, limit: float = LIMIT) -> str:
    """The graph as SVG text, for notebooks."""
    picture, said = _picture(graph, "svg", limit)
    if picture is None:
        remedy = (
            INSTALL
            if "no Graphviz" in said
            else "Fold more of it, or take viz.render(graph, 'graph.dot')"
        )
        raise UnsupportedError("svg", got=said, remedy=remedy)
    if said:
        print(f"svg: {said}", file=sys.stderr)
    return picture.decode()


def _picture(graph: graphviz.Digraph, kind: str, limit: float) -> tuple[bytes | None, str]:
    """The picture, or that of the graph's ``simpler`` one where Graphviz comes to no end with it; what to say of it."""
    late = 0
    while True:
        source = graph.source
        if kind == "png":  # twice the size on the page, for sharp lines
            source = source.replace("{", "{\n\tdpi=192", 1)
        try:
            found = laid_out(source, graph.engine, kind, limit)
        except TimeLimitError:
            late += 1
        else:
            if found is None:
                return None, f"no Graphviz to make a .{kind} with"
            return _dateless(
                found
            ), f"no layout within {limit:g} s, so it is drawn folded" if late else ""
        simpler = getattr(graph, "simpler", None)
        if simpler is None:
            return None, f"no layout within {limit:g} s"
        graph = simpler()


def _dateless(picture: bytes) -> bytes:
    """The same bytes for the same graph: a PDF carries the time it was made."""
    return re.sub(rb"(/CreationDate \(D:)\d{14}", rb"\g<1>20000101000000", picture)
