"""A picture as a page: it moves, its folds open, and a node lights the ways its adjoint comes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from time import monotonic
from typing import Any, NamedTuple
from xml.etree import ElementTree

from minigrad.viz import style
from minigrad.viz.graphs.picture import Picture
from minigrad.viz.output.lighting import DIMMED, SHINING, TARGET, lighting_of
from minigrad.viz.output.scene import Scene
from minigrad.viz.output.schemes import light_and_dark
from minigrad.viz.output.svg_writer import FONT, Sheet, sheet

from .shell import data_text, filled, resource

MAX_BYTES = 1_500_000
"""Of all pictures in a page: with more, the folds that come last do not open."""
MAX_PICTURES = 9
MAX_SECONDS = 4.0
"""After so many no further picture is begun: the folds that come last do not open."""
MAX_BOXES = 600
"""A fold that hides more does not open: so many take longer to draw than anybody waits."""
MAX_TITLE_CHARACTERS = 80

TOLD = (
    "Point at a node, or go there by Tab and the arrows: the ways that its adjoint comes light up."
)
LayOut = Callable[[Any], Scene | None]
"""Where everything of a graph stands; None where that takes too long."""
Names = frozenset[str]
Rules = Mapping[str, Sequence[Any]]
"""What the rules compute that a node stands for."""


class Drawn(NamedTuple):
    """A picture, the folds in it and the rules: by the nodes that stand for them."""

    sheet: Sheet
    folds: dict[str, str]
    rules: Rules


def page(graph: Any, scene: Scene, lay_out: LayOut) -> str:
    """The text of the page with a graph, whose layout is the scene.

    lay_out: how it lays out the same with a fold open.
    """
    states = _opened(graph, scene, lay_out)
    pictures = []
    colours: set[str] = set()
    folds = []
    rules: dict[str, Sequence[Any]] = {}
    fold_names: set[str] = set()
    for k, drawn in enumerate(states.values()):
        pictures.append(_svg(drawn.sheet, k, scene.title))
        colours |= drawn.sheet.colours
        folds.append(drawn.folds)
        rules |= drawn.rules
        fold_names.update(drawn.folds.values())
    labels = {name: f"t = {name}" for name in sorted(fold_names) if ".." in name}
    data = {
        "states": [sorted(names) for names in states],
        "folds": folds,
        "rules": rules,
        "labels": labels,
        "told": TOLD if getattr(graph, "shown", ()) else "",
    }
    return _filled(scene.title, "\n".join(pictures), light_and_dark(colours), data)


def plot_page(svg: str) -> str:
    """The text of the page with a plot, from its SVG, as an image."""
    root = ElementTree.fromstring(svg)
    title = root.findtext("{*}title") or "plot"
    _, _, wide, tall = map(float, root.attrib["viewBox"].split())
    source = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    image = f'<image href="{source}" width="{wide:g}" height="{tall:g}"/>'
    view = f"0 0 {wide:g} {tall:g}"
    measures = f'width="{wide:g}pt" height="{tall:g}pt" viewBox="{view}"'
    drawn = Sheet(measures, "", image, frozenset())
    data = {"states": [[]], "folds": [{}], "rules": {}, "labels": {}, "told": ""}
    return _filled(title, _svg(drawn, 0, title), "", data, images="data:")


def _opened(graph: Any, scene: Scene, lay_out: LayOut) -> dict[Names, Drawn]:
    """The picture with no fold open, then with one and more, as many as there is room for."""
    nothing: Names = frozenset()
    states = {nothing: _drawn(graph, scene)}
    # One with a fold open is no smaller.
    least = size = len(states[nothing].sheet.body)
    until = monotonic() + MAX_SECONDS
    waiting = [(nothing, graph)]
    for opened, picture in waiting:
        for name in dict.fromkeys(states[opened].folds.values()):
            more = opened | {name}
            if more in states or picture.reopened is None:
                continue
            if _hidden(picture, name) > MAX_BOXES:
                continue
            is_full = len(states) == MAX_PICTURES or size + least > MAX_BYTES
            if is_full or monotonic() > until:
                return states
            other: Picture = picture.reopened(more)
            # where Graphviz leads arrows round boxes, that takes the cube of their number
            other.attr(splines="line")
            other.looks = picture.looks
            laid_out = lay_out(other)
            if laid_out is None:
                continue
            drawn = _drawn(other, laid_out)
            size += len(drawn.sheet.body)
            if size > MAX_BYTES:
                return states
            states[more] = drawn
            waiting.append((more, other))
    return states


def _hidden(picture: Picture, fold: str) -> float:
    """About how many boxes are drawn where a fold is open, as many for a tensor as elsewhere."""
    hidden = shown = boxes = 0
    for part in picture.shown:
        for name, tensors in part.members.items():
            if picture.folds.get(name) == fold:
                hidden += len(tensors)
            elif name not in picture.folds:
                shown += len(tensors)
                boxes += 1
    return hidden * boxes / max(shown, 1)


def _drawn(graph: Any, scene: Scene) -> Drawn:
    folds = dict(getattr(graph, "folds", {}))
    rules = getattr(graph, "rules", {})
    lighting = lighting_of(scene, graph)
    return Drawn(sheet(scene, lighting), folds, rules)


def _svg(drawn: Sheet, k: int, title: str) -> str:
    """The SVG element number k; only the first shows before the script runs."""
    view = drawn.size.rpartition('viewBox="')[2].rstrip('"')
    hidden = " hidden" if k else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="minigrad picture" role="group" '
        f'aria-label="{escape(title)}" data-view="{view}" {drawn.size} {FONT}{hidden}>'
        f"{drawn.body}</svg>"
    )


def _filled(title: str, pictures: str, colours: str, data: dict[str, Any], images: str = "") -> str:
    dimmed = "".join(f".lighting{rule}" for rule in DIMMED)
    lit = f".{TARGET}>*{{pointer-events:all}}{dimmed}.lighting .lit{{{SHINING}}}\n"
    parts = {
        "title": escape(style.plain(title, MAX_TITLE_CHARACTERS)),
        "pictures": pictures,
        "told": escape(data["told"]),
        "data": data_text(data),
    }
    css = resource("picture.css") + lit + colours
    return filled("picture.html", css, resource("picture.js"), parts, images)
