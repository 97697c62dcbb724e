"""The boxes of what is made of the gradients, above these, and the arrows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from graphviz import Digraph

from minigrad import Tensor
from minigrad.viz import style
from minigrad.viz.graphs.canvas import TEXT_POINTS, pin
from minigrad.viz.graphs.routing import Outline, outline, position, routes

from .aftermath import After

# Around the text; from the highest adjoint up to the first box, and from box to box.
PADDING_POINTS = 10.0
ABOVE_POINTS = 30.0
LINE_HEIGHT = 1.3
# Where an arrow begins to go straight up into a box.
PORT_POINTS = 6.0


# Of more gradients only those have an arrow that leads straight up.
MAX_ROUTED = 12


class Source(NamedTuple):
    """A gradient: its identifier, and its border."""

    name: str
    border: Outline


def put_afters(
    picture: Digraph,
    afters: list[After],
    gradients: Mapping[Tensor, Source],
    obstacles: Iterable[Outline],
) -> None:
    """A box for what is made of the gradients, over those that it reads.

    gradients: by what they are the gradients of. obstacles: what no arrow may cross.
    """
    borders = list(obstacles)
    for k, after in enumerate(afters, start=1):
        sources = list(dict.fromkeys(gradients[x] for x in after.wrt if x in gradients))
        if sources:
            top = max(border.top for border in borders)
            bar = _bar(after, sources, top + ABOVE_POINTS)
            name = f"after {k}"
            size = bar.right - bar.left, bar.top - bar.bottom
            pin(picture, name, bar.centre, size, **_looks(after))
            if len(sources) > MAX_ROUTED:
                sources = [source for source in sources if _is_free(source.border, borders)]
            _put_arrows(picture, sources, (name, bar), borders)
            borders.append(bar)


def _is_free(border: Outline, borders: list[Outline]) -> bool:
    """Whether nothing stands above a gradient."""
    x, _ = border.centre
    above = [other for other in borders if other.bottom > border.top]
    return not any(other.left < x < other.right for other in above)


def _bar(after: After, sources: list[Source], bottom: float) -> Outline:
    """As wide as the gradients below it, or the text in it."""
    tall = LINE_HEIGHT * TEXT_POINTS * len(after.rows) + PADDING_POINTS
    text = max(style.width(row, TEXT_POINTS, style.SANS) for row in after.rows)
    left = min(source.border.left for source in sources)
    right = max(source.border.right for source in sources)
    wide = max(text + PADDING_POINTS, right - left)
    return outline(((left + right) / 2, bottom + tall / 2), (wide, tall))


def _looks(after: After) -> dict[str, str]:
    return {
        "shape": "box",
        "style": "rounded,filled",
        "fillcolor": style.ADJOINT,
        "fontname": style.SANS,
        "fontcolor": style.GATE if after.clips else "black",
        "label": style.label(*after.rows, size=TEXT_POINTS),
        "class": "rule gate clipped" if after.clips else "rule adjoint",
        "tooltip": style.tooltip(after.tip),
    }


def _put_arrows(
    picture: Digraph, sources: list[Source], head: tuple[str, Outline], borders: list[Outline]
) -> None:
    """Arrows from the gradients, the last piece straight up into the box."""
    name, bar = head
    own = {source.border for source in sources}
    others = [border for border in borders if border not in own]
    outlines: dict[object, Outline] = dict(enumerate(others))
    edges: list[tuple[object, object]] = []
    for source in sources:
        x, _ = source.border.centre
        y = bar.bottom - PORT_POINTS
        port = "port", source.name
        outlines[source] = source.border
        outlines[port] = outline((x, y), (1, 1))
        edges.append((source, port))
    for source, path in zip(sources, routes(outlines, edges), strict=True):
        x, y = path[-1]
        tip = x, bar.bottom
        path += [(x, y + (bar.bottom - y) / 3), (x, y + (bar.bottom - y) * 2 / 3), tip]
        looks = {"color": style.BACKWARD, "class": "backward"}
        picture.edge(source.name, name, pos=position(path), **looks)
