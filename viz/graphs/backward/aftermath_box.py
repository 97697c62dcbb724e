"""The boxes of what is made of the gradients, above these, and the arrows from them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from graphviz import Digraph

from minigrad import Tensor
from minigrad.viz import style
from minigrad.viz.graphs.canvas import TEXT_POINTS, pin
from minigrad.viz.graphs.curves import position
from minigrad.viz.graphs.lines.outlines import Outline, outline

from .aftermath import After

# Around the text; from the highest adjoint up to the first box, and from box to box.
PADDING_POINTS = 10.0
ABOVE_POINTS = 30.0


LOOKS = {"color": style.BACKWARD, "class": "backward"}


class Source(NamedTuple):
    """A gradient: its identifier, and its border."""

    name: str
    border: Outline


def put_afters(
    picture: Digraph,
    afters: list[After],
    gradients: Mapping[Tensor, Source],
    obstacles: Iterable[Outline],
    prefix: str = "",
    strong: Container[After] = (),
) -> None:
    """A box for what is made of the gradients, over those that it reads.

    gradients: by what they are the gradients of. obstacles: what no arrow may cross. prefix: what
    identifiers start with. strong: what the other panels lack.
    """
    borders = list(obstacles)
    for k, after in enumerate(afters, start=1):
        read = dict.fromkeys(gradients[x] for x in after.wrt if x in gradients)
        if read:
            sources = list(read)
            top = max(border.top for border in borders)
            bar = _bar(after, sources, top + ABOVE_POINTS)
            name = f"{prefix}after {k}"
            size = bar.wide, bar.tall
            label = style.label(*after.rows, size=TEXT_POINTS)
            looks = {**after.looks, "fontsize": f"{TEXT_POINTS:g}"}
            if after in strong:
                looks["penwidth"] = "2"
                looks["class"] += " differs"
            pin(picture, name, bar.centre, size, label=label, **looks)
            _put_arrows(picture, sources, (name, bar), borders)
            borders.append(bar)


def _is_free(border: Outline, borders: list[Outline]) -> bool:
    """Whether nothing stands above a gradient."""
    x, _ = border.centre
    above = [other for other in borders if other.bottom > border.top]
    return not any(other.left < x < other.right for other in above)


def _tall(after: After) -> float:
    """The height of a box."""
    return style.LINE_HEIGHT * TEXT_POINTS * len(after.rows) + PADDING_POINTS


def afters_tall(afters: list[After]) -> float:
    """How far all boxes together reach above the gradients."""
    return sum(ABOVE_POINTS + _tall(after) for after in afters)


def _bar(after: After, sources: list[Source], bottom: float) -> Outline:
    """As wide as the gradients below it, or the text in it."""
    tall = _tall(after)
    text = max(style.width(row, TEXT_POINTS, style.SANS) for row in after.rows)
    left = min(source.border.left for source in sources)
    right = max(source.border.right for source in sources)
    wide = max(text + PADDING_POINTS, right - left)
    x = (left + right) / 2
    y = bottom + tall / 2
    return outline((x, y), (wide, tall))


def _put_arrows(
    picture: Digraph, sources: list[Source], head: tuple[str, Outline], borders: list[Outline]
) -> None:
    """Arrows straight up from the gradients; none where one of them has no way."""
    name, bar = head
    if not all(_is_free(source.border, borders) for source in sources):
        return
    for source in sources:
        x, _ = source.border.centre
        start = x, source.border.top
        tip = x, bar.bottom
        path = [start, start, tip, tip]
        picture.edge(source.name, name, pos=position(path), **LOOKS)
