"""From a graph to a file: by Graphviz's own program where there is one, else by pygraphviz inside this process."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import graphviz

from minigrad.errors import ArgumentError, UnsupportedError
from minigrad.files import write_atomically

FORMATS = ("svg", "png", "pdf", "dot")
INSTALL = "pip install pygraphviz, or install Graphviz"
_one_at_a_time = Lock()  # Graphviz's library keeps global state


def render(graph: graphviz.Digraph, file: str | os.PathLike[str]) -> Path:
    """Write the graph in the format that the file's suffix names; returns the path of what was written.

    Where nothing can lay it out, the .dot file is written instead and one line on stderr says what to install.
    Raises ArgumentError for another suffix, DataError where the file cannot be written.
    """
    path = Path(file)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        expected = "expected a name ending in " + ", ".join(f".{k}" for k in FORMATS)
        raise ArgumentError("render", got=f"{str(path)!r}", expected=expected)
    picture = None if kind == "dot" else _laid_out(graph, kind)
    if picture is None:
        path = path.with_suffix(".dot")
    write_atomically(path, graph.source.encode() if picture is None else picture)
    if picture is None and kind != "dot":
        print(f"render: no Graphviz to make a .{kind} with, wrote {path}. {INSTALL}", file=sys.stderr)
    return path


def svg(graph: graphviz.Digraph) -> str:
    """The graph as SVG text, for notebooks."""
    picture = _laid_out(graph, "svg")
    if picture is None:
        raise UnsupportedError("svg", got="no Graphviz to lay the graph out with", remedy=INSTALL)
    return picture.decode()


def _laid_out(graph: graphviz.Digraph, kind: str) -> bytes | None:
    """The picture, or None where neither the program nor pygraphviz is there."""
    if kind == "png":
        graph = graph.copy()
        graph.attr(dpi="192")  # twice the size on the page, for sharp lines
    if shutil.which("dot"):  # the one program, which takes the engine as an option
        return _dateless(graph.pipe(format=kind, encoding=None))
    try:
        from pygraphviz import AGraph
    except ImportError:
        return None
    with _one_at_a_time, _without_font_warnings():
        pictures = 2 if kind == "pdf" else 1  # the first PDF of a process embeds its fonts differently
        drawn = [AGraph(string=graph.source).draw(format=kind, prog=graph.engine) for _ in range(pictures)]
        return _dateless(drawn[-1])


@contextmanager
def _without_font_warnings() -> Iterator[None]:
    """The library's complaints about the system's font files say nothing of the picture; they go straight to fd 2."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _dateless(picture: bytes) -> bytes:
    """The same bytes for the same graph: a PDF carries the time it was made."""
    return re.sub(rb"(/CreationDate \(D:)\d{14}", rb"\g<1>20000101000000", picture)
