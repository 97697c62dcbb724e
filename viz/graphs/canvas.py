"""A graph whose nodes stay where they are put: what pictures with their own layout are drawn on."""

from __future__ import annotations

from graphviz import Digraph

from minigrad.viz import style

from .picture import Picture

Point = tuple[float, float]
Looks = dict[str, str]

POINTS_PER_INCH = 72
# A picture is at most so wide, and what is drawn within its margins that much.
PAGE_POINTS = 700.0
ROOM_POINTS = 690.0
# A panel that stands below others, all steps in it, may be as wide as a page that is turned.
TURNED_PAGE_POINTS = 792.0
TURNED_ROOM_POINTS = 782.0
NAME_POINTS = 11.0
TEXT_POINTS = 9.0
LINE_WIDTH = "0.8"

SCALE_SIZE = (190, 40)


def blank_with_paths(name: str, title: str) -> Picture:
    """An empty graph whose edges come with their ``pos``, and whose frames with their ``bb``."""
    graph = Picture(name, engine="neato")
    # inputscale: positions are in points; the exclamation mark that follows each: it is final.
    graph.attr(inputscale="72", splines="true", esep="+2", outputorder="edgesfirst", pad="0.06")
    graph.attr(tooltip=title)
    font = {"fontname": style.MATH, "fontsize": f"{NAME_POINTS:g}"}
    graph.attr("node", margin="0", fixedsize="true", style="filled", penwidth=LINE_WIDTH, **font)
    graph.attr("edge", arrowsize="0.5", penwidth=LINE_WIDTH)
    # Graphviz takes over what stands where, by whichever of its programs it is asked.
    graph.attr(layout="nop2")
    return graph


def upside_down(point: Point, seam: float) -> Point:
    """The image of a point above or below the line at half that height."""
    x, y = point
    return x, seam - y


def pin(graph: Digraph, name: str, centre: Point, size: Point, **attributes: str) -> None:
    """A node with this identifier and size (points), its centre there for good."""
    x, y = centre
    wide, tall = size
    attributes["pos"] = f"{x:.6g},{y:.6g}!"
    attributes["width"] = f"{wide / POINTS_PER_INCH:.4g}"
    attributes["height"] = f"{tall / POINTS_PER_INCH:.4g}"
    graph.node(name, **attributes)


def put_text(graph: Digraph, name: str, centre: Point, size: Point, **attributes: str) -> None:
    """A label without a box, centred there, in a space of this size (points)."""
    looks = {
        "shape": "plaintext",
        "style": "",
        "fontname": style.SANS,
        "fontsize": f"{TEXT_POINTS:g}",
    }
    pin(graph, name, centre, size, **looks, **attributes)


def put_scale(graph: Digraph, centre: Point, label: str) -> None:
    """The legend of the colours."""
    looks = {"label": label, "class": "legend"}
    put_text(graph, "scale", centre, SCALE_SIZE, **looks)
