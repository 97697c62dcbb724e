"""A graph whose nodes stay where they are put: what every picture with a layout of its own is drawn on."""

from __future__ import annotations

import graphviz
from minigrad.viz import style

Point = tuple[float, float]
Looks = dict[str, str]

POINTS_PER_INCH = 72
NAME_POINTS = 11.0
TEXT_POINTS = 9.0


def blank(name: str, crowded: bool) -> graphviz.Digraph:
    """An empty graph; in a crowded one arrows are straight instead of led round the boxes."""
    graph = graphviz.Digraph(name, engine="neato")
    splines = "line" if crowded else "true"
    # inputscale: positions are in points; the exclamation mark that follows each: it is final.
    graph.attr(inputscale="72", splines=splines, esep="+2", outputorder="edgesfirst", pad="0.06")
    font = {"fontname": style.MATH, "fontsize": f"{NAME_POINTS:g}"}
    graph.attr("node", margin="0", style="filled", penwidth="0.8", **font)
    graph.attr("edge", arrowsize="0.5", penwidth="0.8")
    return graph


def pin(graph: graphviz.Digraph, name: str, centre: Point, size: Point, **attributes: str) -> None:
    """A node of this size (points), its centre there for good."""
    x, y = centre
    wide, tall = size
    attributes["pos"] = f"{x:.6g},{y:.6g}!"
    attributes["width"] = f"{wide / POINTS_PER_INCH:.4g}"
    attributes["height"] = f"{tall / POINTS_PER_INCH:.4g}"
    graph.node(name, id=f"node_{name}", **attributes)


def put_text(
    graph: graphviz.Digraph, name: str, centre: Point, size: Point, text: str, **attributes: str
) -> None:
    """Plain text, centred there, in a box of this size (points)."""
    plain = {"shape": "plaintext", "style": "", "fontname": style.SANS}
    plain["fontsize"] = f"{TEXT_POINTS:g}"
    pin(graph, name, centre, size, label=text, **plain, **attributes)


def put_legend(graph: graphviz.Digraph, name: str, centre: Point, size: Point, text: str) -> None:
    """Text that explains the colours and lines of the picture."""
    put_text(graph, name, centre, size, text, **{"class": "legend"})
