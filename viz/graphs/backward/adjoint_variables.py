"""The adjoints of the unrolled graph: its mirror image above it, each adjoint over its value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from minigrad import Tensor
from minigrad.viz import style
from minigrad.viz.graphs.canvas import Point
from minigrad.viz.graphs.fold import RULES
from minigrad.viz.graphs.landmarks import Landmarks
from minigrad.viz.graphs.picture import Picture
from minigrad.viz.graphs.routing import outline
from minigrad.viz.graphs.strip import Strip
from minigrad.viz.graphs.variables.variable_captions import captions_size, put_captions
from minigrad.viz.graphs.variables.variable_model import Item, Key, VariableGraph
from minigrad.viz.graphs.variables.variable_paint import Identifiers, Panel, paint_variables
from minigrad.viz.graphs.variables.variable_places import Places
from minigrad.viz.graphs.variables.variable_sizes import SIDE_POINTS, item_size

from .aftermath_box import Source, put_afters
from .split import Backward

# From the highest value up to the lowest adjoint.
MIRROR_GAP_POINTS = 2.5 * SIDE_POINTS

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
        items = [replace(i, room=sizes.get(i.key, i.room)) for i in graph.items]
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
            visited = [n for n in backward.visited if backward.forward.names[n] == item.key[1]]
        if visited:
            items.append(_adjoint(item, visited, backward))
            tips[item.key] = _tip(item, visited, backward)
            keys |= dict.fromkeys(visited, item.key)
    arrows = [a for a in graph.arrows if a.tail in tips and a.head in tips]
    return AdjointGraph(VariableGraph(items, arrows), tips, keys)


def _adjoint(item: Item, visited: list[Tensor], backward: Backward) -> Item:
    """What stands for the adjoints of an item."""
    plain = replace(item, note="", leaf=False, parameter=False, stands_for=None)
    if item.strip:
        strip = Strip(item.strip.steps, frozenset(), Landmarks())
        return replace(plain, strip=strip, tip=f"{item.tip}, backward")
    if not item.names:
        return plain
    if len(visited) > 1:
        # written out the names would be three times as wide
        names = tuple(backward.forward.names[n] for n in visited)
        return replace(plain, names=names, title=f"{backward.name('')} …")
    return replace(plain, names=(backward.title(visited[0]),))


def _tip(item: Item, visited: list[Tensor], backward: Backward) -> str:
    """The adjoint of a variable, or the rules of a circle."""
    if item.is_circle:
        return backward.tip(visited[-1])
    return "; ".join(backward.describe(n) for n in visited[:3])


def put_adjoints(
    picture: Picture, adjoints: AdjointGraph, spots: Places, backward: Backward
) -> Identifiers:
    """Draw the adjoints above the values, at the same x, in the order in which backward goes.

    Returns their identifiers.

    spots: where the values stand.
    """
    graph = adjoints.graph
    _, (_, high) = spots.corners
    # where the steps go to the right, what is written on folds stands below them
    room = captions_size(graph.items, spots)[1]
    seam = 2 * high + MIRROR_GAP_POINTS + room
    mirrored = _mirrored(spots, seam)
    if spots.runs_across:
        mirrored = replace(mirrored, floor=seam - high - SIDE_POINTS)
    panel = Panel(
        prefix=backward.name("").replace("∂", "d"),
        tips=adjoints.tips,
        fills=dict.fromkeys(adjoints.tips, style.ADJOINT),
        kinds={i.key: "adjoint" if i.names else "adjoint rule" for i in graph.items},
        back=True,
    )
    ids = paint_variables(picture, graph, mirrored, panel)
    put_captions(picture, graph.items, mirrored, panel)
    for item in graph.items:
        if not item.names:
            picture.opens(ids[item.key], RULES)
    borders = {i.key: outline(mirrored.item[i.key], item_size(i)) for i in graph.items}
    gradients = {}
    for x in backward.tape.wrt:
        key = adjoints.keys.get(x)
        if key is not None:
            gradients[x] = Source(ids[key], borders[key])
    put_afters(picture, backward.after, gradients, borders.values())
    return ids


def _mirrored(spots: Places, seam: float) -> Places:
    """The places upside down: a height y becomes seam - y."""

    def flipped(point: Point) -> Point:
        return point[0], seam - point[1]

    items = {key: flipped(point) for key, point in spots.item.items()}
    gates = {gate: flipped(point) for gate, point in spots.gate.items()}
    rails = []
    for rail in spots.rails:
        joints = [joint._replace(point=flipped(joint.point)) for joint in rail.joints]
        rails.append(rail._replace(joints=tuple(joints)))
    return replace(spots, item=items, gate=gates, rails=rails)
