"""The adjoints of the unrolled graph: its mirror image above it, each adjoint over its value."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

from minigrad import Tensor
from minigrad.viz import style
from minigrad.viz.graphs.canvas import upside_down
from minigrad.viz.graphs.fold import RULES
from minigrad.viz.graphs.landmarks import Landmarks
from minigrad.viz.graphs.lines.outlines import Outline, outline
from minigrad.viz.graphs.picture import Picture
from minigrad.viz.graphs.strip import Strip
from minigrad.viz.graphs.variables.variable_captions import captions_size, put_captions
from minigrad.viz.graphs.variables.variable_model import Item, Key, VariableGraph
from minigrad.viz.graphs.variables.variable_paint import Identifiers, Panel, paint_variables
from minigrad.viz.graphs.variables.variable_places import Places
from minigrad.viz.graphs.variables.variable_sizes import SIDE_POINTS, item_size

from .aftermath import After
from .aftermath_box import Source, put_afters
from .rule_listing import listings
from .split import Backward

# From the highest value up to the lowest adjoint.
MIRROR_GAP_POINTS = 2.5 * SIDE_POINTS

VALUES = Panel()
"""The panel of a picture that has no others."""

Members = Mapping[Key, list[Tensor]]
"""The tensors of each item."""


@dataclass(frozen=True)
class AdjointGraph:
    """The adjoints in place of the values, under the keys of these; their tooltips.

    keys: of what has an adjoint. The arrows are those of the values: the gradient goes back along
    them.
    """

    graph: VariableGraph
    tips: dict[Key, str]
    keys: dict[Tensor, Key]

    def spread(self, graph: VariableGraph) -> VariableGraph:
        """The values, each with as much room as its adjoint needs."""
        sizes = {i.key: item_size(i) for i in self.graph.items}
        items = []
        for item in graph.items:
            room = sizes.get(item.key, item.room)
            items.append(replace(item, room=room))
        return VariableGraph(items, graph.arrows)


def adjoint_graph(graph: VariableGraph, members: Members, backward: Backward) -> AdjointGraph:
    """The adjoints of what the unrolled graph of the forward pass shows.

    members: the tensors of each of its items.
    """
    tips: dict[Key, str] = {}
    keys: dict[Tensor, Key] = {}
    items = []
    for item in graph.items:
        visited = [n for n in members[item.key] if n in backward.visited]
        if item.dots:
            # members of dots are not listed: they have adjoints where what they stand for has
            _, name = item.key
            names = backward.forward.names
            visited = [n for n in backward.visited if names[n] == name]
        if visited:
            items.append(_adjoint(item, visited, backward))
            tips[item.key] = _tip(item, visited, backward)
            keys |= dict.fromkeys(visited, item.key)
    arrows = [a for a in graph.arrows if a.tail in tips and a.head in tips]
    mirror_image = VariableGraph(items, arrows)
    return AdjointGraph(mirror_image, tips, keys)


def _adjoint(item: Item, visited: list[Tensor], backward: Backward) -> Item:
    """What stands for the adjoints of an item."""
    plain = replace(item, note="", leaf=False, parameter=False, stands_for=None)
    if item.strip:
        strip = Strip(item.strip.steps, frozenset(), Landmarks())
        return replace(plain, strip=strip, tip=f"{item.tip}, backward")
    if not item.names:
        return plain
    if len(item.names) > 1 and len(visited) > 1:
        # ∂L/∂ of each would be three times as wide
        names = tuple(backward.forward.names[n] for n in visited)
        return replace(plain, names=names, title=backward.name(""))
    return replace(plain, names=(backward.title(visited[0]),))


def _tip(item: Item, visited: list[Tensor], backward: Backward) -> str:
    """The adjoint of a variable, or the rules of a circle."""
    if item.is_circle:
        return backward.tip(visited[-1])
    return "; ".join(backward.describe(n) for n in visited[:3])


def put_adjoints(
    picture: Picture,
    adjoints: AdjointGraph,
    spots: Places,
    backward: Backward,
    values: Panel = VALUES,
    strong: Container[After] = (),
) -> Identifiers:
    """Draw the adjoints above the values, at the same x, in the order in which backward goes.

    Returns their identifiers.

    spots: where the values stand. values: the panel that these are drawn in. strong: what is made
    of the gradients in this panel alone.
    """
    graph = adjoints.graph
    mirrored = mirrored_places(graph, spots)
    prefix = backward.name("").replace("∂", "d")
    panel = replace(
        values,
        prefix=values.prefix + prefix,
        tips=adjoints.tips,
        fills=dict.fromkeys(adjoints.tips, style.ADJOINT),
        kinds=_kinds(graph.items),
        back=True,
    )
    ids = paint_variables(picture, graph, mirrored, panel)
    put_captions(picture, graph.items, mirrored, panel)
    borders: dict[Key, Outline] = {}
    for item in graph.items:
        key = item.key
        borders[key] = outline(panel.moved(mirrored.item[key]), item_size(item))
        if not item.names:
            picture.opens(ids[key], RULES)
        if item.is_circle:
            inside = [n for n, home in adjoints.keys.items() if home == key]
            rules = listings(reversed(inside), backward)
            picture.rules = {**picture.rules, ids[key]: rules}
    gradients: dict[Tensor, Source] = {}
    for x in backward.tape.wrt:
        if x in adjoints.keys:
            key = adjoints.keys[x]
            gradients[x] = Source(ids[key], borders[key])
    put_afters(picture, backward.after, gradients, borders.values(), values.prefix, strong)
    return ids


def mirrored_places(graph: VariableGraph, spots: Places) -> Places:
    """Where the adjoints stand, given where the values do."""
    _, (_, high) = spots.corners
    # where the steps go to the right, what is written on folds stands below them
    _, room = captions_size(graph.items, spots)
    seam = 2 * high + MIRROR_GAP_POINTS + room
    mirrored = _mirrored(spots, seam)
    if spots.runs_across:
        floor = seam - high - SIDE_POINTS
        mirrored = replace(mirrored, floor=floor)
    return mirrored


def _kinds(items: Iterable[Item]) -> dict[Key, str]:
    """What each adjoint is called in a picture."""
    kinds = {}
    for item in items:
        kinds[item.key] = "adjoint" if item.names else "adjoint rule"
    return kinds


def _mirrored(spots: Places, seam: float) -> Places:
    """The places upside down: a height y becomes seam - y."""
    items = {key: upside_down(point, seam) for key, point in spots.item.items()}
    gates = {gate: upside_down(point, seam) for gate, point in spots.gate.items()}
    rails = []
    for rail in spots.rails:
        joints = []
        for joint in rail.joints:
            point = upside_down(joint.point, seam)
            joints.append(joint._replace(point=point))
        turned = rail._replace(joints=tuple(joints))
        rails.append(turned)
    return replace(spots, item=items, gate=gates, rails=rails)
