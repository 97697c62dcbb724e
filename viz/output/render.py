"""From a graph to a file; what Graphviz cannot lay out in time is drawn folded."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from minigrad.errors import ArgumentError, UnsupportedError
from minigrad.internal import uncollected, write_atomically
from minigrad.viz.graphs.picture import Picture
from minigrad.viz.page.picture_page import page, plot_page
from minigrad.viz.plots import vector

from .animation import animated_svg, gif
from .converter import INSTALL_CONVERTER, converted, has_converter
from .graphviz_process import LIMIT, TimeLimitError, laid_out
from .lighting import lighting_of
from .mermaid import mermaid_limits, mermaid_text
from .restyle import restyled
from .scene import Scene
from .scene_reader import read_scene
from .svg_writer import svg_text
from .tikz import tikz_text


def _as_svg(scene: Scene, graph: Any) -> bytes:
    return svg_text(scene, lighting_of(scene, graph)).encode()


def _by_converter(kind: str, scene: Scene, _: Any) -> bytes:
    return converted(svg_text(scene), kind)


def _as_tikz(scene: Scene, _: Any) -> bytes:
    return tikz_text(scene).encode()


def _as_mermaid(scene: Scene, _: Any) -> bytes:
    text = mermaid_text(scene)
    if remark := mermaid_limits(text):
        print(f"render: {remark}", file=sys.stderr)
    return text.encode()


Writer = Callable[[Scene, Any], bytes]
"""What makes the bytes of a file of a scene, and of the graph that it is the layout of."""


def _as_page(scene: Scene, graph: Any) -> bytes:
    def lay_out(other: Any) -> Scene | None:
        return _drawn(other, OPENED_LIMIT).scene

    return page(graph, scene, lay_out).encode()


WRITERS: dict[str, Writer] = {
    "svg": _as_svg,
    "png": partial(_by_converter, "png"),
    "pdf": partial(_by_converter, "pdf"),
    "html": _as_page,
    "gif": gif,
    "tex": _as_tikz,
    "mmd": _as_mermaid,
}
"""By the suffixes of what shows a laid out graph."""
FORMATS = (*WRITERS, "dot")
PLOT_FORMATS = ("svg", "png", "pdf", "html")
CONVERTED = ("png", "pdf")
ANIMATED = ("svg", "gif")
OPENED_LIMIT = 5.0
"""Seconds for each picture in a page with a fold open."""
INSTALL = "pip install pygraphviz, or install Graphviz"
NO_GRAPHVIZ = "no Graphviz"


class Drawn(NamedTuple):
    """A graph laid out, None where that is not possible, what to say of it, and which graph."""

    scene: Scene | None
    remark: str
    graph: Any


@uncollected
def render(
    graph: Any, file: str | os.PathLike[str], limit: float = LIMIT, animated: bool = False
) -> Path:
    """Write the graph, or a plot, in the format that the file's suffix names.

    These are .svg, .png, .pdf, .html and .gif; of graphs also .tex (TikZ), .mmd (Mermaid) and .dot.
    A .html is a page of its own, in which folds open. In a .gif, and a .svg that is ``animated``,
    the backward pass travels over the picture.

    Returns the path of what was written. Where nothing can lay the graph out, that is a .dot file,
    and one line on stderr says what to install; where it takes more than ``limit`` seconds, the
    picture is drawn folded, and one line says so.

    Raises ArgumentError for another suffix, for what is no picture, and to animate another format
    than .svg or what shows no tape; UnsupportedError where Pillow or typst are missing for a .gif;
    DataError where the file cannot be written.

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
    if animated and (kind not in ANIMATED or _is_plot(graph)):
        expected = "a graph is animated as .svg or .gif"
        raise ArgumentError("render: animated", got=f"{str(path)!r}", expected=expected)
    if _is_plot(graph):
        return write_atomically(path, _plot_bytes(graph, path, kind))
    if kind == "dot":
        return write_atomically(path, graph.source.encode())
    drawn = _drawn(graph, limit)
    remark, remedy = drawn.remark, ""
    if drawn.scene is None:
        path = path.with_suffix(".dot")
        data = graph.source.encode()
        remedy = f". {INSTALL}" if NO_GRAPHVIZ in remark else ""
    else:
        if kind in CONVERTED and not has_converter():
            remark = f"no typst to make a .{kind} with"
            remedy = f". {INSTALL_CONVERTER}"
            kind = "svg"
            path = path.with_suffix(".svg")
        if animated and kind == "svg":
            data = animated_svg(drawn.scene, drawn.graph).encode()
        else:
            data = WRITERS[kind](drawn.scene, drawn.graph)
    write_atomically(path, data)
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
    if _is_plot(graph):
        return vector.svg_text(graph)
    drawn = _drawn(graph, limit)
    if drawn.scene is None:
        remedy = "Fold more of it, or take viz.render(graph, 'graph.dot')"
        if NO_GRAPHVIZ in drawn.remark:
            remedy = INSTALL
        raise UnsupportedError("svg", got=drawn.remark, remedy=remedy)
    if drawn.remark:
        print(f"svg: {drawn.remark}", file=sys.stderr)
    return svg_text(drawn.scene, lighting_of(drawn.scene, drawn.graph))


def _refuse_no_picture(caller: str, graph: Any) -> None:
    """Raise ArgumentError for a tape, or anything else, where a picture of it belongs."""
    if not (_is_plot(graph) or hasattr(type(graph), "source")):
        got = f"a {type(graph).__name__}"
        raise ArgumentError(caller, got=got, expected="expected a picture, as viz.draw(tape) makes")


def _is_plot(graph: Any) -> bool:
    """Whether it is a figure of matplotlib's."""
    return hasattr(type(graph), "savefig")


def _plot_bytes(plot: Any, path: Path, kind: str) -> bytes:
    """The plot in one of the formats of plots.

    Raises ArgumentError for the others.
    """
    if kind not in PLOT_FORMATS:
        expected = "a plot is expected as .svg, .png, .pdf or .html"
        raise ArgumentError("render", got=f"{str(path)!r}", expected=expected)
    if kind == "svg":
        return vector.svg_text(plot).encode()
    if kind == "html":
        return plot_page(vector.svg_text(plot)).encode()
    if has_converter():
        return converted(vector.svg_text(plot), kind)
    # matplotlib can write it alone, in a font of its own
    return vector.written(plot, kind)


def _drawn(graph: Any, limit: float) -> Drawn:
    """The graph laid out, or its ``simpler`` one where that takes too long."""
    remark = ""
    while True:
        try:
            layout = laid_out(graph.source, graph.engine, limit)
        except TimeLimitError:
            simpler = graph.simpler if isinstance(graph, Picture) else None
            if simpler is None:
                return Drawn(None, f"no layout within {limit:g} s", graph)
            remark = f"no layout within {limit:g} s, so it is drawn folded"
            graph = simpler()
            continue
        if layout is None:
            return Drawn(None, f"{NO_GRAPHVIZ} to lay it out with", graph)
        scene = read_scene(layout)
        styled = restyled(scene, graph.looks) if isinstance(graph, Picture) else scene
        return Drawn(styled, remark, graph)
