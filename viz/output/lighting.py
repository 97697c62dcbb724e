"""A node under the pointer lights the ways that its adjoint comes: classes, and rules of CSS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from minigrad.viz.output.backward_paths import Arrow, Paths, backward_paths

from .scene import Group, Scene

MAX_RULE_BYTES = 40_000
"""Of the rules: a picture that needs more is lit in a page alone, by its script."""
# What a rule takes beside the names of classes, counted in these.
RULE_COST = 8
# So few targets are not divided further.
MIN_TARGETS = 8
LIT = "#A33E00"
LIT_ON_DARK = "#FFB300"
COLOURS = f"--lit:{LIT}"

TARGET = "a"
"""The class of what lights something."""
# What is not lit is paler, its text and the cuts are not.
DIMMED = " .edge:not(.cut)>:not(text){opacity:.3}", " .node>:not(text){stroke-opacity:.35}"
SHINING = (
    "&>:not(text){opacity:1;stroke-opacity:1;stroke:var(--lit);stroke-width:2}"
    "&.edge>polygon{fill:var(--lit)}"
    "&.fold>*{stroke-width:.5}"
    "&.fold>text{fill:var(--lit)}"
)


def colours_on_dark(picture: str) -> str:
    """The rule that lights the picture of this class where the page is dark."""
    return f"@media (prefers-color-scheme:dark){{.{picture}{{--lit:{LIT_ON_DARK}}}}}"


class Hub(NamedTuple):
    """Targets each of which lights each of the things; both are numbers."""

    targets: list[int]
    things: list[int]


class Lighting(NamedTuple):
    """The classes of each group of a scene, what they light by, and the number of hubs.

    A node of class ``a3`` lights what has the class ``b3``.
    """

    classes: list[str]
    hubs: int

    def rules(self, picture: str) -> str:
        """The style sheet for the picture of this class, which lights no other in a page."""
        at = f"{TARGET}:is(:hover,:focus)"
        lit = [f".{at}"]
        for k in range(self.hubs):
            lit.append(f"&:has(.{TARGET}{k}:is(:hover,:focus)) .b{k}")
        dimmed = "".join(f"&:has(.{at}){rule}" for rule in DIMMED)
        looks = f".{TARGET}>*{{pointer-events:all}}{dimmed}{','.join(lit)}{{{SHINING}}}"
        return f".{picture}{{{COLOURS};{looks}}}{colours_on_dark(picture)}"


def lighting_of(scene: Scene, graph: Any) -> Lighting | None:
    """What lights what in the layout of a graph; None where the graph shows no tape."""
    parts = getattr(graph, "shown", ())
    if not parts:
        return None
    paths = backward_paths(parts, arrows_of(scene))
    return _lighting(scene.groups, paths)


def arrows_of(scene: Scene) -> list[Arrow]:
    """The arrows of a picture, in the order of its groups."""
    arrows = []
    for group in scene.groups:
        if group.kind == "edge":
            tail, head = group.ends
            arrows.append(Arrow(tail, head, group.has("cut")))
    return arrows


def scoped(svg: str) -> str:
    """A class for a picture that has this text: the same each time, another for another picture."""
    return f"m{crc32(svg.encode()):08x}"


def _lighting(groups: Sequence[Group], paths: Paths) -> Lighting:
    number = {name: k for k, name in enumerate(paths.targets)}
    arrows = iter(paths.arrows)
    columns = []
    for group in groups:
        lit = 0
        if group.kind == "edge":
            lit = next(arrows)
        elif group.kind == "node":
            lit = paths.nodes.get(group.name, 0)
        if group.kind == "node" and group.name in number:
            # it lights itself without being told
            lit &= ~(1 << number[group.name])
        columns.append(lit)
    hubs = list(_hubs(columns, len(paths.targets)))
    lights: defaultdict[int, list[int]] = defaultdict(list)
    lit_by: defaultdict[int, list[int]] = defaultdict(list)
    for k, hub in enumerate(hubs):
        for target in hub.targets:
            lights[target].append(k)
        for thing in hub.things:
            lit_by[thing].append(k)
    classes = []
    for thing, group in enumerate(groups):
        names = [f"b{k}" for k in lit_by[thing]]
        if group.kind == "node" and group.name in number:
            names.append(TARGET)
            names += [f"{TARGET}{k}" for k in lights[number[group.name]]]
        classes.append(" ".join(names))
    return Lighting(classes, len(hubs))


def _hubs(columns: Sequence[int], count: int) -> Iterator[Hub]:
    """Few hubs that say together which target lights which thing.

    columns: of each thing, the targets that light it, as bits. A network's steps are joined by a
    few states: nearly all that one half of it lights in the other half it lights through these. So
    the halves are taken apart where that says it with fewer words.
    """
    things = sorted(range(len(columns)), key=columns.__getitem__)
    _, hubs = _divided(columns, things, 0, count)
    yield from hubs


def _divided(
    columns: Sequence[int], things: list[int], low: int, high: int
) -> tuple[int, list[Hub]]:
    """The hubs from targets low to high - 1 to these things, and how much they take."""
    whole = _grouped(columns, things, low, high)
    cost = sum(map(_cost, whole))
    if high - low <= MIN_TARGETS or len(whole) <= 1:
        return cost, whole
    middle = (low + high) // 2
    half = len(things) // 2
    parts_cost = 0
    parts: list[Hub] = []
    for first, last in ((low, middle), (middle, high)):
        for some in (things[:half], things[half:]):
            part_cost, part = _divided(columns, some, first, last)
            parts_cost += part_cost
            parts += part
    return (parts_cost, parts) if parts_cost < cost else (cost, whole)


def _grouped(columns: Sequence[int], things: Iterable[int], low: int, high: int) -> list[Hub]:
    """A hub for each set of these targets that light the same things."""
    mask = (1 << (high - low)) - 1
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for thing in things:
        alike[columns[thing] >> low & mask].append(thing)
    alike.pop(0, None)
    hubs = []
    for pattern, lit in alike.items():
        targets = [low + k for k in range(high - low) if pattern >> k & 1]
        hubs.append(Hub(targets, lit))
    return hubs


def _cost(hub: Hub) -> int:
    return RULE_COST + len(hub.targets) + len(hub.things)
